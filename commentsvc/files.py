"""Files of ours are there whole or not at all, whenever the power goes, and nobody else may read them."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER_ONLY = 0o600


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, also where there is one."""
    with _beside(path) as new:
        _fill(new, content)
        new.replace(path)
    _sync(path.parent)


def write_once(path: Path, content: bytes) -> None:
    """Put a file in its place unless there is one: of several processes, one is first."""
    with _beside(path) as new:
        _fill(new, content)
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links, where the first of two at once may lose
            if not path.exists():
                new.replace(path)
    _sync(path.parent)


@contextmanager
def made_at(path: Path) -> Iterator[Path]:
    """A place beside ``path`` to make a file in, which goes to its own place when the block ends well."""
    with _beside(path) as new:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
        yield new
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    _sync(path.parent)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _fill(new: Path, content: bytes) -> None:
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
