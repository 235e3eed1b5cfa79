"""The process that listens: granian. Its workers load the application, so that it stays small itself."""

import ctypes
import gc
from contextlib import suppress

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

# Measured with slow clients: with fewer threads or a shorter queue a handful of them stalls every reader.
BLOCKING_THREADS = 256
BACKPRESSURE = 20_000
BACKLOG = 20_000
HEADER_PATIENCE = 10_000  # milliseconds
M_ARENA_MAX = -8  # mallopt(3), glibc
HEAPS = 2
TARGET = "commentsvc.app:create_serving_app"


def listen(host: str, port: int, workers: int, target: str = TARGET) -> None:
    """Answer requests until told to stop; ``target`` makes the application in each worker."""
    _use_few_heaps()
    gc.disable()  # until a worker has loaded the application, of which nothing is garbage
    Granian(
        target,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        backpressure=BACKPRESSURE,
        backlog=BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_PATIENCE),
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()


def _use_few_heaps() -> None:
    """With many threads glibc would keep a heap for each; two are enough, as Python's lock lets one run at a time."""
    with suppress(AttributeError):  # another C library, which has its own ways
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
