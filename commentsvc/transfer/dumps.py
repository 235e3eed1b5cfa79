"""Rows of other systems' databases, from a dump: the INSERT and COPY statements of MySQL, PostgreSQL and SQLite.

Values are literals, and the functions with which SQLite's ``.dump`` writes control characters. No code is run.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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

HEX = "[0-9a-fA-F]"  # after letters whose case counts
PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "0": "", "Z": ""}
POSTGRESQL_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPES = {quote: re.compile(rf"\\(.)|{quote * 2}", re.S) for quote in "'\""}
POSTGRESQL_ESCAPE = re.compile(rf"((?:\\(?:[0-7]{{1,3}}|x{HEX}{{1,2}}))+)|\\(?:u({HEX}{{4}})|U({HEX}{{8}})|(.))", re.S)
UNICODE_ESCAPE = re.compile(rf"\\(?:({HEX}{{4}})|u({HEX}{{4}})|\+({HEX}{{6}})|U({HEX}{{8}})|(\\))")
AS_TEXT = re.compile(r"\s*(?:WITH\s*\(\s*FREEZE\s*\)\s*)?", re.I)  # not as CSV
CONSTANTS = {"null": None, "default": None, "true": True, "false": False}


class _NotALiteral(Exception):
    """A value that is something else, such as a function of the database."""


def rows_of_dump(text: str, tables: Tables, on_skipped: OnSkipped) -> Iterator[tuple[str, Row]]:
    """Yield the rows that a dump puts into some tables, table by table; report those that cannot be read."""
    yield from _read(text, tables).rows(on_skipped)


def _read(text: str, tables: Tables) -> "_Dump":
    """Read a dump with backslashes as escapes or not. Where it does not say so, the reading that fits wins."""
    if IS_STANDARD.search(text, 0, HEAD):
        return _Dump(text, tables, has_escapes=False)
    with_escapes = _Dump(text, tables, has_escapes=True)
    if IS_MYSQL.search(text) or "\\" not in text:
        return with_escapes
    standard = _Dump(text, tables, has_escapes=False)
    wrong, wrong_as_standard = with_escapes.count_unreadable(), standard.count_unreadable()
    if wrong != wrong_as_standard:
        return with_escapes if wrong < wrong_as_standard else standard
    return standard if HAS_QUOTED_NAMES.search(text) else with_escapes


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

    def rows(self, on_skipped: OnSkipped) -> Iterator[tuple[str, Row]]:
        """Yield the rows of the tables that are read, table by table."""
        for name in self._tables:
            yield from self._rows_of(name, on_skipped)

    def count_unreadable(self) -> int:
        """Return how many rows cannot be read."""
        skipped: list[SkippedRecord] = []
        for _ in self.rows(skipped.append):
            pass
        return len(skipped)

    def _rows_of(self, name: str, on_skipped: OnSkipped) -> Iterator[tuple[str, Row]]:
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

    def _fields_of(self, statement: re.Match[str]) -> dict[int, list[str]]:
        """Return the columns that the rows of a statement may have, by how many values such a row has."""
        if statement["columns"] is not None:
            known = [_names(statement["columns"])]
        else:
            table = _last_name(statement["table"])
            known = [self._all_columns.get(table, []), self._columns.get(table, [])]
        return {len(fields): fields for fields in known}

    def _inserted(self, statement: re.Match[str]) -> Iterator[tuple[int, Row | None]]:
        """Yield the rows of an INSERT, each with its place; None where one cannot be read."""
        start = self._values.match(self._text, statement.end())
        if start is None:  # from a SELECT
            yield statement.start(), None
            return
        fields, position = self._fields_of(statement), start.end()
        while self._text.startswith("(", position):
            try:
                values, end = self._parsed(position + 1)
                yield position, _row(fields, values)
            except _NotALiteral:
                end = self._end_of_tuple(position)
                yield position, None
            if end == position:  # a damaged statement
                return
            position = self._between.match(self._text, end).end()  # type: ignore[union-attr]

    def _copied(self, statement: re.Match[str]) -> Iterator[tuple[int, Row | None]]:
        """The same for a COPY, one row a line: https://www.postgresql.org/docs/current/sql-copy.html, text format."""
        fields, position = self._fields_of(statement), statement.end()
        if not AS_TEXT.fullmatch(statement["options"]):
            yield statement.start(), None
            return
        while not self._text.startswith("\\.", position) and position < len(self._text):
            end = self._text.find("\n", position)
            if end < 0:  # the file ends within a row
                yield position, None
                return
            line = self._text[position:end].removesuffix("\r")
            try:
                values = [None if one == r"\N" else _of_postgresql(one) for one in line.split("\t")]
                yield position, _row(fields, values)
            except _NotALiteral:  # a character that there cannot be
                yield position, None
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
        return self._string(found[kind])  # type: ignore[index]

    def _string(self, quoted: str) -> str:
        quote, inside = quoted[0], quoted[1:-1]
        if not self._has_escapes or "\\" not in inside:
            return inside.replace(quote * 2, quote)
        # Not in two steps: a quote after a backslash is no half of two.
        return ESCAPES[quote].sub(lambda one: PLAIN_ESCAPES.get(one[1], one[1]) if one[1] else quote, inside)

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


def _row(fields: Mapping[int, Sequence[str]], values: Sequence[Any]) -> Row | None:
    """Return a row; None if there are no columns for so many values."""
    known = fields.get(len(values))
    return Row(zip(known, values, strict=True)) if known else None


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
        numbers = (int(one[1:], 16) if one[0] == "x" else int(one, 8) for one in octets[1:].split("\\"))
        return bytes(number & 0xFF for number in numbers).decode("utf-8", "replace")

    return POSTGRESQL_ESCAPE.sub(char, text)
