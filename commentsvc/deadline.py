"""A deadline for a whole exchange: a peer that drips one byte at a time lets no single read time out."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

CHECK_INTERVAL = timedelta(seconds=1)


@contextmanager
def close_after(timeout: timedelta, connection: Callable[[], socket.socket | None]) -> Iterator[threading.Event]:
    """Close the current connection, and any later one, when time is over; the event says that it was."""
    done, expired = threading.Event(), threading.Event()

    def close() -> None:
        wait = timeout.total_seconds()
        while not done.wait(wait):  # repeatedly: the connection may be opened, or secured, only now
            expired.set()
            wait = CHECK_INTERVAL.total_seconds()
            if (opened := connection()) is not None:
                with suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=close, daemon=True).start()
    try:
        yield expired
    finally:
        done.set()
