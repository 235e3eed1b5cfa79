"""Comments a second with eight clients, beside bare SQLite commits on the same disk, in turn; and reads."""

import http.client
import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.running import Running

SECONDS = 5.0
CLIENTS = 8
ROUNDS = 3


def main() -> None:
    """Start a server on an empty folder, load it, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Running(Path(folder))
        server.run(
            "site",
            "add",
            "blog",
            "https://blog.example",
            "--captcha",
            "never",
            "--moderation",
            "none",
            "--comments-per-minute",
            "100000",
        )
        server.start()
        try:
            for number in range(1, ROUNDS + 1):
                bare = _bare_commits(Path(folder))
                posts = _together(lambda client, count: _post(server, client, count))
                reads = _together(lambda client, _count: _read(server, client))
                ratio = posts / bare
                print(
                    f"round {number}: commits {bare:.0f}/s, comments {posts:.0f}/s ({ratio:.2f}), reads {reads:.0f}/s"
                )
        finally:
            server.kill()


def _bare_commits(folder: Path) -> float:
    connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t (x TEXT)")
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        connection.execute("INSERT INTO t VALUES (?)", ("x" * 300,))
        count += 1
    connection.close()
    return count / SECONDS


def _together(once: Callable[[http.client.HTTPConnection, int], None]) -> float:
    done = [0] * CLIENTS
    end = time.monotonic() + SECONDS
    lines: list[http.client.HTTPConnection] = []

    def work(index: int) -> None:
        line = http.client.HTTPConnection("localhost")
        lines.append(line)
        while time.monotonic() < end:
            once(line, index * 10_000_000 + done[index])
            done[index] += 1
        line.close()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS


def _post(server: Running, line: http.client.HTTPConnection, count: int) -> None:
    line.port = server.port
    body = json.dumps({"author": "Bob", "body": f"comment {count} {time.monotonic_ns()} with *some* text in it"})
    line.request("POST", f"/api/v1/threads/blog/{count % 200}/comments", body, {"Content-Type": "application/json"})
    answer = line.getresponse()
    answer.read()
    if answer.status != 201:
        raise RuntimeError(f"status {answer.status}")


def _read(server: Running, line: http.client.HTTPConnection) -> None:
    line.port = server.port
    line.request("GET", "/embed/blog/1")
    answer = line.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"status {answer.status}")


if __name__ == "__main__":
    main()
