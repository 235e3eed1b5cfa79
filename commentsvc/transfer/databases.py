"""Rows of other systems' databases, from a SQLite file. No code in it is run."""

import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from commentsvc import settings
from commentsvc.transfer.opening import PROBLEM, NotReadable

Row = dict[str, Any]
WAL_MODE = bytes([2, 2])  # write and read version


def tables_of(path: Path) -> frozenset[str]:
    """Return the names of the tables in a SQLite file; raises ``NotReadable``."""
    with _opened(path) as database:
        try:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        except sqlite3.DatabaseError as error:
            raise NotReadable(PROBLEM, problem=str(error)) from None
    return frozenset(name for (name,) in rows)


def columns_of(path: Path, name: str) -> frozenset[str]:
    """Return the columns of the table with this name, or that ends with it."""
    table = named(tables_of(path), name)
    with _opened(path) as database:
        return frozenset(column for (column,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,)))


def rows_of_file(path: Path, names: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Yield rows of the tables with these names, whatever stands before them, such as ``wp_``."""
    tables = tables_of(path)
    with _opened(path) as database:
        database.row_factory = sqlite3.Row
        for name in names:
            table = named(tables, name)
            if table is None:
                continue
            try:
                for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name that is in the file
                    yield name, dict(row)
            except sqlite3.DatabaseError as error:
                raise NotReadable(PROBLEM, problem=str(error)) from None


def named(tables: Collection[str], *names: str) -> str | None:
    """Return the table that has one of these names, maybe after a prefix such as ``wp_``; of several the shortest."""
    for table in sorted(tables, key=len):
        bare = table.lower()
        if any(bare == name or bare.endswith(f"_{name}") for name in names):
            return table
    return None


def may_lack_its_log(path: Path) -> bool:
    """Return whether a SQLite file is in WAL mode without a log beside it, so that its newest rows may be missing.

    The mode is in bytes 18 and 19: https://sqlite.org/fileformat.html, section 1.3.
    """
    with path.open("rb") as file:
        return file.read(20)[18:20] == WAL_MODE and not _log(path).exists()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file so that nothing is written; with a log beside it, a copy of both."""
    with ExitStack() as stack:
        address = f"file:{quote(str(path))}?mode=ro&immutable=1"
        if _log(path).exists():
            folder = Path(stack.enter_context(TemporaryDirectory(dir=settings.current().data_dir)))
            for one in (path, _log(path)):
                shutil.copyfile(one, folder / one.name)
            address = f"file:{quote(str(folder / path.name))}"
        database = sqlite3.connect(address, uri=True)
        stack.callback(database.close)
        database.execute("PRAGMA trusted_schema=OFF")
        yield database


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
