"""Faults of the machine: a full disk, a database locked by somebody else. Real SQLite, real server."""

import json
import socket
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import Running

ADDRESS = "/api/v1/threads/blog/x/comments"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server whose site asks for no picture."""
    one = Running(tmp_path)
    one.run(
        *("site", "add", "blog", "https://blog.example"),
        *("--captcha", "never", "--moderation", "none", "--comments-per-minute", "1000"),
    )
    one.start()
    yield one
    one.kill()


def post(server: Running, text: str) -> int:
    body = json.dumps({"author": "Bob", "body": text}).encode()
    request = urllib.request.Request(server.url + ADDRESS, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            says = json.load(refusal)["title"]
            later = refusal.headers["Retry-After"]
            return refusal.code if later and "cannot save anything right now" in says else 0


def comments(server: Running) -> list[str]:
    with urllib.request.urlopen(f"{server.url}/api/v1/threads/blog/x", timeout=5) as answer:
        return [comment["body"] for comment in json.load(answer)["comments"]]


@pytest.mark.slow
def test_a_database_locked_by_somebody_else(server: Running) -> None:
    """A short lock is waited for; a long one is a 503 within ten seconds; reading goes on; afterwards all is well."""
    other = sqlite3.connect(server.folder / "commentsvc.sqlite3", isolation_level=None)
    assert post(server, "before") == 201
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert post(server, "meanwhile") == 503
    assert time.monotonic() - started < 10
    assert comments(server) == ["before"]
    other.execute("ROLLBACK")
    other.close()
    assert post(server, "after") == 201
    assert comments(server) == ["before", "after"]


def test_readers_do_not_wait_for_slow_writers(server: Running) -> None:
    """Forty bodies that never end hold no database connection."""
    head = b"POST /t/blog/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with ExitStack() as stalled:
        for _ in range(40):
            line = stalled.enter_context(socket.create_connection(("localhost", server.port)))
            line.sendall(head + b"Content-Length: 100\r\n\r\nbody=a")
        time.sleep(0.5)
        for number in range(5):
            started = time.monotonic()
            with urllib.request.urlopen(f"{server.url}/t/blog/{number}", timeout=10) as answer:
                assert answer.status == 200
            assert time.monotonic() - started < 2
        assert post(server, "meanwhile") == 201


def test_a_full_disk(server: Running) -> None:
    """SQLite's own word for it: what was acknowledged is there, what was not is refused, room makes it work again."""
    server.kill()
    path = server.folder / "commentsvc.sqlite3"
    limit = path.stat().st_size + 40 * 4096
    server.environment["COMMENTSVC_LOG_FORMAT"] = "json"
    with _no_larger_than(server, limit):
        statuses = [post(server, f"{number} " + "x" * 5000) for number in range(60)]
        assert set(statuses) == {201, 503}
        acknowledged = [str(number) for number, status in enumerate(statuses) if status == 201]
        assert [text.split()[0] for text in comments(server)] == acknowledged
    assert post(server, "room again") == 201


class _no_larger_than:  # noqa: N801 - reads as a sentence
    """The server, started so that no file of its own may grow over so many bytes, and again without that."""

    def __init__(self, server: Running, limit: int) -> None:
        self.server, self.limit = server, limit

    def __enter__(self) -> None:
        self.server.start(largest_file=self.limit)

    def __exit__(self, *_: object) -> None:
        self.server.kill()
        self.server.start()
