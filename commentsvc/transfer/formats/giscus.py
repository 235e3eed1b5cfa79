"""GitHub Discussions, which giscus shows: answers of its GraphQL interface, saved as JSON.

https://docs.github.com/graphql/reference/objects#discussioncomment
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from commentsvc.transfer import times
from commentsvc.transfer.json_files import members, object_in, text_in, votes_in, whole
from commentsvc.transfer.opening import NotReadable
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

NAME = "giscus"
TITLE = "giscus (GitHub Discussions)"


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return b'"discussions"' in beginning and b'"nodes"' in beginning


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield the discussions, whose titles are addresses, and their comments."""
    found = _discussions(whole(stream, options.charset))
    if found is None:
        raise NotReadable
    yield SourceFile(NAME)
    for one in found:
        if isinstance(one, SkippedRecord):
            yield one
            continue
        page, title = text_in(one, "url", "id", "title"), text_in(one, "title")
        address = title if "://" in title or title.startswith("/") else f"/{title}"
        yield SourceArticle(
            page, address, key=title, created=times.of_iso(text_in(one, "createdAt")), is_closed=_is(one, "locked")
        )
        for comment in _nodes(one, "comments", f"{title}, "):
            yield _record(comment, page, "")
            if isinstance(comment, SkippedRecord):
                continue
            for reply in _nodes(comment, "replies", f"{text_in(comment, 'url', 'id')}, "):
                yield _record(reply, page, text_in(comment, "id"))


def _record(row: dict[str, Any] | SkippedRecord, page: str, parent: str) -> SourceComment | SkippedRecord:
    if isinstance(row, SkippedRecord):
        return row
    author, html = object_in(row, "author"), text_in(row, "bodyHTML")
    is_gone = bool(row.get("deletedAt")) or _is(row, "isMinimized")
    return SourceComment(
        id=text_in(row, "id"),
        page=page,
        body=text_in(row, "body") or html,
        author=text_in(author, "login"),
        text=BodyFormat.MARKDOWN if row.get("body") else BodyFormat.HTML,
        parent=parent,
        state=SourceState.DELETED if is_gone else SourceState.APPROVED,
        website=text_in(author, "url"),
        written=times.of_iso(text_in(row, "createdAt")),
        edited=times.of_iso(text_in(row, "lastEditedAt")),
        votes=votes_in(row, "upvoteCount"),
        location=text_in(row, "url", "id"),
    )


def _discussions(value: Any) -> Iterator[dict[str, Any] | SkippedRecord] | None:
    """Return what is listed, however deep it is in the answer."""
    while isinstance(value, dict):
        if "discussions" in value:
            return _nodes(value, "discussions")
        value = next((one for one in value.values() if isinstance(one, dict)), None)
    return None


def _nodes(row: dict[str, Any], name: str, place: str = "") -> Iterator[dict[str, Any] | SkippedRecord]:
    return members(object_in(row, name).get("nodes"), place)


def _is(row: dict[str, Any], name: str) -> bool:
    return row.get(name) is True
