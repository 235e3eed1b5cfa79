"""How long backup, restore and move take with many comments, and how long somebody who posts meanwhile waits.

``python -m bench.backups [COMMENTS]``
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from tests import postgres
from tests.running import SECRET, Running

COMMENTS = 1_000_000
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")
PAUSE = 0.05  # seconds between two posts


def main(comments: int = COMMENTS) -> None:
    """Build a database, back it up under load, restore it, and move it there and back; print a table in Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Running(folder / "data")
        builder = multiprocessing.get_context("spawn").Process(target=_build, args=(server, comments))
        builder.start()  # so that this process stays small: a child's memory is at least its parent's
        builder.join()
        size = (server.folder / "commentsvc.sqlite3").stat().st_size / 1e6
        print(f"{comments:,} comments, {size:,.0f} MB\n\n| what | time | memory | |\n| --- | ---: | ---: | --- |")
        _row(server, "", "site", "add", "live", "https://live.example", *RULES)
        server.start()
        author = _Author(server.url)
        time.sleep(5)
        at_rest = author.longest
        author.longest = 0
        made = _row(server, "backup", "backup", str(folder / "one.backup"))
        longest = f"longest post before {at_rest * 1000:.0f} ms, during {author.longest * 1000:.0f} ms"
        packed = (folder / "one.backup").stat().st_size / 1e6
        print(f"{made}{packed:,.0f} MB; {longest} |")
        author.stop()
        server.kill()
        print(_row(server, "check", "backup", "--check", str(folder / "one.backup")) + " |")
        print(_row(Running(folder / "new", starts_anew=True), "restore", "restore", str(folder / "one.backup")) + " |")
        if not postgres.binaries():
            print(f"PostgreSQL: {postgres.MISSING}")
            return
        with postgres.running(folder) as cluster:
            url = cluster.empty_database()
            print(_row(server, "move to PostgreSQL", "move", url) + " |")
            there = Running(folder / "there", {"COMMENTSVC_DATABASE_URL": url})
            print(_row(there, "move back to SQLite", "move", f"sqlite:///{folder / 'back.sqlite3'}") + " |")


def _build(server: Running, comments: int) -> None:
    from bench import admin
    from commentsvc import schema
    from commentsvc.app import create_app
    from commentsvc.db import db
    from commentsvc.settings import Settings

    config = Settings(data_dir=server.folder, secret_key=SECRET, base_url=server.url)
    schema.upgrade(config.database)
    app = create_app(config)
    with app.app_context():
        admin.build(comments)
        db.session.remove()


def _row(server: Running, what: str, *words: str) -> str:
    """Run a command; how long it took, and its largest resident size."""
    server.folder.mkdir(exist_ok=True)
    began = time.monotonic()
    argv, quiet = [sys.executable, "-m", "commentsvc", *words], subprocess.DEVNULL
    child = subprocess.Popen(argv, env=server.settings, stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(words)
    return f"| {what} | {time.monotonic() - began:.0f} s | {usage.ru_maxrss / 1024:.0f} MiB | "


class _Author:
    """Somebody who posts on and on."""

    def __init__(self, url: str) -> None:
        self._address, self._stopped, self.longest = f"{url}/api/v1/threads/live/x/comments", threading.Event(), 0.0
        threading.Thread(target=self._write, daemon=True).start()

    def stop(self) -> None:
        """Let them go."""
        self._stopped.set()

    def _write(self) -> None:
        number = 0
        while not self._stopped.wait(PAUSE):
            number += 1
            body = json.dumps({"author": "Bob", "body": f"written meanwhile, number {number}"}).encode()
            began = time.monotonic()
            headers = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(self._address, body, headers), timeout=30).close()
            self.longest = max(self.longest, time.monotonic() - began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
