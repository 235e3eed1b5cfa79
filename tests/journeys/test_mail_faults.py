"""A worker that is killed loses no email; a mail server that hangs keeps no form waiting. Real processes."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.running import Running
from tests.servers import RudeMailServer, rude_mail_server

KILLS = 50
READERS = 60
WORKERS = """
import os, sys, time
from commentsvc.cli import application
from commentsvc.jobs import email
app = application.make()
for _ in sys.stdin:
    if not (born := os.fork()):
        with app.app_context():
            while True:
                email.send_emails() or time.sleep(0.02)
    print(born, flush=True)
    os.waitpid(born, 0)
"""


@contextmanager
def workers(server: Running) -> Iterator[Callable[[], int]]:
    """To start workers one after the other, each a process of its own; what they load is loaded once."""
    run = [sys.executable, "-c", WORKERS]
    with subprocess.Popen(run, env=server.settings, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:

        def start() -> int:
            assert parent.stdin
            assert parent.stdout
            print(file=parent.stdin, flush=True)
            return int(parent.stdout.readline())

        yield start
        parent.kill()


@pytest.fixture
def rude() -> Iterator[RudeMailServer]:
    """A mail server that can be slow, or worse."""
    with rude_mail_server() as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, rude: RudeMailServer) -> Running:
    """Settings and a database; not started."""
    one = Running(tmp_path, {"COMMENTSVC_MAIL_URL": rude.url})
    one.run(
        *("site", "add", "blog", "https://blog.example"),
        *("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000"),
    )
    return one


def post(server: Running, number: int) -> None:
    content = {"author": "Bob", "body": f"text {number}", "email": f"reader{number}@mail.example", "notify": True}
    address = f"{server.url}/api/v1/threads/blog/x/comments"
    request = urllib.request.Request(address, json.dumps(content).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


def states(server: Running) -> Counter[str]:
    with sqlite3.connect(server.folder / "commentsvc.sqlite3", timeout=10) as file:
        return Counter(state for (state,) in file.execute("SELECT state FROM email"))


def let_time_pass(server: Running) -> None:
    """Leases of workers that are gone are over, and what waits is due."""
    with sqlite3.connect(server.folder / "commentsvc.sqlite3", timeout=10) as file:
        file.execute("UPDATE email SET leased_until = NULL, due_at = created_at WHERE state = 'queued'")


@pytest.mark.slow
def test_fifty_kills_lose_no_email(server: Running, rude: RudeMailServer) -> None:
    """F8: doubled only where the kill fell between the email and its mark, once, with the same identity."""
    server.start("--no-worker")
    for number in range(READERS):
        post(server, number)
    server.kill()
    rude.slow = 0.01
    chance = random.Random(2026)
    with workers(server) as start:
        for _ in range(KILLS):
            before = len(rude.taken)
            worker = start()
            deadline = time.monotonic() + 20
            while len(rude.taken) == before and states(server)["queued"] and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            os.kill(worker, signal.SIGKILL)
            let_time_pass(server)
            if not states(server)["queued"]:
                break
        worker = start()
        deadline = time.monotonic() + 60
        while states(server)["queued"]:
            assert time.monotonic() < deadline, states(server)
            time.sleep(0.1)
        os.kill(worker, signal.SIGKILL)
    assert states(server) == {"sent": READERS}
    times = Counter(str(message["To"]) for message in rude.taken)
    assert sorted(times) == sorted(f"reader{number}@mail.example" for number in range(READERS)), "lost"
    identities = {(message["To"], message["Message-ID"]) for message in rude.taken}
    assert len(identities) == READERS, "the same email has one identity"
    assert sum(times.values()) - READERS <= KILLS, "at most one more for each kill"


@pytest.mark.slow
def test_a_mail_server_that_hangs_keeps_no_form_waiting(server: Running, rude: RudeMailServer) -> None:
    """F5: while it holds every line, comments are posted and read as ever."""
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(_email: EmailMessage) -> str:
        hangs.set()
        goes_on.wait(40)
        return "250 taken"

    rude.answers["END"] = hang
    server.start()
    try:
        post(server, 0)
        assert hangs.wait(20), "the worker has not come that far"
        for number in range(1, 20):
            post(server, number)
        with urllib.request.urlopen(f"{server.url}/t/blog/x", timeout=10) as page:
            assert b"text 19" in page.read()
        assert not rude.taken, "and all that while no email got out"
        rude.answers.clear()
        goes_on.set()
        deadline = time.monotonic() + 60
        while states(server)["sent"] < 20:
            assert time.monotonic() < deadline, states(server)
            time.sleep(0.1)
    finally:
        goes_on.set()
        server.kill()
