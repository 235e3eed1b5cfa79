"""Rows of a CSV file whose first line names the columns."""

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from commentsvc.errors import N_
from commentsvc.transfer import opening
from commentsvc.transfer.records import NO_LINE, Notice, SkippedRecord

MAX_FIELD = 10_000_000  # characters
MAX_TIMES = 10  # a line is read, on average
QUOTE = '"'
NULLS = ("NULL", r"\N")  # as databases write nothing
WRONG = N_("the line has a different number of columns than the first one")


def names_in(beginning: bytes) -> frozenset[str]:
    """Return the names of the columns, if this is how a CSV file begins; else whatever the first line holds."""
    line = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    return frozenset(re.split(r"[,;\t]", line.replace('"', "").strip()))


def rows(stream: BinaryIO, charset: str = "") -> Iterator[dict[str, str] | SkippedRecord | Notice]:
    """Yield the rows, by the names of the columns."""
    text, notices = opening.text(stream, charset)
    yield from notices
    lines = list(io.StringIO(text.lstrip("\r\n "), newline=""))
    csv.field_size_limit(MAX_FIELD)
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    names, start = _row(lines, 0, delimiter)
    again = MAX_TIMES * len(lines)  # how many lines may be read once more
    while start < len(lines):
        row, end = _row(lines, start, delimiter)
        if row and names and len(row) == len(names):
            yield {name: "" if value in NULLS else value for name, value in zip(names, row, strict=True)}
        elif row != []:
            yield SkippedRecord(f"line {start + 1}", WRONG if row else NO_LINE, lines[start][:200])
            again -= end - start
            if again > 0:
                end = start + 1  # what has no end, or ends elsewhere, spoils no more than its line
        start = end


def _row(lines: list[str], start: int, delimiter: str) -> tuple[list[str] | None, int]:
    """Return the row that begins at a line, and where it ends; None for a row with a field that does not end."""
    reader = csv.reader((lines[at] for at in range(start, len(lines))), delimiter=delimiter)
    try:
        row = next(reader, [])
    except csv.Error:
        return None, start + reader.line_num
    end = start + reader.line_num
    is_open = end == len(lines) and "".join(lines[start:end]).count(QUOTE) % 2
    return None if is_open else row, end
