"""Isso: the tables ``threads`` and ``comments`` of its SQLite file, or the JSON that its ``import`` takes.

In JSON, ids mean something within one thread only, titles are percent-encoded, and times have no zone.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import unquote

from commentsvc.transfer import times
from commentsvc.transfer.json_files import members, rows, text_in, votes_in
from commentsvc.transfer.records import (
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

NAME = "isso"
TITLE = "Isso"
TABLES = {"threads": frozenset({"id", "uri"}), "comments": frozenset({"id", "tid", "text"})}
STATES = {1: SourceState.APPROVED, 2: SourceState.PENDING, 4: SourceState.DELETED}


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as its JSON does."""
    return beginning.lstrip().startswith(b"[") and all(name in beginning for name in (b'"comments"', b'"remote_addr"'))


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield the threads of a JSON file, and their comments."""
    yield SourceFile(NAME)
    for thread in rows(stream, options.charset):
        if isinstance(thread, SkippedRecord):
            yield thread
            continue
        uri = text_in(thread, "id")
        yield SourceArticle(uri, uri, key=uri, title=unquote(text_in(thread, "title")))
        for row in members(thread.get("comments"), f"{uri}, "):
            yield row if isinstance(row, SkippedRecord) else _of_json(row, uri, options)


def _of_json(row: dict[str, Any], uri: str, options: ParseOptions) -> SourceComment:
    body, when = text_in(row, "text"), text_in(row, "created")
    sign = hashlib.sha256(f"{text_in(row, 'author')}\n{when}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return SourceComment(
        id=f"{uri} {text_in(row, 'id')} {sign}",  # the numbers may all be the same
        page=uri,
        body=body,
        author=text_in(row, "author"),
        text=BodyFormat.MARKDOWN,
        email=text_in(row, "email"),
        website=text_in(row, "website"),
        address=text_in(row, "remote_addr"),
        written=times.of_iso(when, options.timezone),
        location=f"{uri}, comment {text_in(row, 'id')}",
    )


def read_rows(found: Iterator[tuple[str, dict[str, Any]]], _options: ParseOptions) -> Iterator[Record]:
    """Yield the threads and comments. Old files lack some columns."""
    yield SourceFile(NAME)
    for table, row in found:
        if table == "threads":
            uri = str(row["uri"] or "")
            yield SourceArticle(str(row["id"]), uri, key=uri, title=str(row.get("title") or ""))
        else:
            yield _comment(row)


def _comment(row: dict[str, Any]) -> Record:
    return SourceComment(
        id=str(row["id"]),
        page=str(row["tid"]),
        body=str(row["text"] or ""),
        author=str(row.get("author") or ""),
        text=BodyFormat.MARKDOWN,
        parent=str(row.get("parent") or ""),
        state=STATES.get(row.get("mode") or 0, SourceState.PENDING),
        email=str(row.get("email") or ""),
        website=str(row.get("website") or ""),
        address=str(row.get("remote_addr") or ""),
        written=times.of_epoch(row.get("created")),
        edited=times.of_epoch(row["modified"]) if row.get("modified") else None,
        votes=votes_in(row, "likes", "dislikes"),
        location=f"comment {row['id']}",
    )
