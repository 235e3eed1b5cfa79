"""Compress personal pages.

Lengths of compressed pages can reveal secrets beside text that an attacker controls, so each response gets a random
number of extra bytes. A ``Template`` is compressed without its secrets, which stand in the response as they are.
"""

import gzip
import io
import secrets
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from flask import Response, request

from commentsvc.web.snapshots import takes_gzip

FAST = 3
WORTH_IT = 1000  # bytes
MAX_PADDING = 100  # bytes
THOROUGH = 6
RAW = -15  # deflate without zlib's own header
GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # RFC 1952: deflate, no time, any system
MAX_STORED = 65_535  # bytes of a stored block, RFC 1951
LAST_BLOCK = b"\x01\x00\x00\xff\xff"  # stored and empty


@dataclass(frozen=True)
class Template:
    """A page whose texts are compressed once. In every second place of ``pieces`` stands the name of a gap."""

    pieces: Sequence[bytes]

    def filled(self, values: Mapping[bytes, bytes]) -> bytes:
        """Return the page with these values in its gaps."""
        return b"".join(self._filled(values))

    def packed(self, values: Mapping[bytes, bytes]) -> bytes:
        """Return the same as gzip. Values are not compressed, so its length says nothing about them."""
        filled, checksum, size = self._filled(values), 0, 0
        for piece in filled:
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        blocks = [_stored(piece) if at % 2 else self._deflated[at // 2] for at, piece in enumerate(filled)]
        return b"".join([GZIP_HEADER, *blocks, LAST_BLOCK, struct.pack("<II", checksum, size & 0xFFFFFFFF)])

    def _filled(self, values: Mapping[bytes, bytes]) -> list[bytes]:
        return [values[piece] if at % 2 else piece for at, piece in enumerate(self.pieces)]

    @cached_property
    def _deflated(self) -> list[bytes]:
        return [_deflated(text) for text in self.pieces[::2]]


def _deflated(text: bytes) -> bytes:
    """Return blocks that end at a byte and refer to nothing before them."""
    packing = zlib.compressobj(THOROUGH, wbits=RAW)
    return packing.compress(text) + packing.flush(zlib.Z_FULL_FLUSH)


def _stored(text: bytes) -> bytes:
    blocks = (text[start : start + MAX_STORED] for start in range(0, len(text), MAX_STORED))
    return b"".join(struct.pack("<xHH", len(block), ~len(block) & 0xFFFF) + block for block in blocks)


def compress(response: Response) -> Response:
    """Compress the response, if the browser accepts gzip; for ``after_request``."""
    response.headers.add("Vary", "Accept-Encoding")
    accepted = takes_gzip(request.headers.get("Accept-Encoding", ""))
    is_text = response.mimetype in ("text/html", "application/json")
    if not accepted or not is_text or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) < WORTH_IT:
        return response
    packed = io.BytesIO()
    noise = "x" * secrets.randbelow(MAX_PADDING)  # gzip's field for a file name
    with gzip.GzipFile(noise, "wb", FAST, packed, mtime=0) as stream:
        stream.write(body)
    response.set_data(packed.getvalue())
    response.headers["Content-Encoding"] = "gzip"
    return response
