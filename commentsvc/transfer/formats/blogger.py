"""Blogger: its Atom export, and the feed of Google Takeout."""

from collections.abc import Iterator
from datetime import datetime
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

NAME = "blogger"
TITLE = "Blogger"
MARK = b"schemas.google.com/blogger"
POST, COMMENT = "post", "comment"
NOBODYS = "noreply@blogger.com"
STATES = {"live": SourceState.APPROVED, "draft": SourceState.PENDING, "spam": SourceState.SPAM}


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format; a template names Blogger, too, but is no feed."""
    return MARK in beginning and b"<feed" in beginning


def read(stream: BinaryIO, _options: ParseOptions) -> Iterator[Record]:
    """Yield the posts and comments."""
    yield SourceFile(NAME)
    for entry in elements(stream, frozenset({"entry"})):
        if isinstance(entry, SkippedRecord):
            yield entry
        elif (kind := _kind(entry)) == POST:
            yield _page(entry)
        elif kind == COMMENT:
            yield from _comment(entry)


def _kind(entry: "Element") -> str:
    own = Children(entry).text("type").lower()  # of Takeout
    if own in (POST, COMMENT):
        return own
    terms = [one.get("term") or "" for one in entry if isinstance(one.tag, str) and local(one) == "category"]
    return next((term.rpartition("#")[2] for term in terms if "#" in term and MARK.decode() in term), "")


def _page(element: "Element") -> SourceArticle:
    entry = Children(element)
    url = _link(element, "alternate") or entry.text("filename")
    return SourceArticle(_number(entry.text("id")), url, title=entry.text("title"), created=_time(entry))


def _comment(element: "Element") -> Iterator[Record]:
    entry = Children(element)
    above = entry.get("in-reply-to")
    page = _number((above.get("ref") or "") if above is not None else entry.text("parent"))
    location, body = f"line {element.sourceline}", entry.text("content")
    if not page:
        yield SkippedRecord(location, NO_PAGE, body)
        return
    if above is not None and above.get("href"):
        yield SourceArticle(page, above.get("href") or "")
    author = Children(entry.get("author"))
    email = author.text("email")
    yield SourceComment(
        id=_number(entry.text("id")),
        page=page,
        body=body,
        author=author.text("name"),
        text=BodyFormat.HTML,
        parent=_number(_link(element, "related") or entry.text("inReplyTo")),
        state=_state(element),
        email="" if email == NOBODYS else email,
        website=author.text("uri"),
        written=_time(entry),
        location=location,
    )


def _state(entry: "Element") -> SourceState:
    names = {one.get("name") for one in entry if isinstance(one.tag, str) and local(one) == "extendedProperty"}
    if "blogger.contentRemoved" in names:
        return SourceState.DELETED
    if any(one.text == "yes" for one in entry.iter("{*}draft")):
        return SourceState.PENDING
    return STATES.get(Children(entry).text("status").lower(), SourceState.APPROVED)


def _link(entry: "Element", relation: str) -> str:
    found = (one for one in entry if isinstance(one.tag, str) and local(one) == "link" and one.get("rel") == relation)
    return next((one.get("href") or "" for one in found), "")


def _number(identity: str) -> str:
    """Return the number of a post or comment: what follows the last ``post-`` or slash of its id."""
    return identity.rpartition("post-")[2].rpartition("/")[2].strip()


def _time(entry: Children) -> datetime | None:
    return times.of_iso(entry.text("published") or entry.text("created"))
