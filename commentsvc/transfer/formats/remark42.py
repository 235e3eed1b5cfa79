"""Remark42's backup: a line about users and posts, then a comment a line."""

from collections.abc import Container, Iterator
from typing import Any, BinaryIO

from commentsvc.transfer import times
from commentsvc.transfer.json_files import objects_in, rows, text_in, votes_in
from commentsvc.transfer.records import (
    NO_PAGE,
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

NAME = "remark42"
TITLE = "Remark42"


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    head = beginning.lstrip()
    return head.startswith(b"{") and (b'"locator"' in head or (b'"version"' in head[:40] and b'"users"' in head[:200]))


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    closed: set[str] = set()
    for row in rows(stream, options.charset):
        if isinstance(row, SkippedRecord):
            yield row
        elif isinstance(row.get("locator"), dict):
            yield from _comment(row, closed)
        elif "id" in row:
            yield SkippedRecord(f"comment {text_in(row, 'id')}", NO_PAGE, text_in(row, "text"))
        else:
            closed |= {text_in(page, "url") for page in objects_in(row, "posts") if page.get("read_only") is True}


def _comment(row: dict[str, Any], closed: Container[str]) -> Iterator[Record]:
    url, user = text_in(row["locator"], "url"), row.get("user")
    site = text_in(row["locator"], "site")
    yield SourceFile(f"{NAME}:{site or 'unknown'}")
    yield SourceArticle(url, url, title=text_in(row, "title"), is_closed=url in closed, site=site)
    edited = row.get("edit")
    original = text_in(row, "orig")
    yield SourceComment(
        id=text_in(row, "id"),
        page=url,
        body=original or text_in(row, "text"),
        author=text_in(user, "name") if isinstance(user, dict) else "",
        text=BodyFormat.MARKDOWN if original else BodyFormat.HTML,
        parent=text_in(row, "pid"),
        state=SourceState.DELETED if row.get("delete") is True else SourceState.APPROVED,
        written=times.of_iso(text_in(row, "time")),
        edited=times.of_iso(text_in(edited, "time")) if isinstance(edited, dict) else None,
        is_pinned=row.get("pin") is True,
        votes=votes_in(row, "votes" if row.get("votes") else "score"),
        location=f"comment {text_in(row, 'id')}",
    )
