"""What a reader and a writer notice of connections that send a body and never end it (decision 25).

``python -m bench.slow_bodies``: 300 and 1,000 connections, from one address and from as many as there are connections,
at 20 bytes a second, as one body of a given length and in chunks.
"""

import json
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from commentsvc.settings import PREFIX
from tests.running import Running

SENDERS = (300, 1000)
SECONDS = 30  # of each attack
HEAD = "POST /t/blog/p HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {source}\r\n{length}\r\n\r\n"
LENGTHS = {
    "one body": ("Content-Length: 250000", b"x" * 20),
    "chunks": ("Transfer-Encoding: chunked", b"10\r\n" + b"x" * 16 + b"\r\n"),
}


def main() -> None:
    """Print a table in Markdown."""
    print("| attack | readers' p50, p95, longest | comments posted | refused with 429 | memory |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for count in SENDERS:
        for sources in (1, count):
            for name in LENGTHS:
                with tempfile.TemporaryDirectory() as folder:
                    figures = _measured(Path(folder), count, sources, name)
                print(f"| {count} connections of {sources} addresses, {name} | {figures} |", flush=True)


def _measured(folder: Path, count: int, sources: int, name: str) -> str:
    server = Running(folder, {f"{PREFIX}TRUSTED_PROXIES": "127.0.0.0/8"})
    server.run("site", "add", "blog", "https://blog.example", "--moderation", "none", "--captcha", "never")
    server.start()
    try:
        with ExitStack() as lines:
            length, piece = LENGTHS[name]
            opened = [lines.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(count)]
            for number, line in enumerate(opened):
                source = f"10.{number % sources // 250}.{number % sources % 250}.9"
                line.sendall(HEAD.format(source=source, length=length).encode())
                line.setblocking(False)
            stop = threading.Event()
            threading.Thread(target=_trickle, args=(opened, piece, stop), daemon=True).start()
            reads, posted, refused = _used(server.url)
            stop.set()
        memory = sum(_resident(child) for child in server.workers())
    finally:
        server.kill()
    reads.sort()
    times = (reads[len(reads) // 2], reads[int(len(reads) * 0.95)], reads[-1])
    shown = ", ".join(f"{one * 1000:.1f}" for one in times)
    return f"{shown} ms | {posted} | {refused} | {memory:.0f} MiB"


def _trickle(lines: list[socket.socket], piece: bytes, stop: threading.Event) -> None:
    while not stop.wait(1):
        for line in lines:
            with suppress(OSError):
                line.send(piece)


def _used(url: str) -> tuple[list[float], int, int]:
    """Read and post for a while; return how long each reading took, and how many comments were posted and refused."""
    reads, posted, refused, until = list[float](), 0, 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        for _ in range(10):
            reads.append(_seconds(lambda: urllib.request.urlopen(f"{url}/embed/blog/a?lang=en", timeout=60).read()))
            time.sleep(0.02)
        body = json.dumps({"author": "Bob", "body": f"number {posted + refused} of what Bob says"}).encode()
        address = f"{url}/api/v1/threads/blog/{posted + refused}/comments"
        head = {"Content-Type": "application/json", "X-Forwarded-For": f"198.51.{posted % 250}.7"}
        try:
            with urllib.request.urlopen(urllib.request.Request(address, body, head), timeout=60):
                posted += 1
        except urllib.error.HTTPError:
            refused += 1
    return reads, posted, refused


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _resident(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
