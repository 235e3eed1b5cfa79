"""Read request bodies before anything else, so that slow senders hold no database connection.

The server gives each request a thread, and reading waits for the sender. The number of bodies under way is limited, so
that threads stay for readers; decision 25 says what else was tried.
"""

import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from commentsvc.errors import NotUnderstood, TooMany
from commentsvc.markup import plain_text

TIMEOUT = 10.0  # seconds for a body
MIN_SPEED = 10_000  # bytes a second; larger bodies get more time
PIECE = 128  # bytes read at a time; the clock is checked in between
PIECE_OF_FILE = 65_536
MAX_COUNT = 384  # bodies under way, of the 512 threads that ``server`` has
MAX_FIELDS = 1000
MAX_OF_ONE = 64  # from one address, which many people may share


class TooSlow(NotUnderstood):
    """A body that does not arrive in time."""

    status = 408


class Bodies:
    """The bodies on their way to this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()

    def collect(self, environ: dict[str, Any], source: str, largest: int) -> None:
        """Put the whole body into ``environ``; of one that is too large, as much as shows that.

        Raises:
            TooSlow: it does not arrive in time.
            TooMany: too many others are on their way, from ``source`` or in total.
        """
        stream, environ["wsgi.input"] = environ["wsgi.input"], io.BytesIO()  # nobody else waits for it
        with self._one_more(source):
            environ["wsgi.input"] = io.BytesIO(_read(stream, largest))

    @contextmanager
    def _one_more(self, source: str) -> Iterator[None]:
        with self._lock:
            if self._of.total() >= MAX_COUNT or self._of[source] >= MAX_OF_ONE:
                raise TooMany(int(TIMEOUT))
            self._of[source] += 1
        try:
            yield
        finally:
            with self._lock:
                self._of[source] -= 1
                if not self._of[source]:
                    del self._of[source]


def ignore(environ: dict[str, Any]) -> None:
    """Leave a body unread where the method gives it no meaning (RFC 9110, 9.3.1): whoever asks for it finds none."""
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(), "0"
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def put_in_utf8(environ: dict[str, Any]) -> None:
    """Decode a form that is not UTF-8, as pages in another charset send it, by that charset."""
    body = environ["wsgi.input"].getvalue()
    try:
        unquote_to_bytes(body).decode()
    except UnicodeDecodeError:
        with suppress(ValueError):  # too many fields: nobody reads them
            fields = plain_text.form_fields(body, environ.get("CONTENT_TYPE", ""), MAX_FIELDS)
            body = urlencode(fields).encode()
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))


class Paced(io.RawIOBase):
    """A body that is read piece by piece as it arrives, for files; reading raises ``TooSlow``."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._began, self._size = stream, time.monotonic(), 0

    def readable(self) -> bool:
        """As every input is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read at most a piece."""
        piece = self._stream.read(min(len(buffer), PIECE_OF_FILE))
        self._size += len(piece)
        _check_speed(self._began, self._size)
        buffer[: len(piece)] = piece
        return len(piece)


def _read(stream: Any, largest: int) -> bytes:
    body, began = bytearray(), time.monotonic()
    while len(body) <= largest and (piece := stream.read(PIECE)):
        body += piece
        _check_speed(began, len(body))
    return bytes(body)


def _check_speed(began: float, size: int) -> None:
    if time.monotonic() - began > TIMEOUT + size / MIN_SPEED:
        raise TooSlow
