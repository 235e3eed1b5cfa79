"""Does a mail server that is slow or away make posting slower? The same posts with each kind of server, in turn."""

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import Running
from tests.servers import mail_server, rude_mail_server

POSTS = 60
ROUNDS = 3


def main() -> None:
    """A server for each kind of mail server; every comment writes an email."""
    for number in range(1, ROUNDS + 1):
        for kind in ("well", "away", "slow", "hanging"):
            with _mail(kind) as url, tempfile.TemporaryDirectory() as folder:
                taken = sorted(_post_all(Path(folder), url))
            p95 = taken[int(len(taken) * 0.95)]
            print(f"round {number}, mail server {kind}: median {statistics.median(taken):.1f} ms, p95 {p95:.1f} ms")


@contextmanager
def _mail(kind: str) -> Iterator[str]:
    """``slow`` takes five seconds for each answer, ``hanging`` never says a word."""
    if kind == "well":
        with mail_server() as server:
            yield server.url
    elif kind == "away":
        yield "smtp://127.0.0.1:1"
    else:
        with rude_mail_server(**({"GREETING": "hang 300"} if kind == "hanging" else {})) as rude:
            rude.slow = 5 if kind == "slow" else 0
            yield rude.url


def _post_all(folder: Path, mail_url: str) -> Iterator[float]:
    server = Running(folder, {"COMMENTSVC_MAIL_URL": mail_url})
    server.run(
        *("site", "add", "blog", "https://blog.example"),
        *("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000"),
    )
    server.start()
    try:
        line = http.client.HTTPConnection("localhost", server.port)
        for number in range(POSTS):
            yield _post(line, number)
    finally:
        server.kill()


def _post(line: http.client.HTTPConnection, number: int) -> float:
    """Milliseconds until a comment is stored, with the email it asks for."""
    content = {"author": "Bob", "body": f"text {number}", "email": f"reader{number}@mail.example", "notify": True}
    started = time.perf_counter()
    line.request("POST", "/api/v1/threads/blog/x/comments", json.dumps(content), {"Content-Type": "application/json"})
    answer = line.getresponse()
    answer.read()
    if answer.status != 201:
        raise RuntimeError(f"a comment was answered with {answer.status}")
    return (time.perf_counter() - started) * 1000
