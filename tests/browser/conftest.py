"""A real browser, the real server, a blog on another origin, and a real mail server."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.cast import ADA, ADAS_PASSWORD
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
PATIENCE = 20  # seconds
Found = TypeVar("Found")

expect.set_options(timeout=PATIENCE * 1000)  # a busy machine is no fault of ours


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

    def letter(self, to: str, number: int = 1) -> EmailMessage:
        """Wait for the ``number``-th letter to somebody."""
        return wait_for(lambda: [one for one in self.post_office.letters if one["To"] == to][number - 1 : number])[0]


def wait_for(look: Callable[[], Found]) -> Found:
    """What ``look`` finds, as soon as it finds something."""
    deadline = monotonic() + PATIENCE
    while not (found := look()):
        assert monotonic() < deadline, "waited in vain"
        sleep(0.1)
    return found


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server finds that was set up before: a migrated database, and Ada in it."""
    server = Running(tmp_path_factory.mktemp("data"))
    server.run("moderator", "add", ADA.email, "--name", "Ada", "--password-stdin", stdin=ADAS_PASSWORD + "\n")
    return server.folder


@pytest.fixture
def world(tmp_path: Path, data: Path) -> Iterator[World]:
    """Everything running; the blog's article holds the two lines."""
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    with web() as blog, web() as neighbour, mail_server() as post_office:
        environment = {"MAIL_URL": post_office.url, "FETCH_ALLOW": f"{neighbour.address},{blog.address}"}
        with running(tmp_path, **environment) as server:
            server.run("site", "add", "blog", blog.url, "--name", "A blog", "--comments-per-minute", "1000")
            server.know_its_secret()
            blog.page(ARTICLE, article_html(server, blog))
            yield World(server, blog, neighbour, post_office)


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
        page.set_default_timeout(PATIENCE * 1000)
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
