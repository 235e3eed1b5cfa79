"""nginx with the file from ``packaging/``: readers are served from its cache, and go on while the service is away."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.edge import nginx
from tests.running import Running

TIMEOUT = 30  # seconds
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")


@dataclass
class Edge:
    """An nginx in front of a server."""

    url: str
    server: Running

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, what the cache did, and the text."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=TIMEOUT) as answer:
                return answer.status, answer.headers["X-Cache"] or "", answer.read().decode()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.headers["X-Cache"] or "", problem.read().decode()

    def say(self, text: str, key: str = "x") -> int:
        """Post a comment through it."""
        body = json.dumps({"author": "Bob", "body": text}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": text}
        request = urllib.request.Request(f"{self.url}/api/v1/threads/blog/{key}/comments", body, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return int(answer.status)


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """A server and an nginx in front."""
    (tmp_path / "data").mkdir()
    server = Running(tmp_path / "data", {"COMMENTSVC_TRUSTED_PROXIES": "127.0.0.1/32"})
    server.run("site", "add", "blog", "https://blog.example", *RULES)
    server.start()
    try:
        with nginx(tmp_path, [server]) as url:
            there = Edge(url, server)
            assert there.say("first") == 201
            yield there
    finally:
        server.kill()


def soon(found: Callable[[], object], patience: float = TIMEOUT) -> float:
    """Wait until something is so; the seconds it took."""
    began = time.monotonic()
    while True:
        try:
            if found():
                return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            pass
        assert time.monotonic() - began < patience, "it never was"
        time.sleep(0.05)


THREAD = "/embed/blog/x"


def test_readers_are_served_while_the_service_is_away(edge: Edge) -> None:
    soon(lambda: edge.get(THREAD)[1] == "HIT")
    edge.get("/embed.js")
    edge.say("second")
    soon(lambda: "second" in edge.get(THREAD)[2])
    edge.server.kill()
    time.sleep(2.5)  # beyond the second for which it need not ask
    status, how, text = edge.get(THREAD)
    assert (status, how) == (200, "STALE")
    assert "second" in text
    assert edge.get("/embed.js")[:2] == (200, "STALE")
    with pytest.raises(urllib.error.HTTPError):
        edge.say("lost")
    edge.server.start()
    assert edge.say("third") == 201
    soon(lambda: "third" in edge.get(THREAD)[2])


def test_nothing_personal_is_kept(edge: Edge) -> None:
    for path in ("/t/blog/x", "/admin/sign-in", "/health"):
        assert [edge.get(path)[1] for _ in range(2)] == ["MISS", "MISS"] or edge.get(path)[1] in ("", "BYPASS", "MISS")
    tokens = {re.search(r'name="challenge_token" value="([^"]+)"', edge.get("/t/blog/x")[2]) for _ in range(2)}
    assert len({found[1] for found in tokens if found}) in (0, 2)


def test_new_processes_take_over_and_no_reader_is_refused(edge: Edge) -> None:
    """As ``systemctl reload`` does. A writer who was cut off sends the same once more: nothing is lost or doubled."""
    stop, problems, said = threading.Event(), list[str](), list[str]()

    def read() -> None:
        while not stop.is_set():
            status, _, _ = edge.get("/t/blog/x")  # which no cache holds
            if status != 200:
                problems.append(f"status {status}")

    def write() -> None:
        while not stop.is_set():
            text = f"number {len(said)}"
            soon(lambda text=text: edge.say(text) in (200, 201))
            said.append(text)

    people = [threading.Thread(target=one) for one in (read, read, write)]
    for one in people:
        one.start()
    try:
        before = set(edge.server.workers())
        edge.server.reload()
        soon(lambda: edge.server.workers() and not set(edge.server.workers()) & before, patience=2 * TIMEOUT)
    finally:
        stop.set()
        for one in people:
            one.join()
    assert problems == []
    with urllib.request.urlopen(f"{edge.server.url}/api/v1/threads/blog/x?page=1") as answer:
        assert json.load(answer)["count"] == len(said) + 1
