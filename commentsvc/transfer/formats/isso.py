"""Isso's database: the tables ``threads`` and ``comments`` of a SQLite file."""

from collections.abc import Iterator
from typing import Any

from commentsvc.transfer import times
from commentsvc.transfer.records import Origin, Page, Reading, Record, Remark, Standing, Text

NAME = "isso"
TITLE = "Isso"
TABLES = ("threads", "comments")
STANDINGS = {1: Standing.APPROVED, 2: Standing.PENDING, 4: Standing.DELETED}


def read_rows(rows: Iterator[tuple[str, dict[str, Any]]], _reading: Reading) -> Iterator[Record]:
    """Yield the threads and comments. Old files lack some columns."""
    yield Origin(NAME)
    for table, row in rows:
        if table == "threads":
            uri = str(row["uri"] or "")
            yield Page(str(row["id"]), uri, key=uri, title=str(row.get("title") or ""))
        else:
            yield _comment(row)


def _comment(row: dict[str, Any]) -> Record:
    return Remark(
        id=str(row["id"]),
        page=str(row["tid"]),
        body=str(row["text"] or ""),
        author=str(row.get("author") or ""),
        text=Text.MARKDOWN,
        parent=str(row["parent"] or ""),
        standing=STANDINGS.get(row["mode"], Standing.PENDING),
        email=str(row.get("email") or ""),
        website=str(row.get("website") or ""),
        address=str(row.get("remote_addr") or ""),
        written=times.of_epoch(row["created"]),
        edited=times.of_epoch(row["modified"]) if row.get("modified") else None,
        place=f"comment {row['id']}",
    )
