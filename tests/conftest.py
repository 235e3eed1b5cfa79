"""A real database with the migrated schema for every test, on SQLite and on PostgreSQL; people; a clock."""

import contextvars
import os
import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from commentsvc import clock, schema, settings, throttle
from commentsvc.accounts import moderators, passwords
from commentsvc.app import create_app
from commentsvc.db import Base, Database, db
from commentsvc.models import Moderator, Site
from commentsvc.models.moderator import Role
from commentsvc.settings import Settings
from tests import postgres
from tests.cast import ADA, ADAS_PASSWORD, BLOG, BOB, HEDY, HEDYS_PASSWORD, OTHER_BLOG
from tests.post import link_in, only, work
from tests.servers import MailServer, mail_server
from tests.time import FrozenClock
from tests.visitors import Visitor

SECRET = "a secret that only the tests know, 0123456789"
HERE = Path(__file__).parent
DATABASES = ("sqlite", "postgresql")


def pytest_report_header() -> str | None:
    """Say loudly what will be skipped."""
    return None if postgres.binaries() else f"!!! PostgreSQL tests are SKIPPED: {postgres.MISSING}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything that touches the database runs on both."""
    if {"database_url", "database_name"} & set(metafunc.fixturenames):
        metafunc.parametrize("database_name", DATABASES, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser are marked by where they stand."""
    for item in items:
        if HERE / "browser" in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    """A private cluster of this test process."""
    if not postgres.binaries():
        pytest.skip(postgres.MISSING)
    with postgres.running(tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def database_url(database_name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the schema as the migrations make it."""
    if database_name == "postgresql":
        url = request.getfixturevalue("postgres_cluster").new_database()
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'test.sqlite3'}"
    schema.upgrade(Settings(database_url=url, data_dir=Path("/nonexistent")).database)
    return url


@pytest.fixture
def configuration(tmp_path: Path, database_url: str) -> Settings:
    """The settings of the service under test."""
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        secret_key=SECRET,
        base_url="https://comments.example",
        mail_url=f"file://{tmp_path}/letters",
        fetch_allow=frozenset(),
    )


class KnownTemplates(BytecodeCache):
    """The compiled code of templates, which is the same for the applications of all tests."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what another test compiled."""
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it for the next one."""
        self.code[bucket.key] = bucket.bytecode_to_string()


KNOWN_TEMPLATES = KnownTemplates()


@pytest.fixture(scope="session", autouse=True)
def engines() -> Iterator[None]:
    """One engine for each database, so that statements are compiled once, and not for each test."""
    made: dict[str, Engine] = {}
    make = Database._make_engine

    def once(self: Database, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        name = str(options["url"])
        if name not in made:
            made[name] = make(self, bind_key, options, app)
        return made[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_make_engine", once)
        yield
    for engine in made.values():
        engine.dispose()


@pytest.fixture
def app(configuration: Settings) -> Iterator[Flask]:
    """The application, with an empty database and both sites."""
    app = create_app(configuration)
    app.jinja_env.bytecode_cache = KNOWN_TEMPLATES
    app.test_client_class = Browser
    throttle.forget()
    with app.app_context():
        _empty()
        _add_sites()
        db.session.remove()
        yield app
        db.session.remove()
        db.engine.dispose()


class Browser(FlaskClient):
    """A client whose requests do not see the test's own context, as requests over the wire do not."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send one request."""
        kwargs.setdefault("base_url", "https://comments.example")
        try:
            return contextvars.Context().run(super().open, *args, **kwargs)
        finally:
            if has_app_context():
                db.session.rollback()  # what the test reads next is what is there now


def _empty() -> None:
    db.begin_write()
    for table in reversed(Base.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.commit()


def _add_sites() -> None:
    db.begin_write()
    db.session.add(
        Site(key="blog", name="A blog", origins=[BLOG], moderation="none", captcha="always", comments_per_minute=1000)
    )
    db.session.add(
        Site(
            key="other", name="Another", origins=[OTHER_BLOG], moderation="all", comments_per_minute=1000, language="de"
        )
    )
    db.session.commit()


@pytest.fixture
def site(app: Flask) -> Site:
    """The blog."""
    return Site.named("blog")


@pytest.fixture
def rules(app: Flask) -> Callable[..., None]:
    """To change what a site's owner decides: ``rules("blog", moderation="all")``."""

    def change(key: str, **values: object) -> None:
        db.begin_write()
        site = Site.named(key)
        for name, value in values.items():
            setattr(site, name, value)
        db.session.commit()

    return change


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody's browser."""
    return _client(app)


@pytest.fixture
def visit(app: Flask, time: FrozenClock) -> Callable[[], Visitor]:
    """A new visitor with a browser of their own: ``bob = visit()``."""
    return lambda: Visitor(_client(app), time)


@pytest.fixture
def bob(visit: Callable[[], Visitor]) -> Visitor:
    """Bob's browser."""
    return visit()


@pytest.fixture
def ada(app: Flask, visit: Callable[[], Visitor]) -> Visitor:
    """Ada, signed in."""
    db.begin_write()
    moderators.add(ADA.email, ADA.name).password_hash = _hash_of(ADAS_PASSWORD)
    db.session.commit()
    visitor = visit()
    visitor.sign_in(ADA.email, ADAS_PASSWORD)
    return visitor


@pytest.fixture
def hedy(app: Flask, visit: Callable[[], Visitor]) -> Visitor:
    """Hedy, signed in; she decides about the other blog alone."""
    db.begin_write()
    added = moderators.add(HEDY.email, HEDY.name, Role.MODERATOR, [Site.named("other")])
    added.password_hash = _hash_of(HEDYS_PASSWORD)
    db.session.commit()
    visitor = visit()
    visitor.sign_in(HEDY.email, HEDYS_PASSWORD)
    return visitor


@pytest.fixture
def moderator(ada: Visitor) -> Moderator:
    """Ada's row."""
    found = Moderator.with_email(ADA.email)
    assert found
    return found


@lru_cache
def _hash_of(password: str) -> str:
    """Made once, as it is made to take its time."""
    somebody = Moderator(email="")
    passwords.set_password(somebody, password)
    return str(somebody.password_hash)


def _client(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base.update(
        {"wsgi.url_scheme": "https", "HTTP_HOST": "comments.example", "REMOTE_ADDR": "203.0.113.7"}
    )
    return client


@pytest.fixture
def post_office(app: Flask) -> Iterator[MailServer]:
    """A real SMTP server that the service sends to."""
    with mail_server() as server:
        before = settings.current()
        settings.use(before.model_copy(update={"mail_url": server.url}))
        yield server
        settings.use(before)


@pytest.fixture
def set_up(app: Flask) -> Iterator[Callable[..., None]]:
    """To change settings: ``set_up(mail_reply_to="comments@blog.example")``."""
    before = settings.current()
    yield lambda **values: settings.use(settings.current().model_copy(update=values))
    settings.use(before)


@pytest.fixture
def subscribed(bob: Visitor, post_office: MailServer) -> int:
    """Bob's comment, after he asked to hear of answers and confirmed it."""
    comment = bob.comment(BOB, email=BOB.email, notify="on")
    work()
    bob.client.post(link_in(only(post_office.letters), "confirm"))
    post_office.letters.clear()
    return comment


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    """The clock stands still in every test."""
    frozen = FrozenClock()
    with clock.reading(frozen):
        yield frozen


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or os.environ.get("CHROMIUM")
    if not found:
        pytest.skip("no chromium here, so nothing is tried in a real browser")
    return found
