"""Our own format: a JSON object a line. ``export`` writes it, and ``import`` reads it back as it was.

Line 1 says which version it is and of which site; then come threads, each followed by its comments, parents first.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from msgspec.structs import fields

from commentsvc.models.comment import Kind
from commentsvc.transfer import times
from commentsvc.transfer.records import (
    NO_LINE,
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

NAME = "commentsvc"
TITLE = "commentsvc (JSON lines)"
VERSION = 1
MAX_LINE = 4_000_000  # bytes
# The fields of each kind of record that are texts.
TEXTS = {
    kind: [one.name for one in fields(kind) if one.type is str] for kind in (SourceFile, SourceArticle, SourceComment)
}
STATES = {
    "approved": SourceState.APPROVED,
    "pending": SourceState.PENDING,
    "spam": SourceState.SPAM,
    "trashed": SourceState.DELETED,
}


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return beginning.lstrip(b"\xef\xbb\xbf").startswith(b'{"commentsvc":')


def read(stream: BinaryIO, _options: ParseOptions) -> Iterator[Record]:
    """Yield threads and comments."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        try:
            record = _record(json.loads(line), number)
            if any(not isinstance(getattr(record, name), str) for name in TEXTS[type(record)]):
                raise TypeError
            yield record
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            text = line[:200].decode("utf-8", "replace")
            yield SkippedRecord(f"line {number}", NO_LINE, text)


def _record(row: dict[str, Any], number: int) -> SourceFile | SourceArticle | SourceComment:
    if "commentsvc" in row:
        return SourceFile(f"{NAME}:{row['site']}", row.get("home", ""))
    if row["type"] == "thread":
        closed = row.get("access", "open") != "open"
        return SourceArticle(
            row["key"],
            row["url"],
            key=row["key"],
            title=row.get("title", ""),
            created=times.of_iso(row["created_at"]) if row.get("created_at") else None,
            is_closed=closed,
            aliases=tuple(map(str, row.get("aliases", ()))),
            is_thread_key=True,
        )
    return SourceComment(
        id=str(row["id"]),
        page=row.get("thread", ""),
        body=row["body"],
        author=row["author"],
        text=BodyFormat.MARKUP,
        parent=str(row["parent_id"]) if row.get("parent_id") else "",
        kind=Kind(row.get("kind", "comment")),
        response=row.get("response", ""),
        state=STATES[row["state"]],
        email=row.get("email") or "",
        website=row.get("website") or "",
        title=row.get("title") or "",
        written=times.of_iso(row["created_at"]),
        edited=times.of_iso(row["edited_at"]) if row.get("edited_at") else None,
        is_pinned=bool(row.get("is_pinned")),
        location=f"line {number}",
        language=row.get("language", ""),
        earlier=tuple((str(one["body"]), str(one["replaced_at"])) for one in row.get("revisions", ())),
    )
