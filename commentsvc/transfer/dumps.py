"""Rows of other systems' databases, from a dump: the INSERT and COPY statements of MySQL, PostgreSQL and SQLite.

Values are literals, and the functions with which SQLite's ``.dump`` writes control characters. No code is run.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from commentsvc.errors import N_
from commentsvc.transfer.databases import Row, Tables, table_for
from commentsvc.transfer.records import SkippedRecord

OnSkipped = Callable[[SkippedRecord], None]

UNREADABLE = N_("this row cannot be read")
EXCERPT = 200  # characters of what cannot be read
MAX_DEPTH = 8  # calls inside each other
HEAD = 10_000  # characters in which a dump says whose it is

STANDARD_STRING, STRING_WITH_ESCAPES = r"'(?:[^']++|'')*+'", r"'(?:[^'\\]++|\\.|'')*+'"
QUOTED = r'"(?:[^"\\]++|\\.|"")*+"'
NAME = r'(?:`(?:[^`]++|``)++`|"(?:[^"]++|"")++"|\[[^\]]++\]|[\w$]++)'
TABLE = rf"(?P<table>{NAME}(?:\s*\.\s*{NAME}){{0,3}})"
COMMENT = r"--[^\n]*+|/\*(?:M!9{6}|(?!M?!)).*?(?:\*/|\Z)"
FUNCTION = r"(?<![\w$])\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)"  # its body, in PostgreSQL
# In PostgreSQL and SQLite, a backslash in a string is one; MySQL's dumps need not say that theirs is an escape.
IS_STANDARD = re.compile(r"standard_conforming_strings\s*=\s*on|^PRAGMA\s|^BEGIN TRANSACTION;", re.I | re.M)
IS_MYSQL = re.compile(r"\b(?:INTO|TABLE|EXISTS)\s+`", re.I)
HAS_QUOTED_NAMES = re.compile(r'\b(?:INTO|TABLE|EXISTS)\s+(?:\w+\.)?"|\bINTO\s[^\'()]*+\([^\'()]*+"', re.I)
GENERATED = re.compile(r"\bGENERATED\s+ALWAYS\s+AS\b|\bAS\s*\(", re.I)
# A column may be called ``key`` or ``check``, too; it has a type then.
CONSTRAINT = re.compile(
    rf"(?:PRIMARY|UNIQUE|CONSTRAINT|FOREIGN|FULLTEXT|SPATIAL|EXCLUDE|CHECK|LIKE|PERIOD)\b\s*(?:\(|KEY|INDEX|{NAME}\s)"
    rf"|(?:KEY|INDEX)\s*(?:{NAME})?\s*(?:USING\s+\w+\s*)?\(\s*[^\d\s)]",
    re.I,
)

PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "0": "", "Z": ""}
POSTGRESQL_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPE = re.compile(r"\\(.)", re.S)
POSTGRESQL_ESCAPE = re.compile(
    r"((?:\\(?:[0-7]{1,3}|x[0-9a-f]{1,2}))+)|\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.I | re.S
)
UNICODE_ESCAPE = re.compile(r"\\(?:([0-9a-f]{4})|u([0-9a-f]{4})|\+([0-9a-f]{6})|U([0-9a-f]{8})|(\\))", re.I)
AS_TEXT = re.compile(r"\s*(?:WITH\s*\(\s*FREEZE\s*\)\s*)?", re.I)  # not as CSV
CONSTANTS = {"null": None, "default": None, "true": True, "false": False}


class _NotALiteral(Exception):
    """A value that is something else, such as a function of the database."""


def rows_of_dump(text: str, tables: Tables, on_skipped: OnSkipped) -> Iterator[tuple[str, Row]]:
    """Yield the rows that a dump puts into some tables, table by table; report those that cannot be read."""
    dump = _Dump(text, tables, has_escapes=_has_escapes(text, tables))
    for name in tables:
        yield from dump.rows_of(name, on_skipped)


def _has_escapes(text: str, tables: Tables) -> bool:
    """Return whether a backslash in a string is an escape. Where a dump does not say so, the reading that fits wins."""
    if IS_STANDARD.search(text, 0, HEAD):
        return False
    if IS_MYSQL.search(text) or "\\" not in text:
        return True
    wrong = {has_escapes: list[SkippedRecord]() for has_escapes in (True, False)}
    for has_escapes, skipped in wrong.items():
        dump = _Dump(text, tables, has_escapes=has_escapes)
        for name in tables:
            for _ in dump.rows_of(name, skipped.append):
                pass
    if len(wrong[True]) != len(wrong[False]):
        return len(wrong[True]) < len(wrong[False])
    return HAS_QUOTED_NAMES.search(text) is None


class _Dump:
    def __init__(self, text: str, tables: Tables, *, has_escapes: bool) -> None:
        self._text, self._has_escapes = text, has_escapes
        string = STRING_WITH_ESCAPES if has_escapes else STANDARD_STRING
        comment = rf"{COMMENT}|\#[^\n]*+" if has_escapes else COMMENT
        space = rf"(?:\s++|{comment}|/\*M?!\d*+|\*/)*+"
        kept = rf"{string}|{QUOTED}|`(?:[^`]++|``)*+`|{FUNCTION}|{comment}"
        flags = re.S | re.I
        self._space = re.compile(space, flags)
        begins = r"\n(?=[ \t]*(?:INSERT|REPLACE)\s+INTO\s)"  # the next one, where there is no semicolon
        self._statement = re.compile(rf"(?:[^;'\"`$/#\n-]++|{kept}|(?!{begins})[^;])*+;?", flags)
        self._program = re.compile(
            r"DELIMITER\s+(?!;)\S.*?^DELIMITER\s+;|CREATE\s+(?:TEMP\w*\s+)?TRIGGER\b.*?\bEND\s*;", flags | re.M
        )
        self._create = re.compile(
            rf"CREATE\s+(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED)\s+)*TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{TABLE}{space}\(",
            flags,
        )
        self._insert = re.compile(
            r"(?:INSERT|REPLACE)\s+(?:(?:OR\s+\w+|DELAYED|LOW_PRIORITY|HIGH_PRIORITY|IGNORE)\s+)*(?:INTO\s+)?"
            rf"{TABLE}{space}(?:\((?P<columns>[^)]*)\){space})?(?:OVERRIDING\s+\w+\s+VALUE\s+)?",
            flags,
        )
        self._values = re.compile(rf"VALUES?{space}", flags)
        self._copy = re.compile(
            rf"COPY\s+{TABLE}\s*(?:\((?P<columns>[^)]*)\))?\s+FROM\s+stdin(?P<options>[^;]*);[^\S\n]*\n", flags
        )
        self._between = re.compile(rf"(?:{space},?)*+", flags)
        self._part = re.compile(rf"(?:[^(),'\"`/#-]++|{kept}|[^(),])++|[(),]", flags)
        self._tuple = re.compile(rf"(?:[^()'\"`]++|{string}|{QUOTED}|[()])", flags)
        self._value = re.compile(
            rf"{space}(?:(?:_\w+?\s*+(?=')|N(?='))?(?P<text>{string})|E(?P<escaped>{STRING_WITH_ESCAPES})"
            rf"|U&(?P<unicode>{STANDARD_STRING})"
            + (rf"|(?P<double>{QUOTED})" if has_escapes else "")
            + r"|(?P<constant>NULL|TRUE|FALSE|DEFAULT)\b|(?:_\w+\s+)?(?:0x|x')(?P<hex>[0-9a-f]*)'?|b'(?P<bits>[01]*)'"
            r"|(?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)|(?P<function>\w+)\s*\()",
            flags,
        )
        self._after = re.compile(rf"{space}(?:::\s*[\w\" .]+(?:\([\d, ]*\))?(?:\[\])*{space})*+", flags)
        self._next_string = re.compile(rf"{space}(?P<text>{string})", flags)
        self._line, self._counted = 1, 0
        self._columns: dict[str, list[str]] = {}  # by table, those that are not generated
        self._all_columns: dict[str, list[str]] = {}
        filled = self._find_columns()
        self._tables = {name: table_for(name, filled, needed) for name, needed in tables.items()}

    def _statements(self) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield the statements that create or fill tables, by their first words."""
        text, position = self._text, 0
        while position < len(text):
            position = self._space.match(text, position).end()  # type: ignore[union-attr]
            if found := self._create.match(text, position):
                yield "create", found
            elif found := self._insert.match(text, position):
                yield "insert", found
            elif found := self._copy.match(text, position):
                yield "copy", found
                position = self._end_of_copy(found.end())
                continue
            elif found := self._program.match(text, position):
                position = found.end()
                continue
            position = max(self._statement.match(text, position).end(), position + 1)  # type: ignore[union-attr]

    def _find_columns(self) -> dict[str, list[str]]:
        """Return the columns of each table that is filled, as far as they are named anywhere."""
        named: dict[str, set[str]] = {}
        for kind, found in self._statements():
            table = _last_name(found["table"])
            if kind == "create":
                created = list(self._created(found.end()))
                self._all_columns[table] = [name for name, _ in created]
                self._columns[table] = [name for name, is_generated in created if not is_generated]
            else:
                named.setdefault(table, set()).update(_names(found["columns"] or ""))
        return {table: [*columns, *self._all_columns.get(table, ())] for table, columns in named.items()}

    def _created(self, position: int) -> Iterator[tuple[str, bool]]:
        """Yield the columns of a CREATE TABLE, and whether each is computed; ``position`` is after the parenthesis."""
        depth, part = 1, ""
        while depth and (found := self._part.match(self._text, position)):
            position = found.end()
            depth += (found[0] == "(") - (found[0] == ")")
            if depth == 0 or (depth == 1 and found[0] == ","):
                bare = part[self._space.match(part).end() :]  # type: ignore[union-attr]
                if (name := re.match(NAME, bare)) and not CONSTRAINT.match(bare):
                    yield _bare(name[0]), GENERATED.search(bare) is not None
                part = ""
            else:
                part += found[0]

    def rows_of(self, name: str, on_skipped: OnSkipped) -> Iterator[tuple[str, Row]]:
        """Yield the rows of the table that is read as ``name``."""
        self._line, self._counted = 1, 0
        for kind, statement in self._statements():
            if kind == "create" or _last_name(statement["table"]) != self._tables[name]:
                continue
            rows = self._inserted(statement) if kind == "insert" else self._copied(statement)
            for position, row in rows:
                if row is None:
                    on_skipped(self._skipped(position))
                else:
                    yield name, row

    def _fields(self, statement: re.Match[str], count: int) -> list[str] | None:
        """Return the columns of a row of so many values; None if it does not fit."""
        table, given = _last_name(statement["table"]), statement["columns"]
        known = (
            [_names(given)] if given is not None else [self._columns.get(table, []), self._all_columns.get(table, [])]
        )
        return next((one for one in known if len(one) == count), None)

    def _row(self, statement: re.Match[str], values: Sequence[Any]) -> Row | None:
        fields = self._fields(statement, len(values))
        return Row(zip(fields, values, strict=True)) if fields else None

    def _inserted(self, statement: re.Match[str]) -> Iterator[tuple[int, Row | None]]:
        """Yield the rows of an INSERT, each with its place; None where one cannot be read."""
        start = self._values.match(self._text, statement.end())
        if start is None:  # from a SELECT
            yield statement.start(), None
            return
        position = start.end()
        while self._text.startswith("(", position):
            try:
                values, end = self._parsed(position + 1)
                yield position, self._row(statement, values)
            except _NotALiteral:
                end = self._end_of_tuple(position)
                yield position, None
            if end == position:  # a damaged statement
                return
            position = self._between.match(self._text, end).end()  # type: ignore[union-attr]

    def _copied(self, statement: re.Match[str]) -> Iterator[tuple[int, Row | None]]:
        """The same for a COPY, one row a line: https://www.postgresql.org/docs/current/sql-copy.html, text format."""
        position = statement.end()
        if not AS_TEXT.fullmatch(statement["options"]):
            yield statement.start(), None
            return
        while not self._text.startswith("\\.", position) and position < len(self._text):
            end = self._text.find("\n", position)
            if end < 0:  # the file ends within a row
                yield position, None
                return
            line = self._text[position:end].removesuffix("\r")
            values = [None if one == r"\N" else _of_postgresql(one) for one in line.split("\t")]
            yield position, self._row(statement, values)
            position = end + 1

    def _end_of_copy(self, position: int) -> int:
        if self._text.startswith("\\.", position):
            return position + 2
        end = self._text.find("\n\\.", position)
        return len(self._text) if end < 0 else end + 3

    def _parsed(self, position: int, depth: int = 0) -> tuple[list[Any], int]:
        """Return the values up to a closing parenthesis, and where that ends."""
        values: list[Any] = []
        while found := self._value.match(self._text, position):
            position = found.end()
            if found["function"]:
                if depth > MAX_DEPTH:
                    raise _NotALiteral
                arguments, position = self._parsed(position, depth + 1)
                values.append(_called(found["function"].lower(), arguments))
            else:
                value = self._literal(found)
                while found["text"] is not None and (more := self._next_string.match(self._text, position)):
                    value, position = value + self._string(more["text"]), more.end()
                values.append(value)
            position = self._after.match(self._text, position).end()  # type: ignore[union-attr]
            if not self._text.startswith(",", position):
                break
            position += 1
        if not self._text.startswith(")", position):
            raise _NotALiteral
        return values, position + 1

    def _literal(self, found: re.Match[str]) -> Any:
        kind = found.lastgroup
        match kind:
            case "constant":
                return CONSTANTS[found[kind].lower()]
            case "number":
                return _number(found[kind])
            case "hex":
                return _of_hex(found[kind])
            case "bits":
                return int(found[kind] or "0", 2)
            case "escaped":
                return _of_postgresql(found[kind][1:-1].replace("''", "'"))
            case "unicode":
                return UNICODE_ESCAPE.sub(_unicode, found[kind][1:-1].replace("''", "'"))
            case "double":
                return ESCAPE.sub(_plain, found[kind][1:-1].replace('""', '"'))
        return self._string(found["text"])

    def _string(self, quoted: str) -> str:
        if not self._has_escapes or "\\" not in quoted:
            return quoted[1:-1].replace("''", "'")
        # Not in two steps: a quote after a backslash is no half of two.
        return re.sub(r"\\(.)|''", lambda one: _plain(one) if one[1] else "'", quoted[1:-1], flags=re.S)

    def _skipped(self, position: int) -> SkippedRecord:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return SkippedRecord(f"line {self._line}", UNREADABLE, self._text[position : position + EXCERPT])

    def _end_of_tuple(self, position: int) -> int:
        """Return where a row ends whose parenthesis opens here; ``position`` itself if it does not."""
        start, depth = position, 0
        while found := self._tuple.match(self._text, position):
            position = found.end()
            depth += (found[0] == "(") - (found[0] == ")")
            if depth == 0:
                return position
        return start


def _last_name(table: str) -> str:
    """Return a table's name without those of database and schema, in lower case."""
    return _bare(re.findall(NAME, table)[-1]).lower()


def _names(columns: str) -> list[str]:
    return [_bare(one) for one in re.findall(NAME, columns)]


def _bare(name: str) -> str:
    quote = name[0]
    if quote in '`"':
        return name[1:-1].replace(quote * 2, quote)
    return name[1:-1] if quote == "[" else name


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


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
            return UNICODE_ESCAPE.sub(_unicode, text)
    raise _NotALiteral


def _char(code: Any) -> str:
    try:
        return chr(int(code))
    except (ValueError, OverflowError, TypeError) as error:
        raise _NotALiteral from error


def _plain(found: re.Match[str]) -> str:
    return PLAIN_ESCAPES.get(found[1], found[1])


def _unicode(found: re.Match[str]) -> str:
    *codes, backslash = found.groups()
    return str(backslash or _char(int(next(filter(None, codes)), 16)))


def _of_postgresql(text: str) -> str:
    """Return a text with the escapes of ``E'…'`` and of COPY."""
    if "\\" not in text:
        return text

    def char(found: re.Match[str]) -> str:
        octets, *codes, other = found.groups()
        if other:
            return POSTGRESQL_ESCAPES.get(other, str(other))
        if codes := [code for code in codes if code]:
            return _char(int(codes[0], 16))
        numbers = (int(one[1:], 16) if one[0] in "xX" else int(one, 8) for one in octets[1:].split("\\"))
        return bytes(number & 0xFF for number in numbers).decode("utf-8", "replace")

    return POSTGRESQL_ESCAPE.sub(char, text)
