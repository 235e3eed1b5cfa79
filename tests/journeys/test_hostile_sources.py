"""Pages made to hold a worker up: it is free again in time, and other pings are verified meanwhile."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.running import Running
from tests.servers import Web, web

ARTICLE = "https://blog.example/x"
FREE_AGAIN = 20  # seconds


@pytest.fixture
def hostile() -> Iterator[Web]:
    """A page that never says anything, and one that says it a byte at a time."""
    with web() as one:
        one.pages["/hang"] = hang
        one.pages["/drip"] = drip
        yield one


@pytest.fixture
def friendly() -> Iterator[Web]:
    """A page that links to the article."""
    with web() as one:
        one.page("/post", f'<title>Why</title><a href="{ARTICLE}">x</a>')
        one.url = one.url.replace("127.0.0.1", "localhost")
        yield one


@pytest.fixture
def server(tmp_path: Path, hostile: Web, friendly: Web) -> Iterator[Running]:
    """The service; to it the two are different hosts, of which each is asked one thing at a time."""
    one = Running(tmp_path, {"COMMENTSVC_FETCH_ALLOW": f"{hostile.address},{friendly.address}"})
    one.run("site", "add", "blog", "https://blog.example", "--moderation", "none")
    one.start()
    yield one
    one.kill()


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(FREE_AGAIN)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    try:
        for _ in range(FREE_AGAIN * 5):
            handler.connection.sendall(b"<")
            time.sleep(0.2)
    except OSError:
        return


def mention(server: Running, source: str) -> str:
    form = urlencode({"source": source, "target": ARTICLE}).encode()
    with urlopen(f"{server.url}/webmention", form) as answer:
        return str(answer.headers["Location"])


def status(location: str) -> str:
    with urlopen(Request(location, headers={"Accept": "application/json"})) as answer:
        return str(json.load(answer)["status"])


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_worker_is_free_again_and_others_are_verified_meanwhile(
    server: Running, hostile: Web, friendly: Web, path: str
) -> None:
    slow = mention(server, hostile.url + path)
    deadline = time.monotonic() + FREE_AGAIN
    while not hostile.asked:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    good = mention(server, f"{friendly.url}/post")
    while status(good) != "shown":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert status(slow) == "queued", "the slow one is still being read"
    while status(slow) == "queued":
        assert time.monotonic() < deadline + 5
        time.sleep(0.2)
    assert status(slow) == "unreachable"
