"""Artalk's "artrans": an array of objects whose values are texts."""

from collections.abc import Iterator
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

NAME = "artalk"
TITLE = "Artalk"
MADE_UP = "anonymous@example.org"
ZONE = " +"  # 2021-10-28 20:50:15 +0800


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins like this format."""
    return b'"page_key"' in beginning


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    for row in rows(stream, options.charset):
        if isinstance(row, SkippedRecord):
            yield row
        else:
            yield from _comment(row, options)


def _comment(row: dict[str, Any], options: ParseOptions) -> Iterator[Record]:
    page, email = text_in(row, "page_key"), text_in(row, "email")
    home, site = text_in(row, "site_urls").split(",")[0], text_in(row, "site_name")
    parent = text_in(row, "rid")
    yield SourceFile(f"{NAME}:{site or 'unknown'}", home)
    yield SourceArticle(f"{site} {page}", page, key=page, title=text_in(row, "page_title"), site=site)
    yield SourceComment(
        id=text_in(row, "id"),
        page=f"{site} {page}",
        body=text_in(row, "content"),
        author=text_in(row, "nick"),
        text=BodyFormat.MARKDOWN,
        parent="" if parent == "0" else parent,
        state=SourceState.PENDING if _is(row, "is_pending") else SourceState.APPROVED,
        email="" if email == MADE_UP else email,
        website=text_in(row, "link"),
        address=text_in(row, "ip"),
        written=times.of_iso(text_in(row, "created_at", "date").replace(ZONE, "+"), options.timezone),
        is_pinned=_is(row, "is_pinned"),
        votes=votes_in(row, "vote_up", "vote_down"),
        location=f"comment {text_in(row, 'id')}",
    )


def _is(row: dict[str, Any], name: str) -> bool:
    return text_in(row, name).lower() in ("true", "1")
