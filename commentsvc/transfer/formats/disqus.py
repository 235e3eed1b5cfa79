"""Disqus' XML export: http://disqus.com, ids in http://disqus.com/disqus-internals."""

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from commentsvc.transfer import times
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
from commentsvc.transfer.xml import child, elements, local, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

NAME = "disqus"
TITLE = "Disqus"
INTERNAL_ID = "{http://disqus.com/disqus-internals}id"
ADDRESS = re.compile(r"https?://(?!localhost|127\.)[^/:]+\.", re.I)  # one that leads beyond the author's machine
WORDPRESS_ID = "wp_id="


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return b"<disqus" in beginning and b"wordpress.org/export/" not in beginning


def read(stream: BinaryIO, _reading: ParseOptions) -> Iterator[Record]:
    """Yield the threads and posts."""
    forum = ""
    for element in elements(stream, frozenset({"thread", "post"})):
        if isinstance(element, SkippedRecord):
            yield element
        elif local(element) == "thread":
            forum = forum or text_of(element, "forum")
            yield SourceFile(f"{NAME}:{forum or 'unknown'}")
            yield _page(element)
        else:
            yield _record(element)


def _page(thread: "Element") -> SourceArticle:
    identifier = text_of(thread, "id")
    return SourceArticle(
        _id(thread),
        _address(text_of(thread, "link"), identifier),
        key=identifier,
        title=text_of(thread, "title"),
        created=times.of_iso(text_of(thread, "createdAt")),
        is_closed=_is(thread, "isClosed"),
        is_deleted=_is(thread, "isDeleted"),
        site=text_of(thread, "forum"),
    )


def _address(link: str, identifier: str) -> str:
    """Return the link or, where it leads nowhere, the address in the identifier: WordPress makes ``12 https://…``."""
    found = ADDRESS.search(identifier)
    return link if ADDRESS.match(link) or not found else identifier[found.start() :].strip()


def _record(post: "Element") -> Record:
    location, body = f"line {post.sourceline}", text_of(post, "message")
    thread = child(post, "thread")
    if thread is None or not _id(thread):
        return SkippedRecord(location, NO_PAGE, body)
    author, parent = child(post, "author"), child(post, "parent")
    written = times.of_iso(text_of(post, "createdAt"))
    own = text_of(post, "id")
    page = _id(thread)
    name = text_of(author, "name") if author is not None else ""
    return SourceComment(
        id=_id(post) or own or _hashed(page, text_of(post, "createdAt"), name, body),
        page=page,
        body=body,
        author=name or (text_of(author, "username") if author is not None else ""),
        text=BodyFormat.HTML,
        parent=_id(parent) if parent is not None else "",
        state=_state(post),
        email=text_of(author, "email") if author is not None else "",
        website=text_of(author, "link") if author is not None else "",
        address=text_of(post, "ipAddress"),
        written=written,
        is_pinned=_is(post, "isHighlighted"),
        cross_id=f"wp:{own.removeprefix(WORDPRESS_ID)}" if own.startswith(WORDPRESS_ID) else "",
        location=location,
    )


def _state(post: "Element") -> SourceState:
    if _is(post, "isDeleted"):
        return SourceState.DELETED
    if _is(post, "isSpam"):
        return SourceState.SPAM
    return SourceState.APPROVED if text_of(post, "isApproved").lower() not in ("false", "0") else SourceState.PENDING


def _is(element: "Element", name: str) -> bool:
    return text_of(element, name).lower() in ("true", "1")


def _id(element: "Element") -> str:
    return (element.get(INTERNAL_ID) or element.get("id") or "").strip()


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
