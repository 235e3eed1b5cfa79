"""A deadline for a whole exchange: a peer that drips one byte at a time lets no single read time out."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

AGAIN = timedelta(seconds=1)


@contextmanager
def hung_up_after(patience: timedelta, line: Callable[[], socket.socket | None]) -> Iterator[threading.Event]:
    """Close the current connection, and any later one, when time is over; the event says that it was."""
    done, expired = threading.Event(), threading.Event()

    def hang_up() -> None:
        wait = patience.total_seconds()
        while not done.wait(wait):  # repeatedly: the connection may be opened, or secured, only now
            expired.set()
            wait = AGAIN.total_seconds()
            if (open_line := line()) is not None:
                with suppress(OSError):
                    open_line.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=hang_up, daemon=True).start()
    try:
        yield expired
    finally:
        done.set()
