"""The measurements still run: what they call is renamed now and then."""

import subprocess
import sys

ADMIN = """
from bench import admin
from tests import postgres
admin.ROUNDS, admin.WARM, admin.REMOVED, admin.LONG, admin.DAYS = 1, 0, 2, 500, 3
postgres.binaries = lambda: None
admin.main(2000)
"""
WRITERS = """
from bench import writers
writers.ROUNDS, writers.EACH, writers.COMMENTS, writers.READ = 1, 2, 5, (3,)
writers.shutil.which = lambda _: None
writers.main()
"""


SLOW_BODIES = """
from bench import slow_bodies
slow_bodies.SENDERS, slow_bodies.SECONDS = (70,), 1
slow_bodies.main()
"""


def said_by(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_page_of_many_comments_is_asked_for() -> None:
    said = said_by(ADMIN)
    for what in ("search: everywhere", "moderator: numbers", "reader: a comment's page", "a step of removing a blog"):
        assert what in said


def test_readers_are_timed_beside_slow_bodies() -> None:
    said = said_by(SLOW_BODIES)
    for what in ("of 1 addresses, one body", "of 70 addresses, chunks"):
        assert f"| 70 connections {what} |" in said


def test_every_kind_of_write_is_counted() -> None:
    said = said_by(WRITERS)
    for what in ("a comment", "a decision", "a ping", "rendering a thread of 3 comments"):
        assert f"| {what} |" in said
