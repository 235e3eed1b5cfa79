"""What was acknowledged is there after ``kill -9``, whenever it comes."""

import json
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.running import Running

TIMEOUT = 300  # seconds for all of it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "count"),
    [
        (10, 4),
        pytest.param(20, 4, marks=pytest.mark.all_values),
        pytest.param(20, 64, marks=pytest.mark.all_values),
    ],
)
def test_kills_lose_nothing(tmp_path: Path, kills: int, count: int) -> None:
    """Some clients post while the server is killed again and again, sometimes during its start."""
    server = Running(tmp_path)
    server.run(
        *("site", "add", "blog", "https://blog.example"),
        *("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000"),
    )
    acknowledged: set[str] = set()
    done = threading.Event()
    chance = random.Random(2026)
    deadline = time.monotonic() + TIMEOUT
    with ThreadPoolExecutor(count) as clients:
        for client in range(count):
            clients.submit(_post_until, done, server, f"client {client}", acknowledged)
        try:
            for number in range(kills):
                before = len(acknowledged)
                server.start()
                while number % 5 < 4 and len(acknowledged) == before:  # the others are killed during the start
                    assert time.monotonic() < deadline, "it takes no comment"
                    time.sleep(0.01)
                time.sleep(chance.uniform(0, 0.3))
                server.kill(signal.SIGKILL)
        finally:
            done.set()
    server.start()
    stored = server.texts("x")
    server.kill()
    assert len(acknowledged) >= kills * 8 // 10
    assert acknowledged <= set(stored), "lost"
    assert len(stored) == len(set(stored)), "doubled"


def _post_until(done: threading.Event, server: Running, name: str, acknowledged: set[str]) -> None:
    number = 0
    while not done.is_set():
        number += 1
        text = f"{name}, text {number}"
        body = json.dumps({"author": name, "body": text}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": text}
        request = urllib.request.Request(f"{server.url}/api/v1/threads/blog/x/comments", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.status == 201:
                    acknowledged.add(text)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
