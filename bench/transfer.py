"""How long an import takes, how much memory, and what readers and authors notice of it.

``python -m bench.transfer 460000`` makes files of that many comments: WordPress' with 600 bytes of text each, and
Disqus' with its threads after its posts. Both are read by the command, first as a dry run, beside a running server, on
SQLite and on PostgreSQL. ``python -m bench.transfer 460000 Disqus PostgreSQL`` measures only these.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commentsvc.settings import PREFIX
from tests import postgres
from tests.running import Running
from tests.transfer.samples import ITEM, OLD, WXR, wp

COMMENTS = 20_000
PER_THREAD = 10
WORDS = "<p>Some words with <em>emphasis</em> and <a href='https://x.example/%d'>a link</a>.</p>"
PADDING = " More words, as people write them." * 12
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")
DATABASES = ("SQLite", "PostgreSQL")
MEASURED = ("dry run", "import", "comments a second", "memory", "reader p95 at rest, during", "longest post")
PAUSE = 0.2  # seconds between two requests of the reader, and of the author


def main(comments: int = COMMENTS, *only: str) -> None:
    """Import each file on each database; print a table in Markdown."""
    print(f"| file | database | size | {' | '.join(MEASURED)} |")
    print(f"| --- | --- | ---: |{' ---: |' * len(MEASURED)}")
    for name, lines in ((name, lines) for name, lines in FILES.items() if not only or name in only):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "export.xml"
            with file.open("w") as out:
                out.writelines(lines(comments))
            for database in (one for one in DATABASES if not {*only} & {*DATABASES} or one in only):
                with _database(Path(folder), database) as settings:
                    figures = _measured(Path(folder) / database, file, comments, settings)
                print(f"| {name} | {database} | {file.stat().st_size / 1e6:.0f} MB | {figures} |", flush=True)


@contextmanager
def _database(folder: Path, name: str) -> Iterator[dict[str, str]]:
    if name == "SQLite":
        yield {}
        return
    with postgres.running(folder, is_durable=True) as cluster:
        yield {f"{PREFIX}DATABASE_URL": cluster.new_database()}


def _measured(folder: Path, file: Path, comments: int, settings: dict[str, str]) -> str:
    server = Running(folder, settings)
    server.folder.mkdir(exist_ok=True)
    server.run("site", "add", "blog", "https://blog.example", *RULES)
    server.start()
    try:
        people = _People(server.url)
        time.sleep(10)
        at_rest = people.p95()
        dry, memory = _command(server, file, "--dry-run")
        people.begin()
        real, more = _command(server, file)
        during, longest = people.p95(), people.longest
        people.stop()
    finally:
        server.kill()
    waits = f"{at_rest * 1000:.1f}, {during * 1000:.1f} ms | {longest * 1000:.0f} ms"
    return f"{dry:.0f} s | {real:.0f} s | {comments / real:,.0f} | {max(memory, more):.0f} MiB | {waits}"


def _command(server: Running, file: Path, *more: str) -> tuple[float, float]:
    """Seconds of a run and its largest resident size in MiB."""
    argv = [sys.executable, "-m", "commentsvc", "import", "auto", str(file), "--site", "blog", *more]
    began = time.monotonic()
    child = subprocess.Popen(argv, env=server.settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(argv)
    return time.monotonic() - began, usage.ru_maxrss / 1024


class _People:
    """A reader and an author of one thread, until they are stopped."""

    def __init__(self, url: str) -> None:
        self._url, self._reads, self.longest, self._stopped = url, list[float](), 0.0, threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    def begin(self) -> None:
        """Forget what was measured so far."""
        self._reads, self.longest = [], 0.0

    def p95(self) -> float:
        """Seconds within which 95 of 100 reads were answered."""
        return sorted(self._reads)[int(len(self._reads) * 0.95)]

    def stop(self) -> None:
        """Let them finish, and go."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        while not self._stopped.wait(PAUSE / 4):
            self._reads.append(_took(urllib.request.Request(f"{self._url}/embed/blog/live")))

    def _write(self) -> None:
        number = 0
        while not self._stopped.wait(PAUSE):
            number += 1
            body = json.dumps({"author": "Bob", "body": f"written meanwhile, number {number}"}).encode()
            address = f"{self._url}/api/v1/threads/blog/live/comments"
            took = _took(urllib.request.Request(address, body, {"Content-Type": "application/json"}))
            self.longest = max(self.longest, took)


def _took(request: urllib.request.Request) -> float:
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
    return time.monotonic() - began


def _wordpress(comments: int) -> Iterator[str]:
    head, foot = WXR.format(home=OLD, items="@@").split("@@")
    yield head
    for page in range(comments // PER_THREAD):
        numbers = range(page * PER_THREAD, (page + 1) * PER_THREAD)
        inside = "\n".join(_of_wordpress(number) for number in numbers)
        item = ITEM.format(home=OLD, status="publish", title=f"Article {page}", comments=inside)
        yield item.replace("/2007/05/phone/", f"/p/{page}/").replace("<wp:post_id>7<", f"<wp:post_id>{page}<")
    yield foot


def _of_wordpress(number: int) -> str:
    return wp(number, WORDS % number + PADDING, date_gmt=f"2007-05-02 10:{number // 60 % 60:02}:{number % 60:02}")


def _disqus(comments: int) -> Iterator[str]:
    yield '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">'
    for number in range(1, comments + 1):
        yield (
            f'<post dsq:id="{number}"><id/><message><![CDATA[{WORDS % number}<p>{PADDING}</p>]]></message>'
            f"<createdAt>2012-05-02T10:{number // 60 % 60:02}:{number % 60:02}Z</createdAt><isDeleted>false</isDeleted>"
            "<isSpam>false</isSpam><author><name>Linus</name><isAnonymous>true</isAnonymous></author>"
            f'<thread dsq:id="{number // PER_THREAD}"/></post>\n'
        )
    for thread in range(comments // PER_THREAD + 1):
        link = f"{OLD}/d/{thread}/"
        yield (
            f'<thread dsq:id="{thread}"><id>{thread} {link}</id><forum>old</forum><link>{link}</link><title>{thread}'
            "</title><createdAt>2012-05-01T10:00:00Z</createdAt><isClosed>false</isClosed></thread>\n"
        )
    yield "</disqus>"


FILES = {"WordPress": _wordpress, "Disqus": _disqus}

if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
