"""How fast threads are read: beside nginx with the same bytes and Isso, in turn, in one run; table and picture.

Ratios count, not the figures themselves: machines differ and this one may be busy.
"""

import gzip
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench import picture, rivals, wrk
from tests.running import Running

SECONDS = 2.0
ROUNDS = 7
REST = 1.5  # seconds; a slow server still works on what was asked when its load has ended
COMMENTS = 100
SPREAD = 200  # threads
TEXT = "Some words about the phone *and* its cord, and what the neighbours think of it. "
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "reading.svg"
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000", "--page-size", "100")

Measure = Callable[[int], float]


def main() -> None:
    """Start the three servers, load them in turn, print a table in Markdown, draw the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ours").mkdir()
        server = Running(folder / "ours")
        server.run("site", "add", "blog", "https://blog.example", *RULES)
        started = time.monotonic()
        server.start()
        print(f"first answer of /health after {time.monotonic() - started:.2f} s, with the start of Python\n")
        try:
            _beside_rivals(server, folder)
        finally:
            server.kill()


def _beside_rivals(server: Running, folder: Path) -> None:
    bodies = [f"Comment number {number}. {TEXT * (1 + number % 5)}" for number in range(COMMENTS)]
    for number, body in enumerate(bodies):
        rivals.post(f"{server.url}/api/v1/threads/blog/a/comments", {"author": f"Writer {number % 20}", "body": body})
    idle = _memory(server)
    thread = f"{server.url}/embed/blog/a?lang=en"
    with urllib.request.urlopen(thread) as answer:
        plain = answer.read()
    packed = gzip.compress(plain, 6)
    with rivals.nginx(folder / "nginx", plain, packed) as file, rivals.isso(folder / "isso", bodies) as isso:
        rows = {
            f"thread of {COMMENTS} comments, gzip ({len(packed) / 1000:.1f} kB)": {
                "ours": lambda _: wrk.reads(thread, SECONDS, gzip=True),
                "nginx": lambda _: wrk.reads(file, SECONDS, gzip=True),
                "Isso": lambda _: wrk.reads(f"{isso}/?uri=%2Fa", SECONDS, gzip=True),
            },
            f"the same, not packed ({len(plain) / 1000:.0f} kB)": {
                "ours": lambda _: wrk.reads(thread, SECONDS),
                "nginx": lambda _: wrk.reads(file, SECONDS),
                "Isso": lambda _: wrk.reads(f"{isso}/?uri=%2Fa", SECONDS),
            },
            "counts of 20 threads": {
                "ours": lambda _: wrk.reads(_counts(server), SECONDS, gzip=True),
            },
            f"95 % reads of {SPREAD} threads, 5 % comments on {SPREAD} others": {
                "ours": lambda seed: wrk.spread(server.url, SPREAD, SPREAD, SECONDS, time.time_ns() + seed),
            },
            "95 % reads, 5 % comments": {
                "ours": lambda seed: _mixed_ours(server, seed),
                "Isso": lambda seed: _mixed_isso(isso, seed),
            },
        }
        results = {what: _measured(server, measures) for what, measures in rows.items()}
    _print({what: figures for what, (figures, _) in results.items()})
    for what, (_, rate) in results.items():
        print(f"\nof what was asked in “{what}”, {rate:.1%} were at hand as bytes")
    print(f"\nmemory of the process that answers: {idle:.0f} MiB before, {_memory(server):.0f} MiB after")
    drawn = {what: figures for what, (figures, _) in results.items()}
    PICTURE.write_text(picture.bars(drawn, "answers a second; each step is ten times more"))


def _measured(server: Running, measures: dict[str, Measure]) -> tuple[dict[str, float], float]:
    """Answers a second of each, and the share of ours that came from memory."""
    before = _snapshots(server)
    figures = _medians(measures)
    after = _snapshots(server)
    hits, misses = (after[outcome] - before[outcome] for outcome in ("hit", "miss"))
    return figures, hits / max(1, hits + misses)


def _snapshots(server: Running) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        found = re.findall(r'snapshots_total{outcome="(\w+)"} (\d+)', answer.read().decode())
    return {outcome: int(number) for outcome, number in found}


def _medians(measures: dict[str, Measure]) -> dict[str, float]:
    """Each in turn, several times: what disturbs one round disturbs all of its measures alike."""
    seen: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(ROUNDS):
        for name, measure in measures.items():
            seen[name].append(measure(number))
            time.sleep(REST)
    return {name: statistics.median(figures) for name, figures in seen.items()}


def _counts(server: Running) -> str:
    keys = "".join(f"&key={number}" for number in range(20))
    return f"{server.url}/api/v1/counts?site=blog{keys}"


def _mixed_ours(server: Running, seed: int) -> float:
    body = '{"author": "Bob", "body": "A comment of its own: %s"}'
    return wrk.mixed(
        server.url, "/embed/blog/a?lang=en", "/api/v1/threads/blog/t%d/comments", body, SECONDS, time.time_ns() + seed
    )


def _mixed_isso(root: str, seed: int) -> float:
    body = '{"author": "Bob", "title": "T", "text": "A comment of its own: %s"}'
    return wrk.mixed(root, "/?uri=%2Fa", "/new?uri=%%2Ft%d", body, SECONDS, time.time_ns() + seed)


def _memory(server: Running) -> float:
    """MiB of the largest process of the server's group: the one that answers."""
    group = server.process.pid if server.process else sys.exit("the server is gone")
    sizes = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, stat = status.read_text(), (status.parent / "stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[2]) == group and "VmRSS" in text:
            sizes.append(int(text.partition("VmRSS:")[2].split()[0]))
    return max(sizes) / 1024


def _print(results: dict[str, dict[str, float]]) -> None:
    print("| answers a second | ours | nginx | Isso 0.14 | ours to nginx | ours to Isso |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for what, figures in results.items():
        ours, nginx, isso = (figures.get(name) for name in ("ours", "nginx", "Isso"))
        ratio = f"{ours / nginx:.2f}" if ours and nginx else ""
        times = f"{ours / isso:,.0f}" if ours and isso else ""
        shown = [f"{figure:,.0f}" if figure else "" for figure in (ours, nginx, isso)]
        print(f"| {what} | {' | '.join(shown)} | {ratio} | {times} |")


if __name__ == "__main__":
    main()
