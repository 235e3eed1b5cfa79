"""Serendipity's database, as a SQLite file or a dump, or its comments as CSV. Its stars and smilies are ours."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from commentsvc.models.comment import Kind
from commentsvc.transfer import csv_files, permalinks, times
from commentsvc.transfer.records import (
    NO_SOURCE,
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

NAME = "serendipity"
TITLE = "Serendipity"
TABLES = {
    "entries": frozenset({"id", "title"}),
    "permalinks": frozenset({"permalink", "entry_id"}),
    "comments": frozenset({"id", "entry_id", "body"}),
}
COLUMNS = frozenset({"id", "entry_id", "timestamp", "body", "author", "status"})
BY_NUMBER = "archives/{id}.html"
REMOVED = "COMMENT_DELETED"
KINDS = {"TRACKBACK": Kind.TRACKBACK, "PINGBACK": Kind.PINGBACK}


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as the comments do in CSV."""
    return csv_files.names_in(beginning) >= COLUMNS


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield the comments of a CSV file, and pages for their entries."""
    yield SourceFile(NAME)
    entries = set()
    for row in csv_files.rows(stream, options.charset):
        if isinstance(row, SkippedRecord | Notice):
            yield row
        else:
            entries.add(row["entry_id"])
            yield _comment(row)
    pattern = options.permalink or BY_NUMBER
    for number in sorted(entries):
        yield SourceArticle(
            number, permalinks.address(pattern, number=number, slug="", title="", date=None), key=number
        )


def read_rows(rows: Iterator[tuple[str, dict[str, Any]]], options: ParseOptions) -> Iterator[Record]:
    """Yield the entries, at the addresses that ``permalinks`` has, and the comments."""
    yield SourceFile(NAME)
    entries: dict[str, dict[str, Any]] = {}
    addresses: dict[str, str] = {}
    for table, row in rows:
        if table == "entries":
            entries[str(row["id"])] = row
        elif table == "permalinks":
            if row.get("type") == "entry":
                addresses[str(row["entry_id"])] = str(row["permalink"])
        else:
            yield _comment(row)
    pattern = options.permalink or "archives/{id}-{title}.html"
    for number, row in entries.items():
        title, created = str(row.get("title") or ""), times.of_epoch(row.get("timestamp"))
        url = addresses.get(number) or permalinks.address(pattern, number=number, slug="", title=title, date=created)
        yield SourceArticle(number, f"/{url.lstrip('/')}" if "://" not in url else url, title=title, created=created)


def _comment(row: Mapping[str, Any]) -> Record:
    kind, body = KINDS.get(str(row.get("type") or "").upper(), Kind.COMMENT), str(row.get("body") or "")
    location, is_linkback = f"comment {row['id']}", kind != Kind.COMMENT
    if is_linkback and not row.get("url"):
        return SkippedRecord(location, NO_SOURCE, body)
    parent = str(row.get("parent_id") or "0")
    return SourceComment(
        id=str(row["id"]),
        page=str(row["entry_id"]),
        body=body,
        author=str(row.get("author") or ""),
        text=BodyFormat.HTML if is_linkback else BodyFormat.MARKUP,
        parent="" if parent == "0" or is_linkback else parent,
        kind=kind,
        response="mention" if is_linkback else "",
        state=SourceState.DELETED if body == REMOVED else _state(str(row.get("status") or "")),
        email=str(row.get("email") or ""),
        website=str(row.get("url") or ""),
        address=str(row.get("ip") or ""),
        title=str(row.get("title") or "") if is_linkback else "",
        written=times.of_epoch(row.get("timestamp")),
        location=location,
    )


def _state(status: str) -> SourceState:
    return SourceState.APPROVED if status in ("approved", "") else SourceState.PENDING
