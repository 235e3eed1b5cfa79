"""Exports of many small files: a folder, a zip or a tar. Nothing of them is unpacked to the disk."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from commentsvc.transfer.opening import ENCRYPTED, MAX_BYTES, MAX_UNPACKED, PROBLEM, ZIP, NotReadable, TooMuch

MAX_FILES = 1_000_000
MAX_FILE = 1_000_000  # bytes; a comment is not that long
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, NotImplementedError)
File = tuple[PurePosixPath, bytes]


def names(path: Path) -> list[PurePosixPath]:
    """Return the names of the files inside, sorted; none if it is a single file.

    Raises:
        NotReadable: it cannot be read, or is too much.
    """
    try:
        found = _sizes(path)
    except DAMAGED as error:
        raise NotReadable(PROBLEM, problem=str(error)) from None
    if len(found) > MAX_FILES or sum(found.values()) > MAX_UNPACKED:
        raise TooMuch
    return sorted(PurePosixPath(one) for one in found)


def _sizes(path: Path) -> dict[str, int]:
    if path.is_dir():
        return {one.relative_to(path).as_posix(): one.stat().st_size for one in path.rglob("*") if one.is_file()}
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            inside = [one for one in archive.infolist() if not one.is_dir()]
            if any(one.flag_bits & ENCRYPTED for one in inside):
                raise NotReadable(PROBLEM, problem="it is encrypted")
            return {one.filename: one.file_size for one in inside}
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as packed:
            return {one.name: one.size for one in islice(packed, MAX_FILES + 1) if one.isfile()}
    return {}


def files(path: Path, wanted: list[PurePosixPath]) -> Iterator[File]:
    """Yield the wanted files with their contents; of a damaged one nothing, of a large one its beginning."""
    if path.is_dir():
        for name in wanted:
            yield name, _read(partial(_opened, path / name))
    elif _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            for name in wanted:
                yield name, _read(partial(archive.open, str(name)))
    else:
        yield from _of_tar(path, wanted)


def _of_tar(path: Path, wanted: list[PurePosixPath]) -> Iterator[File]:
    """Read a tar once, in its own order: going back in a compressed one means to unpack it from its beginning."""
    names, found, size = set(wanted), dict[PurePosixPath, bytes](), 0
    with tarfile.open(path) as packed:
        for one in packed:
            if one.isfile() and (name := PurePosixPath(one.name)) in names:
                found[name] = _read(partial(packed.extractfile, one))
                size += len(found[name])
                if size > MAX_BYTES:  # which are in memory
                    raise TooMuch
    yield from ((name, found[name]) for name in wanted)


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _read(opened: Callable[[], IO[bytes] | None]) -> bytes:
    try:
        file = opened()
        if file is None:
            return b""
        with file:
            return file.read(MAX_FILE)
    except DAMAGED:
        return b""


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP
