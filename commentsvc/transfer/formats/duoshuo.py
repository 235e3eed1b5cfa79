"""Duoshuo's JSON, whose service ended in 2017: threads and posts, each with all that it answers."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from commentsvc.transfer import times
from commentsvc.transfer.json_files import members, objects_in, text_in, votes_in, whole
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import (
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
)

NAME = "duoshuo"
TITLE = "Duoshuo"


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return b'"thread_id"' in beginning and (b'"thread_key"' in beginning or b'"posts"' in beginning)


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield threads and posts."""
    found = whole(stream, options.charset)
    if not isinstance(found, dict):
        raise NotReadable
    yield SourceFile(NAME)
    for row in objects_in(found, "threads"):
        title, key = text_in(row, "title"), text_in(row, "thread_key")
        yield SourceArticle(text_in(row, "thread_id"), text_in(row, "url"), key=key, title=title)
    for post in members(found.get("posts")):
        yield post if isinstance(post, SkippedRecord) else _comment(post, options)


def _comment(row: dict[str, Any], options: ParseOptions) -> SourceComment:
    number, above = text_in(row, "post_id"), row.get("parents")
    return SourceComment(
        id=number,
        page=text_in(row, "thread_id"),
        body=text_in(row, "message"),
        author=text_in(row, "author_name"),
        text=BodyFormat.HTML,
        parent=str(above[-1]) if isinstance(above, list) and above else text_in(row, "parent_id"),
        email=text_in(row, "author_email"),
        website=text_in(row, "author_url"),
        address=text_in(row, "ip"),
        written=times.of_iso(text_in(row, "created_at"), options.timezone),
        votes=votes_in(row, "likes", "dislikes"),
        location=f"post {number}",
    )
