"""Whether anything grows with time: ``python -m bench.soak 30`` loads one server for so many minutes.

Nine of ten requests read one of 200 threads, the others write or ask for a page that nobody asked for. Each minute has
a row: memory, threads, open files and the log of the database, of the process that answers.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import wrk
from tests.running import DATABASE, Running

MINUTES = 5
THREADS = 200
SECONDS = 20.0  # of each kind of load; the rest of a minute is for the new pages and for rest
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")


def main(minutes: int = MINUTES) -> None:
    """Print a table in Markdown."""
    with tempfile.TemporaryDirectory() as name:
        server = Running(Path(name))
        server.run("site", "add", "blog", "https://blog.example", *RULES)
        server.start()
        try:
            print("| minute | mixed/s | new pages/s | memory, MiB | threads | open files | log, MB | database, MB |")
            print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
            for minute in range(1, minutes + 1):
                began = time.monotonic()
                mixed = wrk.spread(server.url, THREADS, THREADS, SECONDS, time.time_ns())
                new = wrk.ever_new(server.url, "/embed/blog/%s", SECONDS, time.time_ns())
                print(f"| {minute} | {mixed:,.0f} | {new:,.0f} | {_sizes(server)} |", flush=True)
                threading.Event().wait(max(0.0, 60 - (time.monotonic() - began)))
        finally:
            server.kill()


def _sizes(server: Running) -> str:
    (worker,) = server.workers()
    status = Path(f"/proc/{worker}/status").read_text()
    said = {name: value for name, _, value in (line.partition(":") for line in status.splitlines())}
    files = len(list(Path(f"/proc/{worker}/fd").iterdir()))
    log, database = server.folder / f"{DATABASE}-wal", server.folder / DATABASE
    sizes = [f"{path.stat().st_size / 1e6:.1f}" if path.exists() else "0" for path in (log, database)]
    return " | ".join([str(int(said["VmRSS"].split()[0]) // 1024), said["Threads"].strip(), str(files), *sizes])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
