"""Write files whole or not at all, for their owner only, whenever the power goes."""

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

OWNER_ONLY = 0o600
MIN_FREE_FILES = 100


def free_space(folder: Path) -> int:
    """Return how many bytes can still be written there; 0 where no more files can be made. Raises ``OSError``."""
    usage = os.statvfs(folder)
    has_files_left = not usage.f_files or usage.f_favail > MIN_FREE_FILES  # some file systems do not count them
    return usage.f_bavail * usage.f_frsize if has_files_left else 0


def write(path: Path, content: bytes) -> None:
    """Write a file, replacing one that is there."""
    with made_at(path) as new:
        new.write_bytes(content)


def write_once(path: Path, content: bytes) -> None:
    """Write a file unless it is there: of several processes, one is first."""
    with beside(path) as new:
        new.write_bytes(content)
        sync(new)
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links, where the first of two may lose
            if not path.exists():
                new.replace(path)
    sync(path.parent)


def create(path: Path) -> None:
    """Create an empty file, for its owner only; raises ``FileExistsError``.

    What root makes in somebody's folder is theirs: the service, which is not root, must be able to use it.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY)
    try:
        if os.geteuid() == 0:
            folder = path.parent.stat()
            os.fchown(handle, folder.st_uid, folder.st_gid)
    finally:
        os.close(handle)


@contextmanager
def made_at(path: Path) -> Iterator[Path]:
    """Yield a file beside ``path`` to write to; it is moved there when the block ends well."""
    with beside(path) as new:
        yield new
        sync(new)
        new.replace(path)
    sync(path.parent)


def output(path: Path) -> AbstractContextManager[Path]:
    """Yield a path to write what a person asked for: as ``made_at`` does, but a pipe or device is written as it is."""
    return nullcontext(path) if path.exists() and not path.is_file() else made_at(path.resolve())


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield an empty file in the same folder, for its owner only; it is removed on exit.

    An ``OSError`` that names no file, such as that of a full disk, names the folder.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    create(new)
    try:
        yield new
    except OSError as error:
        error.filename = error.filename or str(path.parent)
        raise
    finally:
        new.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
