"""What it asks of the machine: CPU until the first answer and at rest, memory at rest and after load.

Figures are of all processes of one ``commentsvc serve`` with its worker, as Linux counts them.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.running import Running

REQUESTS = 10_000
CLIENTS = 16
THREADS = 300
COMMENTS = 5
REST = 30.0  # seconds
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")
COMMANDS = ("--help", "--version", "doctor --help", "site list", "moderator list", "receive")
BASE = ("-c", "import sqlalchemy.orm, flask")
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start a server twice, so that its database is there; load it; print a table in Markdown."""
    with tempfile.TemporaryDirectory() as name:
        server = Running(Path(name))
        server.run("site", "add", "blog", "https://blog.example", *RULES)
        server.run("moderator", "add", "ada@blog.example")
        _print("command", "CPU", _commands(server))
        try:
            _print("server", "", _measured(server))
        finally:
            server.kill(signal.SIGTERM)


def _commands(server: Running) -> Iterator[tuple[str, str]]:
    for argv in COMMANDS:
        yield f"`commentsvc {argv}`", f"{_cost(server, '-m', 'commentsvc', *argv.split()):.2f} s"
    yield "for comparison: `python -c 'import sqlalchemy.orm, flask'`", f"{_cost(server, *BASE):.2f} s"


def _cost(server: Running, *argv: str) -> float:
    """CPU seconds of one run, the least of three: what else the machine does makes it more, never less."""
    return min(_once([sys.executable, *argv], server) for _ in range(3))


def _once(run: list[str], server: Running) -> float:
    before = os.times()
    subprocess.run(run, env=server.settings, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _measured(server: Running) -> Iterator[tuple[str, str]]:
    started = time.monotonic()
    server.start()
    yield "until the first answer: CPU, all processes", f"{_cpu(server):.2f} s"
    yield "until the first answer: time", f"{time.monotonic() - started:.2f} s"
    time.sleep(3)
    yield "memory at rest: the process that answers", f"{max(_memory(server)):.0f} MiB"
    yield "memory at rest: the one that starts it", f"{min(_memory(server)):.0f} MiB"
    yield f"CPU at rest over {REST:.0f} s", f"{_at_rest(server):.2f} % of a core"
    _fill(server)
    yield f"memory after {THREADS * COMMENTS:,} comments", f"{max(_memory(server)):.0f} MiB"
    for path in ("embed", "t"):
        _ask(server, [f"/{path}/blog/{number}" for number in range(THREADS)])
        yield f"memory after {THREADS} threads were asked for at `/{path}/`", f"{max(_memory(server)):.0f} MiB"
    paths = [f"/{('embed', 'embed', 't', 'feed')[n % 4]}/blog/{n % 997}?page={n % 3}" for n in range(REQUESTS)]
    _ask(server, paths)
    yield f"memory after {REQUESTS:,} mixed requests", f"{max(_memory(server)):.0f} MiB"
    _ask(server, paths)
    yield "memory after as many again", f"{max(_memory(server)):.0f} MiB"


def _at_rest(server: Running) -> float:
    before = _cpu(server)
    time.sleep(REST)
    return (_cpu(server) - before) / REST * 100


def _fill(server: Running) -> None:
    def post(number: int) -> None:
        body = json.dumps({"author": f"Bob {number % 9}", "body": f"Comment {number} with *some* text. " * 4}).encode()
        url = f"{server.url}/api/v1/threads/blog/{number % THREADS}/comments"
        urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(post, range(THREADS * COMMENTS)))


def _ask(server: Running, paths: list[str]) -> None:
    def get(path: str) -> None:
        with urllib.request.urlopen(server.url + path) as answer:
            answer.read()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(get, paths))


def _cpu(server: Running) -> float:
    """Seconds that the server's processes have used, those that have ended included."""
    return sum(sum(map(int, stat[11:15])) for stat in _stats(server)) / TICKS


def _memory(server: Running) -> list[float]:
    """MiB of each process."""
    page = os.sysconf("SC_PAGE_SIZE")
    return [int(stat[21]) * page / 2**20 for stat in _stats(server)]


def _stats(server: Running) -> list[list[str]]:
    """What Linux counts of each process of the server's group; see proc(5), beginning with the state."""
    group = str(server.process.pid) if server.process else sys.exit("the server is gone")
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if stat[2] == group:
            found.append(stat)
    return found


def _print(what: str, figure: str, rows: Iterator[tuple[str, str]]) -> None:
    print(f"\n| {what} | {figure} |\n| --- | ---: |")
    for row in rows:
        print("| {} | {} |".format(*row), flush=True)


if __name__ == "__main__":
    main()
