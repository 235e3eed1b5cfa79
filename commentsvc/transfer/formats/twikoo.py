"""Twikoo's export: rows with HTML, times in milliseconds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from commentsvc.transfer import times
from commentsvc.transfer.json_files import rows, text_in, votes_in
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

NAME = "twikoo"
TITLE = "Twikoo"


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return b'"mailMd5"' in beginning or (b'"isSpam"' in beginning and b'"nick"' in beginning)


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    yield SourceFile(NAME)
    for row in rows(stream, options.charset):
        if isinstance(row, SkippedRecord):
            yield row
        else:
            yield from _comment(row)


def _comment(row: dict[str, Any]) -> Iterator[Record]:
    page = text_in(row, "url", "href")
    number = text_in(row, "_id", "id")
    yield SourceArticle(page, text_in(row, "href") or page)
    yield SourceComment(
        id=number,
        page=page,
        body=text_in(row, "comment"),
        author=text_in(row, "nick"),
        text=BodyFormat.HTML,
        parent=text_in(row, "pid", "rid"),
        state=SourceState.SPAM if row.get("isSpam") in (True, "true") else SourceState.APPROVED,
        email=text_in(row, "mail"),
        website=text_in(row, "link"),
        address=text_in(row, "ip"),
        written=_time(text_in(row, "created")),
        is_pinned=row.get("top") in (True, "true"),
        votes=votes_in(row, "like", "ups", "downs"),
        location=f"comment {number}",
    )


def _time(milliseconds: str) -> datetime | None:
    try:
        return times.of_epoch(float(milliseconds) / 1000)
    except ValueError:
        return None
