"""Many connections that send a body and never end: readers and other writers do not notice."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from commentsvc.settings import PREFIX
from tests.running import Running

SENDERS = 300
TIMEOUT = 60  # seconds: all but a few senders are told so on a page, which takes a busy machine some time


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """One process."""
    one = Running(tmp_path, {f"{PREFIX}TRUSTED_PROXIES": "127.0.0.0/8"})
    one.run("site", "add", "blog", "https://blog.example", "--moderation", "none", "--captcha", "never")
    one.start()
    yield one
    one.kill()


def test_readers_and_writers_go_on(server: Running) -> None:
    begun = b"POST /t/blog/p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\nauthor=Mallory"
    refused = 0
    with ExitStack() as lines:
        opened = [lines.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(SENDERS)]
        for line in opened:
            line.sendall(begun)
        for number in range(20):
            with urllib.request.urlopen(f"{server.url}/embed/blog/a?lang=en", timeout=TIMEOUT) as page:
                assert page.status == 200
            body = json.dumps({"author": "Bob", "body": f"number {number} of what Bob says meanwhile"}).encode()
            sent = urllib.request.Request(
                f"{server.url}/api/v1/threads/blog/{number}/comments",
                body,
                {"Content-Type": "application/json", "X-Forwarded-For": f"198.51.100.{number}"},
            )
            with urllib.request.urlopen(sent, timeout=TIMEOUT) as answer:
                assert answer.status == 201
        for line in opened:
            line.setblocking(False)
            with suppress(BlockingIOError):  # it is still waited for
                refused += b"429" in line.recv(20)
    assert refused >= SENDERS - 100


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("size", ["Content-Length: 200", "Transfer-Encoding: chunked"])
def test_a_body_where_none_belongs_holds_nothing(server: Running, method: str, size: str) -> None:
    """Forms are asked for, and a few such connections would keep those to the database, or all threads."""
    begun = [
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Commentsvc-Visitor: bad\r\n{size}\r\n\r\n".encode()
        for path in ("/follow/blog/z", "/t/blog/z?reply_to=1", "/t/blog/z", "/api/v1/held?site=blog", "/nowhere")
    ]
    with ExitStack() as lines:
        for number in range(SENDERS // 3):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            line.sendall(begun[number % len(begun)])
        for number in range(3):
            for path in (f"/embed/blog/{method}-{number}?lang=en", "/health"):
                with urllib.request.urlopen(f"{server.url}{path}", timeout=4) as page:
                    assert page.status == 200
