"""The process that listens: granian, and nothing of ours, so that the parent of the workers stays small.

``python -m commentsvc.server HOST PORT WORKERS``
"""

import sys

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

# Measured with slow clients: with fewer threads or a shorter queue a handful of them stalls every reader.
BLOCKING_THREADS = 256
BACKPRESSURE = 20_000
BACKLOG = 20_000
HEADER_PATIENCE = 10_000  # milliseconds


def listen(host: str, port: int, workers: int) -> None:
    """Answer requests until told to stop."""
    Granian(
        "commentsvc.app:create_serving_app",
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


if __name__ == "__main__":
    listen(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
