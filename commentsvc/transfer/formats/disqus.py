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
from commentsvc.transfer.xml import Children, elements, local

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


def read(stream: BinaryIO, _options: ParseOptions) -> Iterator[Record]:
    """Yield the threads and posts."""
    forum = ""
    for element in elements(stream, frozenset({"thread", "post"})):
        if isinstance(element, SkippedRecord):
            yield element
        elif local(element) == "thread":
            forum = forum or Children(element).text("forum")
            yield SourceFile(f"{NAME}:{forum or 'unknown'}")
            yield _page(element)
        else:
            yield _record(element)


def _page(element: "Element") -> SourceArticle:
    thread = Children(element)
    identifier = thread.text("id")
    return SourceArticle(
        _id(element),
        _address(thread.text("link"), identifier),
        key=identifier,
        title=thread.text("title"),
        created=times.of_iso(thread.text("createdAt")),
        is_closed=_is(thread, "isClosed"),
        is_deleted=_is(thread, "isDeleted"),
        site=thread.text("forum"),
    )


def _address(link: str, identifier: str) -> str:
    """Return the link or, where it leads nowhere, the address in the identifier: WordPress makes ``12 https://…``."""
    found = ADDRESS.search(identifier)
    return link if ADDRESS.match(link) or not found else identifier[found.start() :].strip()


def _record(element: "Element") -> Record:
    post = Children(element)
    location, body = f"line {element.sourceline}", post.text("message")
    page = _id(post.get("thread"))
    if not page:
        return SkippedRecord(location, NO_PAGE, body)
    author = Children(post.get("author"))
    written = times.of_iso(post.text("createdAt"))
    own = post.text("id")
    name = author.text("name")
    return SourceComment(
        id=_id(element) or own or _hashed(page, post.text("createdAt"), name, body),
        page=page,
        body=body,
        author=name or author.text("username"),
        text=BodyFormat.HTML,
        parent=_id(post.get("parent")),
        state=_state(post),
        email=author.text("email"),
        website=author.text("link"),
        address=post.text("ipAddress"),
        written=written,
        is_pinned=_is(post, "isHighlighted"),
        cross_id=f"wp:{own.removeprefix(WORDPRESS_ID)}" if own.startswith(WORDPRESS_ID) else "",
        location=location,
    )


def _state(post: Children) -> SourceState:
    if _is(post, "isDeleted"):
        return SourceState.DELETED
    if _is(post, "isSpam"):
        return SourceState.SPAM
    return SourceState.APPROVED if post.text("isApproved").lower() not in ("false", "0") else SourceState.PENDING


def _is(children: Children, name: str) -> bool:
    return children.text(name).lower() in ("true", "1")


def _id(element: "Element | None") -> str:
    return "" if element is None else (element.get(INTERNAL_ID) or element.get("id") or "").strip()


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
