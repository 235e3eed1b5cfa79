"""Rows of other systems' databases: from a SQLite file, or from the INSERT statements of a dump."""

import re
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
WITH_LOG = bytes([2, 2])  # write and read version
NAME = r"(?:[`\"\[]?\w+[`\"\]]?\.)?[`\"\[]?(\w+)[`\"\]]?"  # with a database's before it
INSERT = re.compile(rf"INSERT\s+(?:IGNORE\s+)?INTO\s+{NAME}\s*(?:\(([^)]*)\))?\s*VALUES\s*", re.I)
CREATE = re.compile(rf"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{NAME}\s*\(", re.I)
COLUMN = re.compile(r"[`\"\[]?(\w+)[`\"\]]?\s+\w")
NO_COLUMNS = ("primary", "key", "unique", "constraint", "index", "fulltext", "foreign", "check")
VALUE = re.compile(
    r"\s*(?:'(?P<text>(?:[^'\\]|\\.|'')*)'|(?P<null>NULL)|(?:0x|x')(?P<hex>[0-9a-f]*)'?"
    r"|(?P<number>[-+]?[0-9][0-9.eE+-]*))\s*",
    re.S | re.I,
)
ESCAPE = re.compile(r"\\(.)|''", re.S)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "", "Z": ""}


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
    table = _named(tables_of(path), name)
    with _opened(path) as database:
        return frozenset(column for (column,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,)))


def rows_of_file(path: Path, names: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Yield rows of the tables with these names, whatever stands before them, such as ``wp_``. No code in it is run."""
    tables = tables_of(path)
    with _opened(path) as database:
        database.row_factory = sqlite3.Row
        for name in names:
            table = _named(tables, name)
            if table is None:
                continue
            try:
                for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name that is in the file
                    yield name, dict(row)
            except sqlite3.DatabaseError as error:
                raise NotReadable(PROBLEM, problem=str(error)) from None


def rows_of_dump(text: str, names: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Yield the rows that a dump inserts into the tables with these names."""
    columns = {found[1].lower(): _columns(text, found.end()) for found in CREATE.finditer(text)}
    for found in INSERT.finditer(text):
        name = _named({found[1]}, *names)
        if name is None:
            continue
        given = found[2].split(",") if found[2] else None
        fields = [one.strip(' `"[]\n') for one in given] if given else columns.get(found[1].lower(), [])
        wanted = next(one for one in names if _named({found[1]}, one))
        for values in _rows(text, found.end()):
            yield wanted, dict(zip(fields, values, strict=False))


def _named(tables: Collection[str], *names: str) -> str | None:
    """Return the table that has one of these names, or ends with it after a prefix."""
    for table in sorted(tables, key=len):
        bare = table.lower()
        if any(bare == name or bare.endswith(f"_{name}") for name in names):
            return table
    return None


def _columns(text: str, start: int) -> list[str]:
    """Return the columns of a CREATE TABLE whose parenthesis opens before ``start``."""
    depth, parts, begin = 1, [], start
    for at in range(start, min(len(text), start + 100_000)):
        char = text[at]
        depth += (char == "(") - (char == ")")
        if depth == 0 or (char == "," and depth == 1):
            parts.append(text[begin:at].strip())
            begin = at + 1
        if depth == 0:
            break
    found = (COLUMN.match(part) for part in parts)
    return [one[1] for one in found if one and one[1].lower() not in NO_COLUMNS]


def _rows(text: str, position: int) -> Iterator[list[Any]]:
    """Yield the tuples after VALUES, up to the end of the statement."""
    while position < len(text) and text[position] in "( ,\r\n\t":
        if text[position] != "(":
            position += 1
            continue
        values, position = [], position + 1
        while found := VALUE.match(text, position):
            values.append(_value(found))
            position = found.end()
            if text[position : position + 1] != ",":
                break
            position += 1
        if text[position : position + 1] != ")":
            return  # a damaged statement
        position += 1
        yield values


def _value(found: re.Match[str]) -> Any:
    if found["null"]:
        return None
    if found["number"]:
        return found["number"]
    if found["hex"] is not None:
        return bytes.fromhex(found["hex"]).decode("utf-8", "replace")
    return ESCAPE.sub(lambda one: ESCAPES.get(one[1], one[1]) if one[1] else "'", found["text"])


def is_torn(path: Path) -> bool:
    """Return whether a SQLite file has a log, 1.3 of its file format, which is not beside it."""
    with path.open("rb") as file:
        return file.read(20)[18:20] == WITH_LOG and not _log(path).exists()


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
