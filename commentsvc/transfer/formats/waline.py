"""Waline, Valine and LeanCloud: rows in Markdown or, of Valine, in HTML; as JSON, as CSV, or in a SQLite file."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from commentsvc.transfer import csv_files, opening, times
from commentsvc.transfer.json_files import members, object_in, rows, text_in, votes_in
from commentsvc.transfer.records import (
    BodyFormat,
    Notice,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

NAME = "waline"
TITLE = "Waline, Valine, LeanCloud"
COLUMNS = frozenset({"nick", "comment", "insertedAt"})
TABLES = {"wl_comment": COLUMNS}
STATES = {"waiting": SourceState.PENDING, "spam": SourceState.SPAM}
TAG = re.compile(r"<(?:p|a|br|img|code|pre|strong|em|blockquote)\b", re.I)


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    if csv_files.names_in(beginning) >= COLUMNS:
        return True
    is_rows = b'"insertedAt"' in beginning or (b'"objectId"' in beginning and b'"comment"' in beginning)
    return is_rows or b"#filetype:JSON" in beginning or (b'"type"' in beginning and b'"waline"' in beginning[:200])


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    yield SourceFile(NAME)
    is_table = csv_files.names_in(opening.beginning(stream)) >= COLUMNS
    for row in csv_files.rows(stream, options.charset) if is_table else rows(stream, options.charset):
        if isinstance(row, SkippedRecord | Notice):
            yield row
            continue
        inside = object_in(row, "data").get("Comment")  # of a backup
        for one in [row] if inside is None else members(inside):
            yield from [one] if isinstance(one, SkippedRecord) else _comment(one, options)


def read_rows(rows_: Iterator[tuple[str, dict[str, Any]]], options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments of a database."""
    yield SourceFile(NAME)
    for _, row in rows_:
        yield from _comment(row, options)


def _comment(row: dict[str, Any], options: ParseOptions) -> Iterator[Record]:
    page, number, body = text_in(row, "url"), text_in(row, "objectId", "id", "_id"), text_in(row, "comment")
    yield SourceArticle(page, page)
    yield SourceComment(
        id=number,
        page=page,
        body=body,
        author=text_in(row, "nick"),
        text=BodyFormat.HTML if TAG.search(body) else BodyFormat.MARKDOWN,
        parent=_number(row, "pid", "rid"),
        state=STATES.get(text_in(row, "status"), SourceState.APPROVED),
        email=text_in(row, "mail"),
        website=text_in(row, "link"),
        address=text_in(row, "ip"),
        written=times.of_iso(_iso(row) or text_in(row, "createdAt"), options.timezone),
        is_pinned=text_in(row, "sticky").lower() in ("true", "1"),
        votes=votes_in(row, "like"),
        location=f"comment {number}",
    )


def _number(row: dict[str, Any], *names: str) -> str:
    """Return the id of another comment; tables say 0 or NULL for none."""
    return next((value for name in names if (value := text_in(row, name)) not in ("", "0", "NULL", "null")), "")


def _iso(row: dict[str, Any]) -> str:
    found = row.get("insertedAt")
    return text_in(found, "iso", "$date") if isinstance(found, dict) else str(found or "")
