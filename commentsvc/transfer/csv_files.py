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
WRONG = N_("the line has a different number of columns than the first one")


def names_in(beginning: bytes) -> frozenset[str]:
    """Return the names of the columns, if this is how a CSV file begins; else whatever the first line holds."""
    line = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    return frozenset(re.split(r"[,;\t]", line.replace('"', "").strip()))


def rows(stream: BinaryIO, charset: str = "") -> Iterator[dict[str, str] | SkippedRecord | Notice]:
    """Yield the rows, by the names of the columns."""
    text, notices = opening.text(stream, charset)
    yield from notices
    text = text.lstrip("\r\n ")
    first = text.partition("\n")[0]
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        names = next(reader, [])
        for row in reader:
            if len(row) == len(names):
                yield dict(zip(names, row, strict=True))
            elif row:
                yield SkippedRecord(f"line {reader.line_num}", WRONG, ",".join(row)[:200])
    except csv.Error:  # a field without an end
        yield SkippedRecord(f"from line {reader.line_num}", NO_LINE)
