"""Rows of other systems' databases, from a dump: the INSERT and COPY statements of MySQL, PostgreSQL and SQLite.

Values are literals, and the functions with which SQLite's ``.dump`` writes control characters. No code is run.
"""

import re
from collections.abc import Callable, Collection, Generator, Iterator
from typing import Any

from commentsvc.errors import N_
from commentsvc.transfer.databases import Row, named
from commentsvc.transfer.records import SkippedRecord

OnSkipped = Callable[[SkippedRecord], None]

UNREADABLE = N_("this row cannot be read")
EXCERPT = 200  # characters of a row that cannot be read
MAX_DEPTH = 8  # calls inside each other
MAX_COLUMNS_LENGTH = 100_000  # characters of a CREATE TABLE
NAME = r"(?:[`\"\[]?\w+[`\"\]]?\.)?[`\"\[]?(\w+)[`\"\]]?"  # with a database's before it
START = re.compile(r"(?:^|;)\s*(?=(?:CREATE\s+TABLE|INSERT|REPLACE|COPY)\s)", re.I | re.M)
CREATE = re.compile(rf"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{NAME}\s*\(", re.I)
INSERT = re.compile(
    rf"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+{NAME}\s*(?:\(([^)]*)\))?\s*(?:OVERRIDING\s+\w+\s+VALUE\s+)?VALUES\s*",
    re.I,
)
COPY = re.compile(rf"COPY\s+{NAME}\s*\(([^)]*)\)\s+FROM\s+stdin;\r?\n", re.I)
COPY_LINE = re.compile(r"(?!\\\.)([^\n]*)\n")
COPY_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-f]{1,2})|(.))", re.I)
COPY_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
COLUMN = re.compile(r"[`\"\[]?(\w+)[`\"\]]?\s+\w")
CONSTRAINTS = ("primary", "key", "unique", "constraint", "index", "fulltext", "foreign", "check")
# In PostgreSQL and SQLite, a backslash in a string is one. MySQL's dumps do not say that theirs is an escape.
IS_STANDARD = re.compile(r"standard_conforming_strings\s*=\s*on|^PRAGMA\s", re.I | re.M)
HEAD = 10_000  # characters in which a dump says so
STANDARD_STRING, STRING_WITH_ESCAPES = r"'(?:[^']++|'')*+'", r"'(?:[^'\\]++|\\.|'')*+'"
ESCAPE = re.compile(r"\\(.)|''", re.S)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "0": "", "Z": ""}
UNISTR = re.compile(r"\\(?:([0-9a-f]{4})|u([0-9a-f]{4})|\+([0-9a-f]{6})|U([0-9a-f]{8})|(\\))", re.I)
CONSTANTS = {"null": None, "true": True, "false": False}


class _NotALiteral(Exception):
    """A value that is something else, such as a function of the database."""


def rows_of_dump(text: str, names: Collection[str], on_skipped: OnSkipped) -> Iterator[tuple[str, Row]]:
    """Yield the rows that a dump puts into the tables with these names; report those that cannot be read."""
    return _Dump(text, names, on_skipped).rows()


class _Dump:
    def __init__(self, text: str, names: Collection[str], on_skipped: OnSkipped) -> None:
        self._text, self._names, self._on_skipped = text, names, on_skipped
        self._columns: dict[str, list[str]] = {}  # by table
        self._line, self._counted = 1, 0
        is_standard = IS_STANDARD.search(text, 0, HEAD) is not None
        self._has_escapes = not is_standard
        string = STANDARD_STRING if is_standard else STRING_WITH_ESCAPES
        self._value = re.compile(
            rf"\s*(?:(?:_\w+\s+|N)?(?P<text>{string})|E(?P<escaped>{STRING_WITH_ESCAPES})"
            r"|(?P<constant>NULL|TRUE|FALSE)\b|(?:_\w+\s+)?(?:0x|x')(?P<hex>[0-9a-f]*)'?"
            r"|(?P<number>[-+]?[0-9][0-9.eE+-]*)|(?P<function>\w+)\s*\()\s*",
            re.S | re.I,
        )
        nothing = rf"[^'()]++|{string}"
        self._tuple = re.compile(rf"\((?:{nothing}|\((?:{nothing}|\((?:{nothing})*+\))*+\))*+\)", re.S)
        self._statement = re.compile(rf"(?:[^';]++|{string})*+", re.S)

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield the rows of all statements, each by the name that was asked for."""
        position = 0
        while start := START.search(self._text, position):
            position = start.end()
            if found := CREATE.match(self._text, position):
                self._columns[found[1].lower()] = _columns(self._text, found.end())
                position = found.end()
            elif found := INSERT.match(self._text, position):
                position = yield from self._inserted(found)
            elif found := COPY.match(self._text, position):
                position = yield from self._copied(found)
            else:
                position = self._end_of(self._statement, position)

    def _inserted(self, statement: re.Match[str]) -> Generator[tuple[str, Row], None, int]:
        """Yield the rows of an INSERT; return where it ends."""
        name, position = self._wanted(statement), statement.end()
        if name is None:
            return self._end_of(self._statement, position)
        fields = _fields(statement[2]) if statement[2] else self._columns.get(statement[1].lower(), [])
        while self._text.startswith("(", position):
            try:
                values, end = self._values(position + 1)
                yield name, dict(zip(fields, values, strict=False))
            except _NotALiteral:
                end = self._end_of(self._tuple, position)
                self._skip(position)
            if end == position:  # a damaged statement
                return self._end_of(self._statement, position)
            position = _after(self._text, end, ", \r\n\t")
        return position

    def _copied(self, statement: re.Match[str]) -> Generator[tuple[str, Row], None, int]:
        """The same for a COPY, one row a line."""
        name, position, fields = self._wanted(statement), statement.end(), _fields(statement[2])
        while line := COPY_LINE.match(self._text, position):
            position = line.end()
            values = [None if one == r"\N" else _copied_text(one) for one in line[1].removesuffix("\r").split("\t")]
            if name is not None:
                yield name, dict(zip(fields, values, strict=False))
        return position

    def _wanted(self, statement: re.Match[str]) -> str | None:
        """Return the name that was asked for and is that of the statement's table."""
        return next((name for name in self._names if named({statement[1]}, name)), None)

    def _values(self, position: int, depth: int = 0) -> tuple[list[Any], int]:
        """Return the values up to a closing parenthesis, and where that ends."""
        values = []
        while found := self._value.match(self._text, position):
            position = found.end()
            if found["function"]:
                if depth > MAX_DEPTH:
                    raise _NotALiteral
                arguments, position = self._values(position, depth + 1)
                position = _after(self._text, position, " \r\n\t")
                values.append(_called(found["function"].lower(), arguments))
            else:
                values.append(self._literal(found))
            if not self._text.startswith(",", position):
                break
            position += 1
        if not self._text.startswith(")", position):
            raise _NotALiteral
        return values, position + 1

    def _literal(self, found: re.Match[str]) -> Any:
        if found["constant"]:
            return CONSTANTS[found["constant"].lower()]
        if found["number"]:
            return found["number"]
        if found["hex"] is not None:
            return _of_hex(found["hex"])
        if found["escaped"] or self._has_escapes:
            string = (found["escaped"] or found["text"])[1:-1]
            return ESCAPE.sub(lambda one: ESCAPES.get(one[1], one[1]) if one[1] else "'", string)
        return found["text"][1:-1].replace("''", "'")

    def _skip(self, position: int) -> None:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        excerpt = self._text[position : position + EXCERPT]
        self._on_skipped(SkippedRecord(f"line {self._line}", UNREADABLE, excerpt))

    def _end_of(self, pattern: re.Pattern[str], position: int) -> int:
        found = pattern.match(self._text, position)
        return found.end() if found else position


def _columns(text: str, start: int) -> list[str]:
    """Return the columns of a CREATE TABLE whose parenthesis opens before ``start``."""
    depth, parts, begin = 1, [], start
    for at in range(start, min(len(text), start + MAX_COLUMNS_LENGTH)):
        char = text[at]
        depth += (char == "(") - (char == ")")
        if depth == 0 or (char == "," and depth == 1):
            parts.append(text[begin:at].strip())
            begin = at + 1
        if depth == 0:
            break
    found = (COLUMN.match(part) for part in parts)
    return [one[1] for one in found if one and one[1].lower() not in CONSTRAINTS]


def _fields(columns: str) -> list[str]:
    return [one.strip(' `"[]\r\n\t') for one in columns.split(",")]


def _after(text: str, position: int, skipped: str) -> int:
    """Return the first position whose character is not one of these."""
    while position < len(text) and text[position] in skipped:
        position += 1
    return position


def _of_hex(digits: str) -> str:
    try:
        return bytes.fromhex(digits).decode("utf-8", "replace")
    except ValueError as error:
        raise _NotALiteral from error


def _called(function: str, arguments: list[Any]) -> str:
    """Return what a function of SQLite's ``.dump`` returns."""
    match function, arguments:
        case "replace", [str(), str(), str()]:
            text, old, new = map(str, arguments)
            return text.replace(old, new) if old else text
        case "char", codes:
            return "".join(map(_char, codes))
        case "unistr", [str(text)]:
            return UNISTR.sub(lambda one: one[5] or _char(int(one[1] or one[2] or one[3] or one[4], 16)), text)
    raise _NotALiteral


def _char(code: Any) -> str:
    try:
        return chr(int(code))
    except (ValueError, OverflowError, TypeError) as error:
        raise _NotALiteral from error


def _copied_text(value: str) -> str:
    """Return a value of COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html."""
    if "\\" not in value:
        return value

    def char(found: re.Match[str]) -> str:
        octal, digits, other = found.groups()
        if other:
            return COPY_ESCAPES.get(other, str(other))
        return chr(int(octal, 8) if octal else int(digits, 16))

    return COPY_ESCAPE.sub(char, value)
