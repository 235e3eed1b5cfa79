"""A real browser, the real server, a blog on another origin, and a real mail server."""

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from commentsvc import settings
from commentsvc.accounts import moderators
from commentsvc.cli import application
from commentsvc.db import db
from commentsvc.settings import PREFIX
from tests.browser.served import FORGET
from tests.cast import ADA, ADAS_PASSWORD
from tests.conftest import empty, hash_of
from tests.running import Running, running
from tests.servers import MailServer, Web, mail_server, web
from tests.visitors import answer_to

ARTICLE = "/2020/05/phone.html"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]
TIMEOUT = 20  # seconds
Found = TypeVar("Found")

expect.set_options(timeout=TIMEOUT * 1000)  # a busy machine is no fault of ours


@pytest.fixture(autouse=True)
def time() -> None:
    """The wall clock."""


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@dataclass
class Served(Running):
    """A server for many tests, which forgets each of them."""

    @property
    def command(self) -> list[str]:
        """The server of these tests."""
        return ["tests.browser.served", str(self.port)]

    @contextmanager
    def database(self) -> Iterator[None]:
        """Inside, ``db`` is this server's."""
        self.know_its_secret()
        with application.on(settings.current()).app_context():
            yield

    def forget(self) -> None:
        """Let it begin anew: no row but Ada's, who owns it; no limit used up, nothing kept."""
        with self.database():
            db.begin_write()
            empty()
            moderators.add(ADA.email, ADA.name).password_hash = hash_of(ADAS_PASSWORD)
            db.session.commit()
        urllib.request.urlopen(f"{self.url}{FORGET}").close()


@dataclass
class World:
    """The comment server, a blog that embeds it, another blog, and the post office."""

    server: Running
    blog: Web
    neighbour: Web
    post_office: MailServer

    @property
    def article(self) -> str:
        """The article's address."""
        return self.blog.url + ARTICLE

    @property
    def page(self) -> str:
        """The thread's own page."""
        return f"{self.server.url}/t/blog{ARTICLE}"

    @property
    def settings(self) -> dict[str, str]:
        """What a server in it must know."""
        return {"MAIL_URL": self.post_office.url, "FETCH_ALLOW": f"{self.neighbour.address},{self.blog.address}"}

    def message(self, to: str, number: int = 1) -> EmailMessage:
        """Wait for the ``number``-th email to somebody."""
        return wait_for(lambda: [one for one in self.post_office.messages if one["To"] == to][number - 1 : number])[0]

    def begin(self) -> None:
        """Put the article up, and tell the server of the blog."""
        for place in (self.blog, self.neighbour):
            place.forget()
        self.post_office.forget()
        self.server.run("site", "add", "blog", self.blog.url, "--name", "A blog", "--comments-per-minute", "1000")
        self.server.know_its_secret()
        self.blog.page(ARTICLE, article_html(self.server, self.blog))


def wait_for(look: Callable[[], Found]) -> Found:
    """What ``look`` finds, as soon as it finds something."""
    deadline = monotonic() + TIMEOUT
    while not (found := look()):
        assert monotonic() < deadline, "waited in vain"
        sleep(0.1)
    return found


@pytest.fixture(scope="session")
def one_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything running, for all tests that leave it so."""
    with web() as blog, web() as neighbour, mail_server() as post_office:
        server = Served(tmp_path_factory.mktemp("served"))
        world = World(server, blog, neighbour, post_office)
        server.environment = {f"{PREFIX}{name}": value for name, value in world.settings.items()}
        server.start()
        yield world
        server.kill()


@pytest.fixture
def world(one_world: World) -> World:
    """Everything running as if nothing had been before; the blog's article holds the two lines."""
    assert isinstance(one_world.server, Served)
    one_world.server.forget()
    one_world.begin()
    return one_world


@pytest.fixture
def fragile_world(one_world: World, tmp_path: Path) -> Iterator[World]:
    """The same with a server that the test may end."""
    with running(tmp_path, **one_world.settings) as server:
        world = World(server, one_world.blog, one_world.neighbour, one_world.post_office)
        world.begin()
        yield world


@pytest.fixture
def world_below(one_world: World, tmp_path: Path) -> Iterator[World]:
    """The same with a server below a path of its host, where Ada may sign in; its proxy leaves paths as they are."""
    server = Running(
        tmp_path, {f"{PREFIX}{name}": value for name, value in one_world.settings.items()}, path="/comments"
    )
    world = World(server, one_world.blog, one_world.neighbour, one_world.post_office)
    world.begin()
    server.run("moderator", "add", ADA.email, "--password-stdin", stdin=ADAS_PASSWORD)
    server.start()
    yield world
    server.kill()


def article_html(server: Running, blog: Web, policy: str = "") -> str:
    """An article with the two lines in it."""
    return f"""<!doctype html><html lang="en"><head><title>The phone</title>
<link rel="canonical" href="{blog.url}{ARTICLE}">
<script type="module" src="{server.url}/embed.js"></script></head>
<body><h1>The phone</h1><p>It rings.</p>
<comment-thread site="blog"><a href="{server.url}/t/blog{ARTICLE}">Comments</a></comment-thread></body></html>"""


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A person at a browser of their own: ``bob = person()``, ``person(java_script_enabled=False)``."""
    contexts = []
    troubles: list[str] = []

    def arrive(**wishes: object) -> Page:
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}} | wishes)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT * 1000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield arrive
    for context in contexts:
        context.close()
    assert not troubles, troubles


def solve(page: Page) -> None:
    """Look at the picture and type what it shows, taking as long as a person does."""
    token = page.locator("form.write input[name=challenge_token]")
    wait_for(token.input_value)
    page.locator("[name=challenge_answer]").fill(answer_to(token.input_value()))
    sleep(2.2)
