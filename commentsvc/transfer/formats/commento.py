"""Commento's and Comentario's exports: comments and commenters, in version 3 pages, too."""

from collections.abc import Iterator, Mapping
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
    SourceState,
)

NAME = "commento"
TITLE = "Commento, Comentario"
DELETED = "[deleted]"
NONE = ("", "root", "undefined", "null")
STATES = {"approved": SourceState.APPROVED, "unapproved": SourceState.PENDING, "flagged": SourceState.SPAM}


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    is_first = b'"commentHex"' in beginning or b'"commenterHex"' in beginning
    return beginning.lstrip().startswith(b"{") and (
        is_first or (b'"pageId"' in beginning and b'"userCreated"' in beginning)
    )


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    data = whole(stream, options.charset)
    if not isinstance(data, dict) or not isinstance(data.get("comments"), list):
        raise NotReadable
    people = {text_in(one, "commenterHex", "id"): one for one in objects_in(data, "commenters")}
    for page in objects_in(data, "pages"):
        yield SourceArticle(
            text_in(page, "id"),
            text_in(page, "path"),
            title=text_in(page, "title"),
            is_closed=page.get("isReadonly") is True,
        )
    for row in members(data["comments"]):
        yield from [row] if isinstance(row, SkippedRecord) else _comment(row, people)


def _comment(row: dict[str, Any], people: Mapping[str, dict[str, Any]]) -> Iterator[Record]:
    host, path = text_in(row, "domain", "host"), text_in(row, "url", "path")
    page = text_in(row, "pageId") or f"{host}{path}"
    yield SourceFile(f"{NAME}:{host or 'unknown'}", f"https://{host}" if host else "")
    if not text_in(row, "pageId"):
        yield SourceArticle(page, f"https://{host}/{path.lstrip('/')}" if host else path, site=host)
    person = people.get(text_in(row, "commenterHex", "userCreated"), {})
    markdown, html = text_in(row, "markdown"), text_in(row, "html")
    parent, website = text_in(row, "parentHex", "parentId"), text_in(person, "link", "websiteUrl")
    yield SourceComment(
        id=text_in(row, "commentHex", "id"),
        page=page,
        body=markdown or html,
        author=text_in(row, "authorName") or text_in(person, "name"),
        text=BodyFormat.MARKDOWN if markdown else BodyFormat.HTML,
        parent="" if parent in NONE else parent,
        state=_state(row, markdown),
        email=text_in(person, "email"),
        website="" if website in NONE else website,
        written=times.of_iso(text_in(row, "creationDate", "createdTime")),
        is_pinned=row.get("isSticky") is True,
        votes=votes_in(row, "score"),
        location=f"comment {text_in(row, 'commentHex', 'id')}",
    )


def _state(row: Mapping[str, Any], markdown: str) -> SourceState:
    if row.get("deleted") is True or row.get("isDeleted") is True or markdown == DELETED:
        return SourceState.DELETED
    if "state" in row:
        return STATES.get(str(row["state"]), SourceState.APPROVED)
    return SourceState.APPROVED if row.get("isApproved", True) and not row.get("isPending") else SourceState.PENDING
