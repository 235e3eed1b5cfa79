"""What one node, two nodes and a cache in front serve; and whether a hundred thousand pages cost memory.

``python -m bench.growth``: the load is 95 % reads of 200 threads and 5 % comments on 200 others. nginx is configured as
in ``packaging/``. All of it shares one machine, so that more nodes do not mean more processors.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import wrk
from tests import postgres
from tests.edge import nginx
from tests.running import Running

SECONDS = 10.0
THREADS = 200
KEYS = 100_000
FRESH = ("HIT", "UPDATING", "STALE", "REVALIDATED")  # what readers did not wait for a node's rendering for
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")


def main(keys: int = KEYS) -> None:
    """Print two tables in Markdown."""
    print("| 95 % reads, 5 % comments | answers/s | from the cache in front |")
    print("| --- | ---: | ---: |")
    for what, count, is_cached in (
        ("one process", 1, False),
        ("one process behind nginx", 1, True),
        ("two on PostgreSQL behind nginx", 2, True),
    ):
        rate, hits = _served(count, is_cached=is_cached)
        print(f"| {what} | {rate:,.0f} | {hits} |", flush=True)
    print(f"\n| {keys:,} pages that nobody asked for before | |\n| --- | ---: |")
    for what, value in _asked(keys):
        print(f"| {what} | {value} |", flush=True)


def _served(count: int, *, is_cached: bool) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        nodes = _nodes(folder, count, stack)
        url = stack.enter_context(nginx(folder, nodes)) if is_cached else nodes[0].url
        wrk.spread(url, THREADS, THREADS, SECONDS / 4, time.time_ns())  # everything was asked for once
        rate = wrk.spread(url, THREADS, THREADS, SECONDS, time.time_ns())
        stack.close()
        return rate, _share(folder / "access.log") if is_cached else ""


def _nodes(folder: Path, count: int, stack: ExitStack) -> Sequence[Running]:
    environment: dict[str, str] = {"COMMENTSVC_TRUSTED_PROXIES": "127.0.0.1/32"}
    if count > 1:
        cluster = stack.enter_context(postgres.running(folder))
        environment["COMMENTSVC_DATABASE_URL"] = cluster.new_database()
    nodes = [Running(folder / str(number), dict(environment)) for number in range(count)]
    nodes[0].run("site", "add", "blog", "https://blog.example", *RULES)
    for node in nodes:
        node.start()
        stack.callback(node.kill)
    return nodes


def _share(log: Path) -> str:
    """How many of the reads, which are what the cache knows, were answered by it."""
    outcomes = Counter(log.read_text().split())
    reads = sum(count for outcome, count in outcomes.items() if outcome not in ("-", "BYPASS"))
    return f"{sum(outcomes[one] for one in FRESH) / max(reads, 1):.2%}"


def _asked(keys: int) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as name:
        server = Running(Path(name))
        server.run("site", "add", "blog", "https://blog.example", *RULES)
        server.start()
        try:
            before, done, began = _memory(server), 0.0, time.monotonic()
            while done < keys:
                done += SECONDS * wrk.ever_new(server.url, "/embed/blog/%s", SECONDS, time.time_ns())
            rate = done / (time.monotonic() - began)
            return [("answers/s", f"{rate:,.0f}"), ("memory before, after", f"{before}, {_memory(server)} MiB")]
        finally:
            server.kill()


def _memory(server: Running) -> int:
    (worker,) = server.workers()
    return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * 4096 // 2**20


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
