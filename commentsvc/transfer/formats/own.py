"""Our own format: a JSON object a line. ``export`` writes it, and ``import`` reads it back as it was.

Line 1 says which version it is and of which site; then come threads, each followed by its comments, parents first.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from commentsvc.models.comment import Kind
from commentsvc.transfer import times
from commentsvc.transfer.records import (
    NO_LINE,
    NotTaken,
    Origin,
    Page,
    Reading,
    Record,
    SourceComment,
    SourceState,
    Text,
)

NAME = "commentsvc"
TITLE = "commentsvc (JSON lines)"
VERSION = 1
MAX_LINE = 4_000_000  # bytes
STATES = {
    "approved": SourceState.APPROVED,
    "pending": SourceState.PENDING,
    "spam": SourceState.SPAM,
    "trashed": SourceState.DELETED,
}


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return beginning.lstrip(b"\xef\xbb\xbf").startswith(b'{"commentsvc":')


def read(stream: BinaryIO, _reading: Reading) -> Iterator[Record]:
    """Yield threads and comments."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        try:
            yield _record(json.loads(line), number)
        except (ValueError, KeyError, TypeError, AttributeError):
            said = line[:200].decode("utf-8", "replace")
            yield NotTaken(f"line {number}", NO_LINE, said)


def _record(said: dict[str, Any], number: int) -> Record:
    if "commentsvc" in said:
        return Origin(f"{NAME}:{said['site']}", said.get("home", ""))
    if said["type"] == "thread":
        closed = said.get("access", "open") != "open"
        return Page(
            said["key"],
            said["url"],
            key=said["key"],
            title=said.get("title", ""),
            created=times.of_iso(said["created_at"]) if said.get("created_at") else None,
            is_closed=closed,
            aliases=tuple(map(str, said.get("aliases", ()))),
        )
    return SourceComment(
        id=str(said["id"]),
        page=said.get("thread", ""),
        body=said["body"],
        author=said["author"],
        text=Text.MARKUP,
        parent=str(said["parent_id"]) if said.get("parent_id") else "",
        kind=Kind(said.get("kind", "comment")),
        response=said.get("response", ""),
        state=STATES[said["state"]],
        email=said.get("email") or "",
        website=said.get("website") or "",
        title=said.get("title") or "",
        written=times.of_iso(said["created_at"]),
        edited=times.of_iso(said["edited_at"]) if said.get("edited_at") else None,
        is_pinned=bool(said.get("is_pinned")),
        place=f"line {number}",
        language=said.get("language", ""),
        earlier=tuple((str(one["body"]), str(one["replaced_at"])) for one in said.get("revisions", ())),
    )
