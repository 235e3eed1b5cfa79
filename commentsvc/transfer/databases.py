"""Rows of other systems' databases, from a SQLite file. No code in it is run."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from commentsvc import settings
from commentsvc.transfer.opening import PROBLEM, NotReadable

# What is read of a system's database: tables by their names without a prefix, with the columns that they must have.
Tables = Mapping[str, frozenset[str]]
WAL_MODE = bytes([2, 2])  # write and read version


class Row(dict[str, Any]):
    """A row by its columns, whose names are compared without regard to case, as databases do."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        super().__init__((name.lower(), value) for name, value in pairs)

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a column, or ``default`` if there is none."""
        return super().get(name.lower(), default)


def columns_of(path: Path) -> dict[str, list[str]]:
    """Return the columns of each table in a SQLite file; raises ``NotReadable``."""
    columns = "SELECT name FROM pragma_table_info(?)"
    with _opened(path) as database:
        try:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {table: [name for (name,) in database.execute(columns, (table,))] for table in tables}
        except sqlite3.DatabaseError as error:
            raise NotReadable(PROBLEM, problem=str(error)) from None


def rows_of_file(path: Path, tables: Tables) -> Iterator[tuple[str, Row]]:
    """Yield the rows of some tables, table by table."""
    columns = columns_of(path)
    with _opened(path) as database:
        for name, needed in tables.items():
            table = table_for(name, columns, needed)
            if table is None:
                continue
            try:
                rows = database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name that is in the file
                fields = [column for column, *_ in rows.description]
                for values in rows:
                    yield name, Row(zip(fields, values, strict=True))
            except sqlite3.DatabaseError as error:
                raise NotReadable(PROBLEM, problem=str(error)) from None


def table_for(name: str, columns: Mapping[str, Sequence[str]], needed: frozenset[str]) -> str | None:
    """Return the table that has a name, maybe after a prefix such as ``wp_``, and the columns that are needed.

    Of several it is the one with the shortest name, else one whose columns are not known.
    """
    there = sorted((one for one in columns if one.lower() == name or one.lower().endswith(f"_{name}")), key=len)
    wanted = {column.lower() for column in needed}
    fitting = (table for table in there if wanted <= {column.lower() for column in columns[table]})
    return next(fitting, None) or next((table for table in there if not columns[table]), None)


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
