"""How fast what is no snapshot is answered: beside a snapshot of the same server and what Isso has, in one run.

Ratios count, not the figures themselves: machines differ and this one may be busy.
"""

import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import rivals, wrk
from tests.running import Running

SECONDS = 2.0
ROUNDS = 5
REST = 0.5  # seconds
TEXT = "Some words about the phone *and* its cord, and what the neighbours think of it. "
RULES = ("--captcha", "always", "--moderation", "none", "--comments-per-minute", "100000", "--page-size", "100")
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds

Measure = Callable[[int], float]


def main() -> None:
    """Start the servers, ask for each kind of page in turn, print a table in Markdown."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        (folder / "ours").mkdir()
        server = Running(folder / "ours")
        server.run("site", "add", "blog", "https://blog.example", *RULES)
        server.run("site", "set", "blog", "--captcha", "never")
        server.start()
        running.callback(server.kill)
        for thread, count in (("ten", 10), ("hundred", 100)):
            _fill(server, thread, count)
        server.run("site", "set", "blog", "--captcha", "always")
        isso = running.enter_context(rivals.isso(folder / "isso", [TEXT] * 10, workers=1))
        _print(_measured(server, _rows(server.url, isso)))


def _fill(server: Running, thread: str, count: int) -> None:
    for number in range(count):
        body = f"Comment number {number}. {TEXT * (1 + number % 5)}"
        rivals.post(f"{server.url}/api/v1/threads/blog/{thread}/comments", {"author": f"W {number % 20}", "body": body})


def _rows(root: str, isso: str) -> dict[str, tuple[Measure, Measure | None]]:
    """What is asked for, of ours and where it has the like of Isso."""
    with urllib.request.urlopen(f"{root}/t/blog/ten") as answer:
        script = answer.read().decode().partition('rel="stylesheet" href="')[2].partition('"')[0]

    def read(url: str) -> Measure:
        return lambda _: wrk.reads(url, SECONDS, gzip=True)

    def new(root: str, path: str) -> Measure:
        return lambda number: wrk.ever_new(root, path, SECONDS, time.time_ns() + number)

    return {
        "thread of 10 comments as a snapshot": (read(f"{root}/embed/blog/ten?lang=en"), read(f"{isso}/?uri=%2Fa")),
        "its page without JavaScript, for a stranger": (read(f"{root}/t/blog/ten?lang=en"), None),
        "the same of 100 comments": (read(f"{root}/t/blog/hundred?lang=en"), None),
        "a thread that nobody asked for before": (new(root, "/embed/blog/%s"), new(isso, "/?uri=%%2F%s")),
        "its page": (new(root, "/t/blog/%s"), None),
        "the sign-in page": (read(f"{root}/admin/sign-in"), None),
        "the style sheet": (read(script), None),
        "the element's script": (read(f"{root}/embed.js"), read(f"{isso}/js/embed.min.js")),
        "/health": (read(f"{root}/health"), None),
    }


def _measured(
    server: Running, rows: dict[str, tuple[Measure, Measure | None]]
) -> dict[str, tuple[float, float, float | None]]:
    """Answers a second, milliseconds of CPU an answer, and answers a second of Isso: medians."""
    seen: dict[str, list[tuple[float, float, float | None]]] = {what: [] for what in rows}
    for number in range(ROUNDS):
        for what, (ours, isso) in rows.items():
            before = _cpu(server)
            rate = ours(number)
            cpu = (_cpu(server) - before) / (rate * SECONDS)
            seen[what].append((rate, cpu, isso(number) if isso else None))
            time.sleep(REST)
    return {what: _median(found) for what, found in seen.items()}


def _median(found: list[tuple[float, float, float | None]]) -> tuple[float, float, float | None]:
    rates, cpu, isso = zip(*found, strict=True)
    known = [rate for rate in isso if rate is not None]
    return statistics.median(rates), statistics.median(cpu), statistics.median(known) if known else None


def _cpu(server: Running) -> float:
    """Milliseconds that the processes of the server's group have used."""
    group, used = server.process.pid if server.process else 0, 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            used += int(fields[11]) + int(fields[12])
    return used * TICK


def _print(found: dict[str, tuple[float, float, float | None]]) -> None:
    print("| answers a second, one process | ours | CPU of each, ms | Isso 0.14 |")
    print("| --- | ---: | ---: | ---: |")
    for what, (rate, cpu, isso) in found.items():
        print(f"| {what} | {rate:,.0f} | {cpu:.2f} | {f'{isso:,.0f}' if isso else ''} |")


if __name__ == "__main__":
    main()
