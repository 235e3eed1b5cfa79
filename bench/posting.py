"""How fast comments are taken: beside Isso and bare commits on the same disk, in turn, in one run; table and picture.

``python -m bench.posting [DATABASE_URL]``: with the URL of an empty PostgreSQL database, the same on it. Ratios count,
not the figures themselves: machines differ and this one may be busy.
"""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import picture, rivals, wrk
from bench.wrk import Load
from tests.running import Running

SECONDS = 4.0
ROUNDS = 5
REST = 1.0  # seconds; a slow server still works on what was asked when its load has ended
CLIENTS = (1, 4, 8, 64)
THREADS = 50
WORKERS = (1, 2)
TEXT = "Some words about the phone *and* its cord, and what the neighbours think of it. " * 3  # 260 characters with %s
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "writing.svg"

Measure = Callable[[int, int], Load]


def main() -> None:
    """Start the servers, load them in turn, print a table in Markdown, draw the picture."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        database = sys.argv[1] if len(sys.argv) > 1 else ""
        servers: dict[str, Measure] = {}
        for workers in WORKERS:
            servers[f"ours, {_processes(workers)}"] = _ours(folder, workers, database, running)
        installed = rivals.install_isso(folder / "isso")
        for workers in WORKERS:
            isso = rivals.isso(folder / f"isso-{workers}", [], workers=workers, installed=installed)
            servers[f"Isso 0.14, {_processes(workers)}"] = _isso(running.enter_context(isso))
        commits, loads = _measured(folder, servers)
    print(f"bare commits of one row with synchronous=FULL, one after the other, beside it: {commits:,.0f}/s\n")
    _print(loads)
    if not database:
        _draw(loads)


def _processes(workers: int) -> str:
    return "1 process" if workers == 1 else f"{workers} processes"


def _ours(folder: Path, workers: int, database: str, running: ExitStack) -> Measure:
    server = Running(folder / f"ours-{workers}", {"COMMENTSVC_DATABASE_URL": database} if database else {})
    site = f"blog{workers}"
    server.folder.mkdir(exist_ok=True)
    if database:
        server.run("upgrade")
    server.run("site", "add", site, f"https://blog{workers}.example", *RULES)
    server.start("--workers", str(workers))
    running.callback(server.kill)
    body = '{"author": "Bob", "body": "' + TEXT + '%s"}'
    return _measure(server.url, f"/api/v1/threads/{site}/t%d/comments", body)


def _isso(root: str) -> Measure:
    body = '{"author": "Bob", "title": "T", "text": "' + TEXT + '%s"}'
    return _measure(root, "/new?uri=%%2Ft%d", body)


def _measure(root: str, write: str, body: str) -> Measure:
    def measure(clients: int, number: int) -> Load:
        seed = time.time_ns() + number
        return wrk.posts(root, write, body, threads=THREADS, clients=clients, seconds=SECONDS, seed=seed)

    return measure


def _measured(folder: Path, servers: dict[str, Measure]) -> tuple[float, dict[tuple[str, int], Load]]:
    """Each in turn, several times: what disturbs one round disturbs all of its measures alike; the medians."""
    commits: list[float] = []
    seen: dict[tuple[str, int], list[Load]] = {(name, clients): [] for clients in CLIENTS for name in servers}
    for number in range(ROUNDS):
        for name, clients in seen:
            seen[name, clients].append(servers[name](clients, number))
            time.sleep(REST)
        commits.append(_bare_commits(folder))
    return statistics.median(commits), {what: _median(loads) for what, loads in seen.items()}


def _median(loads: list[Load]) -> Load:
    return Load(
        statistics.median(load.rate for load in loads),
        statistics.median(load.median for load in loads),
        statistics.median(load.slowest for load in loads),
    )


def _bare_commits(folder: Path) -> float:
    connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t (x TEXT)")
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        connection.execute("INSERT INTO t VALUES (?)", ("x" * 300,))
        count += 1
    connection.close()
    return count / SECONDS


def _print(loads: dict[tuple[str, int], Load]) -> None:
    names = list(dict.fromkeys(name for name, _ in loads))
    print("| comments/s, median and 99th percentile in ms | " + " | ".join(_clients(count) for count in CLIENTS) + " |")
    print("| --- |" + " ---: |" * len(CLIENTS))
    for name in names:
        row = (loads[name, clients] for clients in CLIENTS)
        print(
            f"| {name} | " + " | ".join(f"{one.rate:,.0f}; {one.median:.0f}; {one.slowest:.0f}" for one in row) + " |"
        )
    for ours, isso in zip(names[: len(WORKERS)], names[len(WORKERS) :], strict=True):
        ratios = (loads[ours, clients].rate / loads[isso, clients].rate for clients in CLIENTS)
        print(f"| {ours}, to {isso} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def _draw(loads: dict[tuple[str, int], Load]) -> None:
    rows = {
        f"{_clients(clients)}, {_processes(workers)}": {
            "ours": loads[f"ours, {_processes(workers)}", clients].rate,
            "Isso": loads[f"Isso 0.14, {_processes(workers)}", clients].rate,
        }
        for clients in CLIENTS
        for workers in WORKERS
    }
    PICTURE.write_text(picture.bars(rows, "comments a second"))


if __name__ == "__main__":
    main()
