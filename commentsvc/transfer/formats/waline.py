"""Waline, Valine and LeanCloud: rows in Markdown or, of Valine, in HTML."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from commentsvc.transfer import times
from commentsvc.transfer.json_files import objects_in, rows, text_in
from commentsvc.transfer.records import NotTaken, Origin, Page, Reading, Record, Remark, Standing, Text

NAME = "waline"
TITLE = "Waline, Valine, LeanCloud"
STANDINGS = {"waiting": Standing.PENDING, "spam": Standing.SPAM}
TAG = re.compile(r"<(?:p|a|br|img|code|pre|strong|em|blockquote)\b", re.I)


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    is_rows = b'"insertedAt"' in beginning or (b'"objectId"' in beginning and b'"comment"' in beginning)
    return is_rows or b"#filetype:JSON" in beginning or (b'"type"' in beginning and b'"waline"' in beginning[:200])


def read(stream: BinaryIO, reading: Reading) -> Iterator[Record]:
    """Yield pages and comments."""
    yield Origin(NAME)
    for row in rows(stream):
        if isinstance(row, NotTaken):
            yield row
        elif isinstance(row.get("data"), dict):  # a backup
            for one in objects_in(row["data"], "Comment"):
                yield from _comment(one, reading)
        else:
            yield from _comment(row, reading)


def _comment(row: dict[str, Any], reading: Reading) -> Iterator[Record]:
    page, number, said = text_in(row, "url"), text_in(row, "objectId", "id", "_id"), text_in(row, "comment")
    yield Page(page, page)
    yield Remark(
        id=number,
        page=page,
        body=said,
        author=text_in(row, "nick"),
        text=Text.HTML if TAG.search(said) else Text.MARKDOWN,
        parent=text_in(row, "pid", "rid"),
        standing=STANDINGS.get(text_in(row, "status"), Standing.APPROVED),
        email=text_in(row, "mail"),
        website=text_in(row, "link"),
        address=text_in(row, "ip"),
        written=times.of_iso(_iso(row) or text_in(row, "createdAt"), reading.timezone),
        is_pinned=bool(row.get("sticky")),
        place=f"comment {number}",
    )


def _iso(row: dict[str, Any]) -> str:
    found = row.get("insertedAt")
    return text_in(found, "iso", "$date") if isinstance(found, dict) else str(found or "")
