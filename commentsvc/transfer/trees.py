"""Exports of many small files: a folder, a zip or a tar. Nothing of them is unpacked to the disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from commentsvc.transfer.opening import MAX_UNPACKED, PROBLEM, ZIP, NotReadable, TooMuch

MAX_FILES = 1_000_000
MAX_FILE = 1_000_000  # bytes; a comment is not that long
File = tuple[PurePosixPath, bytes]


def names(path: Path) -> list[PurePosixPath]:
    """Return the names of the files inside, sorted; none if it is a single file.

    Raises:
        NotReadable: it cannot be read, or is too much.
    """
    try:
        found = _sizes(path)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as problem:
        raise NotReadable(PROBLEM, problem=str(problem)) from None
    if len(found) > MAX_FILES or sum(found.values()) > MAX_UNPACKED:
        raise TooMuch
    return sorted(PurePosixPath(one) for one in found)


def _sizes(path: Path) -> dict[str, int]:
    if path.is_dir():
        return {one.relative_to(path).as_posix(): one.stat().st_size for one in path.rglob("*") if one.is_file()}
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return {one.filename: one.file_size for one in archive.infolist() if not one.is_dir()}
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as packed:
            return {one.name: one.size for one in islice(packed, MAX_FILES + 1) if one.isfile()}
    return {}


def files(path: Path, wanted: list[PurePosixPath]) -> Iterator[File]:
    """Yield the wanted files with their contents; of one that is too large, its beginning."""
    if path.is_dir():
        for name in wanted:
            with (path / name).open("rb") as file:
                yield name, file.read(MAX_FILE)
    elif _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            for name in wanted:
                with archive.open(str(name)) as file:
                    yield name, file.read(MAX_FILE)
    else:
        with tarfile.open(path) as packed:
            known = {PurePosixPath(one.name): one for one in packed if one.isfile()}
            for name in wanted:
                inside = packed.extractfile(known[name])
                yield name, inside.read(MAX_FILE) if inside else b""


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP
