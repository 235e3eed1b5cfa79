"""SQLite: copy a file while others write to it, check the copy, and put one in place."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from commentsvc.backups.archive import BackupFailed
from commentsvc.errors import N_

NOT_COPIED = N_("%(file)s cannot be copied to %(folder)s (%(why)s). Check permissions and free space.")
DAMAGED = N_("The database is damaged: %(why)s.")
MISSING_ROW = N_("The database is damaged: a row of %(table)s refers to a missing row of %(other)s.")
PAGES = 2_000  # copied between two signs of progress
HAS_DATA = "SELECT EXISTS (SELECT 1 FROM site) OR EXISTS (SELECT 1 FROM moderator)"
BESIDE = ("-wal", "-shm", "-journal")  # files that belong to a database


def copy(path: Path, target: Path, on_progress: Callable[[int], None]) -> None:
    """Copy a database as it is at one moment; ``on_progress`` is told how many bytes are copied.

    The read transaction keeps that moment: without it, SQLite begins the copy anew whenever another connection writes
    (https://sqlite.org/c3ref/backup_finish.html).

    Raises:
        BackupFailed: one of the two cannot be read or written.
    """
    try:
        with closing(_read_only(path)) as source, closing(sqlite3.connect(target)) as new:
            (size,) = source.execute("PRAGMA page_size").fetchone()
            source.execute("BEGIN")
            source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            source.backup(new, pages=PAGES, progress=lambda _, left, total: on_progress((total - left) * size))
            new.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    except sqlite3.DatabaseError as error:
        raise BackupFailed(NOT_COPIED, file=path, folder=target.parent, why=str(error)) from None


def check(path: Path) -> dict[str, int]:
    """Check a file; return the number of rows of each table.

    Raises:
        BackupFailed: the file is damaged, or a row refers to one that is not there.
    """
    try:
        with closing(_read_only(path)) as database:
            answer = [row[0] for row in database.execute("PRAGMA integrity_check(3)")]
            if answer != ["ok"]:
                raise BackupFailed(DAMAGED, why="; ".join(answer))
            if (wrong := database.execute("PRAGMA foreign_key_check").fetchone()) is not None:
                raise BackupFailed(MISSING_ROW, table=wrong[0], other=wrong[2])
            tables = database.execute("SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
            names = sorted(name for (name,) in tables if not name.startswith("sqlite_"))
            return {name: _count(database, name) for name in names}
    except sqlite3.DatabaseError as error:
        raise BackupFailed(DAMAGED, why=str(error)) from None


def is_empty(path: Path) -> bool:
    """Return whether there is no file, or nothing of anybody in it; other programs' tables are somebody's."""
    if not path.exists() or not path.stat().st_size:
        return True
    try:
        with closing(_read_only(path)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" not in tables:
                return not tables
            return bool(database.execute(HAS_DATA).fetchone() == (0,))
    except sqlite3.DatabaseError:  # damaged
        return False


def leave_wal_mode(path: Path) -> bool:
    """Take a database out of WAL mode. Return False if another connection prevents that, True for a damaged file."""
    with closing(sqlite3.connect(path, timeout=0)) as database:
        try:
            return bool(database.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",))
        except sqlite3.DatabaseError as error:  # of a damaged one nobody can tell
            return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def put_aside(path: Path, aside: Path) -> None:
    """Move a database to ``aside``, with the files that belong to it.

    Raises:
        BackupFailed: somebody uses it.
    """
    if not path.exists():
        return
    if not leave_wal_mode(path):
        raise BackupFailed(f"{path} is in use. Stop the service first.")
    for end in ("", *BESIDE):
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{end}").replace(aside.with_name(f"{aside.name}{end}"))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _count(database: sqlite3.Connection, table: str) -> int:
    count: int = database.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]  # noqa: S608 - a name of ours
    return count
