"""Files of ours are there whole or not at all, whenever the power goes, and nobody else may read them."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER_ONLY = 0o600


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, also where there is one."""
    with made_at(path) as new:
        new.write_bytes(content)


def write_once(path: Path, content: bytes) -> None:
    """Put a file in its place unless there is one: of several processes, one is first."""
    with _beside(path) as new:
        new.write_bytes(content)
        _sync(new)
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
    """A file beside ``path`` to write to, which goes to its own place when the block ends well."""
    with _beside(path) as new:
        yield new
        _sync(new)
        new.replace(path)
    _sync(path.parent)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
