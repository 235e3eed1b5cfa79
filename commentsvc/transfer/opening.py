"""Open a file that somebody exported: compressed or not, and say of which format it is."""

import gzip
import io
import lzma
import zipfile
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from commentsvc.errors import N_, Refusal
from commentsvc.markup import plain_text
from commentsvc.transfer.records import Notice

GZIP, ZIP, SQLITE = b"\x1f\x8b", b"PK\x03\x04", b"SQLite format 3\x00"
ENCRYPTED = 0x1  # among the flags of a file in a zip, 4.4.4 of PKWARE's APPNOTE
BEGINNING = 65_536  # bytes at the beginning
MAX_UNPACKED = 20_000_000_000  # bytes
MAX_RATIO = 200  # unpacked to packed
FREE_OF_RATIO = 100_000_000  # bytes up to which any ratio is fine


MAX_BYTES = 500_000_000  # of a file that is in memory as a whole
PROBLEM = N_("The file cannot be read: %(problem)s")
OF_UNKNOWN_ENCODING = N_(
    "This file is not in UTF-8 and does not name its encoding. If letters look wrong, choose the encoding (--charset)."
)


class NotReadable(Refusal):
    """A file that is not what it should be."""

    status = 422
    sentence = N_("The file cannot be read.")


class TooMuch(NotReadable):
    """It unpacks to more than any blog has."""

    sentence = N_("Unpacked, the file is too large to be one blog’s comments. Unpack it and check its contents first.")


class _Bounded(io.RawIOBase):
    """A stream that ends with ``TooMuch`` where a compressed file grows beyond reason."""

    def __init__(self, stream: BinaryIO, packed: int) -> None:
        self._stream, self._packed, self._read = stream, max(packed, 1), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        found = self._stream.read(len(buffer))
        self._read += len(found)
        is_bomb = self._read > FREE_OF_RATIO and self._read / self._packed > MAX_RATIO
        if self._read > MAX_UNPACKED or is_bomb:
            raise TooMuch
        buffer[: len(found)] = found
        return len(found)


@contextmanager
def opened(path: Path) -> Iterator[list[BinaryIO]]:
    """Open a file, or every file inside a zip; their bytes are unpacked as they are read.

    Raises:
        NotReadable: it is missing, empty, or a damaged archive.
    """
    try:
        with path.open("rb") as file:
            beginning, packed = file.read(4), path.stat().st_size
            file.seek(0)
            if beginning.startswith(ZIP):
                with zipfile.ZipFile(file) as archive:
                    if any(one.flag_bits & ENCRYPTED for one in archive.infolist()):
                        raise NotReadable(PROBLEM, problem="it is encrypted")
                    names = [one for one in sorted(archive.namelist()) if not one.endswith("/")]
                    parts = [_buffered(cast(BinaryIO, archive.open(name)), packed) for name in names]
                    yield parts
            elif beginning.startswith(GZIP):
                yield [_buffered(cast(BinaryIO, gzip.GzipFile(fileobj=file)), packed)]
            else:
                yield [file]
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError) as error:
        raise NotReadable(PROBLEM, problem=_why(error)) from None


def whole(stream: BinaryIO) -> bytes:
    """Return everything in a stream; raises ``TooMuch`` if that is more than should be in memory."""
    found = stream.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise TooMuch
    return found


def text(stream: BinaryIO, charset: str) -> tuple[str, list[Notice]]:
    """Return a file that does not name its charset as text, with a notice if it is not UTF-8 and had to be guessed."""
    raw = whole(stream)
    notices = [] if charset or plain_text.is_utf8(raw) else [Notice(OF_UNKNOWN_ENCODING)]
    return plain_text.decode(raw, charset).lstrip("\ufeff"), notices


def beginning(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream, which stay there to be read; of a text in UTF-16, what it is in UTF-8.

    Without a byte order mark.
    """
    if not isinstance(stream, io.BufferedReader):
        raise TypeError("only buffered streams can be looked at")
    found = stream.peek(BEGINNING)[:BEGINNING]
    if found.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return found.decode("utf-16", "ignore").encode()
    return found.removeprefix(BOM_UTF8)


def _buffered(stream: BinaryIO, packed: int) -> BinaryIO:
    return io.BufferedReader(_Bounded(stream, packed), BEGINNING)


def _why(error: BaseException) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
