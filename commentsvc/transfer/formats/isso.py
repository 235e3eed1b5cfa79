"""Isso's database: the tables ``threads`` and ``comments`` of a SQLite file."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from commentsvc.transfer import times
from commentsvc.transfer.opening import SQLITE, NotReadable
from commentsvc.transfer.records import Origin, Page, Reading, Record, Remark, Standing, Text

NAME = "isso"
STANDINGS = {1: Standing.APPROVED, 2: Standing.PENDING, 4: Standing.DELETED}
OPTIONAL = ("modified", "remote_addr", "author", "email", "website")


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format; its tables are checked when it is read."""
    return beginning.startswith(SQLITE)


def read_file(path: Path, _reading: Reading) -> Iterator[Record]:
    """Yield the threads and comments. The file is opened for reading only, and no code in it is trusted."""
    database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    try:
        database.execute("PRAGMA trusted_schema=OFF")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"threads", "comments"} <= tables:
            raise NotReadable
        yield Origin(f"{NAME}:{path.stem}")
        for number, uri, title in database.execute("SELECT id, uri, title FROM threads ORDER BY id"):
            yield Page(str(number), str(uri or ""), key=str(uri or ""), title=str(title or ""))
        yield from _comments(database)
    except sqlite3.DatabaseError as problem:
        raise NotReadable(str(problem)) from None
    finally:
        database.close()


def _comments(database: sqlite3.Connection) -> Iterator[Record]:
    there = {name for _, name, *_ in database.execute("PRAGMA table_info(comments)")}
    columns = ["tid", "id", "parent", "created", "mode", "text", *(name for name in OPTIONAL if name in there)]
    rows = database.execute(f"SELECT {', '.join(columns)} FROM comments ORDER BY id")  # noqa: S608 - our own names
    for row in rows:
        found = dict(zip(columns, row, strict=True))
        yield Remark(
            id=str(found["id"]),
            page=str(found["tid"]),
            body=str(found["text"] or ""),
            author=str(found.get("author") or ""),
            text=Text.MARKDOWN,
            parent=str(found["parent"] or ""),
            standing=STANDINGS.get(found["mode"], Standing.PENDING),
            email=str(found.get("email") or ""),
            website=str(found.get("website") or ""),
            address=str(found.get("remote_addr") or ""),
            written=times.of_epoch(found["created"]),
            edited=times.of_epoch(found["modified"]) if found.get("modified") else None,
            place=f"comment {found['id']}",
        )
