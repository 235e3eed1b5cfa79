"""A real database with the migrated schema for every test, on SQLite and on PostgreSQL; people; a clock."""

import contextvars
import gc
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from commentsvc import clock, schema, settings, storage_errors, throttle, tokens
from commentsvc import configuration as service_configuration
from commentsvc.accounts import moderators, passwords, sessions
from commentsvc.app import create_app
from commentsvc.db import Base, db
from commentsvc.models import Moderator, Site
from commentsvc.models.moderator import Role
from commentsvc.settings import Settings
from commentsvc.web import snapshots
from commentsvc.web.admin import session
from tests import postgres
from tests.cast import ADA, ADAS_PASSWORD, BLOG, BOB, HEDY, HEDYS_PASSWORD, OTHER_BLOG
from tests.post import link_in, only, work
from tests.servers import MailServer, mail_server
from tests.time import FrozenClock
from tests.visitors import Visitor

SECRET = "only the tests know this text, 0123456789"
HERE = Path(__file__).parent
DATABASES = ("sqlite", "postgresql")


def pytest_report_header() -> str | None:
    """Say loudly what will be skipped."""
    return None if postgres.binaries() else f"!!! PostgreSQL tests are UNSOLVED: {postgres.MISSING}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--all-values`` runs the full matrix: each value of each test on both databases."""
    parser.addoption("--all-values", action="store_true", help="on PostgreSQL too, run each test with all its values")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything that touches the database runs on both."""
    if {"database_url", "database_name"} & set(metafunc.fixturenames):
        metafunc.parametrize("database_name", DATABASES)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what runs in a browser, leave out what others show already, begin with the slowest."""
    for item in items:
        if HERE / "browser" in item.path.parents:
            item.add_marker("browser")
    if not config.getoption("--all-values"):
        spare = {item for item in items if item.get_closest_marker("all_values")}
        spare |= set(_further_values_on_postgresql(items))
        items[:] = [item for item in items if item not in spare]
        config.hook.pytest_deselected(items=list(spare))
    items.sort(key=_how_soon)
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    items[:] = [
        item for first in range(workers) for item in items[first::workers]
    ]  # each gets a share of the slow ones


def pytest_collection_finish() -> None:
    """What is loaded and collected stays: the garbage collector need not look through it after each test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _further_values_on_postgresql(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Where only the value differs and not what the database does, one value is enough there."""
    seen: dict[str, int] = defaultdict(int)
    for item in items:
        values = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if values.get("database_name") != "postgresql" or item.get_closest_marker("every_value"):
            continue
        name = item.nodeid.partition("[")[0]
        seen[name] += 1
        if seen[name] > 1:
            yield item


def _how_soon(item: pytest.Item) -> int:
    """What starts processes or waits comes first, so that no worker is left alone with it at the end."""
    folder = item.path.relative_to(HERE).parts[0]
    return {"journeys": 0, "browser": 1, "conventions": 2}.get(folder, 3)


@pytest.fixture(autouse=True)
def _no_damage_is_known() -> None:
    """A damaged file of an earlier test is none of the next one's."""
    storage_errors.damage_found.clear()


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    """A private cluster of this test process."""
    if not postgres.binaries():
        pytest.skip(postgres.MISSING)
    with postgres.running(tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The address of a database of this session, by its kind, with the schema as the migrations make it."""

    @cache
    def make(name: str) -> str:
        if name == "postgresql":
            return str(request.getfixturevalue("postgres_cluster").new_database())
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'test.sqlite3'}"
        schema.upgrade(url)
        return url

    return make


@pytest.fixture(scope="session")
def applications(
    migrated: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Flask]]:
    """The application of this session on a kind of database: made once, as it is the same in all tests."""
    made: dict[str, Flask] = {}

    def make(name: str) -> Flask:
        if name not in made:
            made[name] = create_app(_settings(tmp_path_factory.mktemp("data"), migrated(name)))
            made[name].test_client_class = Browser
        return made[name]

    yield make
    for app in made.values():
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def database_url(database_name: str, migrated: Callable[[str], str]) -> str:
    """A database with the schema as the migrations make it."""
    return migrated(database_name)


@pytest.fixture
def configuration(tmp_path: Path, database_url: str) -> Settings:
    """The settings of the service under test."""
    return _settings(tmp_path, database_url)


def _settings(folder: Path, database_url: str) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=database_url,
        secret_key=SECRET,
        base_url="https://comments.example",
        mail_url=f"file://{folder}/letters",
        fetch_allow=frozenset(),
    )


@pytest.fixture
def app(configuration: Settings, database_name: str, applications: Callable[[str], Flask]) -> Iterator[Flask]:
    """The application, with an empty database and both sites; it remembers nothing of the test before."""
    app = applications(database_name)
    settings.use(configuration)
    throttle.forget()
    snapshots.install(app)
    with app.app_context():
        db.begin_write()
        empty()
        _add_sites()
        db.session.commit()
        service_configuration.current()  # which a page may serve once more from what was read last
        db.session.remove()
        yield app
        db.session.remove()


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


def empty() -> None:
    """Delete every row, but the one that says which version the configuration has."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":  # all goes, so nobody needs to look for what hangs on each row
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table in reversed(Base.metadata.sorted_tables):
        if table.name == "configuration":
            connection.exec_driver_sql("UPDATE configuration SET version = version + 1")  # triggers may be off
            continue
        connection.exec_driver_sql(f"DELETE FROM {table.name}")  # noqa: S608 - names of our own


def _add_sites() -> None:
    db.session.add(
        Site(key="blog", name="A blog", origins=[BLOG], moderation="none", captcha="always", comments_per_minute=1000)
    )
    db.session.add(
        Site(
            key="other", name="Another", origins=[OTHER_BLOG], moderation="all", comments_per_minute=1000, language="de"
        )
    )


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
def questions(app: Flask) -> Iterator[list[str]]:
    """What the database is asked, but for beginnings."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement != "BEGIN":
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


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
    added = moderators.add(ADA.email, ADA.name)
    person = visit()
    person.client.environ_base["REMOTE_ADDR"] = "192.0.2.77"  # not where her readers are
    return _signed_in(person, added, ADAS_PASSWORD)


@pytest.fixture
def hedy(app: Flask, visit: Callable[[], Visitor]) -> Visitor:
    """Hedy, signed in; she decides about the other blog alone."""
    db.begin_write()
    added = moderators.add(HEDY.email, HEDY.name, Role.MODERATOR, [Site.named("other")])
    return _signed_in(visit(), added, HEDYS_PASSWORD)


def _signed_in(visitor: Visitor, who: Moderator, password: str) -> Visitor:
    """Their browser as the sign-in leaves it; the page itself is tried in tests/web/test_sign_in.py."""
    who.password_hash = hash_of(password)
    cookies = {"moderator": sessions.start(who), session.KNOWN_BROWSER: tokens.sign(session.KNOWN_BROWSER, who.id)}
    db.session.commit()
    for name, value in cookies.items():
        visitor.client.set_cookie(f"__Host-{name}", value, domain="comments.example", secure=True)
    return visitor


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """How passwords are hashed outside the tests, which have it cheap."""
    with pytest.MonkeyPatch.context() as patch:
        real = passwords._hasher
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield real


@pytest.fixture
def moderator(ada: Visitor) -> Moderator:
    """Ada's row."""
    found = Moderator.with_email(ADA.email)
    assert found
    return found


@cache
def hash_of(password: str) -> str:
    """Made once: whether it is guessed soon takes its time to find out."""
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
    bob.client.post(link_in(only(post_office.messages), "confirm"))
    post_office.messages.clear()
    return comment


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    """The clock stands still in every test."""
    frozen = FrozenClock()
    with clock.override(frozen):
        yield frozen


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    # The shell is the same browser without the windows, tabs and menus that nobody sees: a third of the work.
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.skip("no chromium here, so nothing is tried in a real browser")
    return found
