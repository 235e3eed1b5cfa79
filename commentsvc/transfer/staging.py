"""What was read, in a temporary SQLite file: memory stays flat, whatever the order and the size of the file."""

import hashlib
import json
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from msgspec import json as typed_json
from msgspec.structs import asdict, replace

from commentsvc.errors import Reason
from commentsvc.transfer.records import (
    Notice,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

SCHEMA = """
CREATE TABLE page (id TEXT PRIMARY KEY, thread TEXT NOT NULL DEFAULT '', data TEXT NOT NULL);
CREATE TABLE record (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, page TEXT NOT NULL, parent TEXT NOT NULL, state TEXT NOT NULL,
    written TEXT, is_taken INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL
);
CREATE TABLE not_taken (place TEXT NOT NULL, why TEXT NOT NULL, text TEXT NOT NULL, count INTEGER NOT NULL);
"""
# The same page may come several times, and not each time with all that is known of it.
UPSERT_PAGE = """
INSERT INTO page (id, data) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET data = excluded.data WHERE length(excluded.data) > length(data)
"""
INDEXES = """
CREATE INDEX record_id ON record (id);
CREATE INDEX record_page ON record (page, is_taken);
CREATE INDEX record_parent ON record (parent);
CREATE INDEX page_thread ON page (thread);
"""
Packable = TypeVar("Packable", SourceArticle, SourceComment)
ENCODER = typed_json.Encoder()
ARTICLE, COMMENT = typed_json.Decoder(SourceArticle).decode, typed_json.Decoder(SourceComment).decode
Row = TypeVar("Row", SourceFile, SourceArticle, SourceComment, SkippedRecord)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
NUL = rb"\u0000"  # as JSON has it
PRAGMAS = """
PRAGMA page_size = 16384;  -- bytes; several comments fit in
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
"""
OF_DELETED_PAGES = """
UPDATE record SET state = 'deleted', data = json_set(data, '$.state', 'deleted')
WHERE page IN (SELECT id FROM page WHERE json_extract(data, '$.is_deleted'))
"""
IS_PLACEHOLDER = f"state = '{SourceState.DELETED}' AND json_extract(data, '$.body') = ''"
SAME_IDS = "SELECT id, MIN(seq) AS first FROM record GROUP BY id HAVING COUNT(*) > 1"
# Records with the id of an earlier one that somebody else wrote, or on another page, or at another time.
RENAMED = f"""
CREATE TABLE renamed AS SELECT seq, json_array(id, page, written, author) AS new FROM (
    SELECT record.*, json_extract(record.data, '$.author') AS author, earlier.page AS page_before,
        earlier.written AS written_before, json_extract(earlier.data, '$.author') AS author_before
    FROM record JOIN ({SAME_IDS}) AS same ON record.id = same.id JOIN record AS earlier ON earlier.seq = same.first
) WHERE (page, written, author) IS NOT (page_before, written_before, author_before)
"""  # noqa: S608 - our own words
RENAME = """
UPDATE record SET id = new, data = json_set(data, '$.id', new) FROM renamed WHERE record.seq = renamed.seq
"""
DROP_DUPLICATES = "DELETE FROM record WHERE seq NOT IN (SELECT MIN(seq) FROM record GROUP BY id)"
# Ancestors of what is taken keep their place as an empty line. UNION drops what is there already, so cycles end.
ANCESTORS = """
WITH RECURSIVE above (id) AS (
    SELECT parent FROM record WHERE is_taken = 1 AND parent != ''
    UNION
    SELECT record.parent FROM record JOIN above ON record.id = above.id WHERE record.parent != ''
)
UPDATE record SET is_taken = 2 WHERE is_taken = 0 AND id IN (SELECT id FROM above)
"""


class Staging:
    """The records of one import. ``origin`` is the file's own name for itself."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.origin = SourceFile("")
        self.notices: list[Reason] = []
        self._run(SCHEMA)

    def put(self, records: Iterable[Record]) -> Iterator[int]:
        """Store records; yield how many there are after each."""
        count = 0
        for count, record in enumerate(records, 1):
            match record:
                case SourceComment():
                    record, data = _packed(record if record.id else replace(record, id=_made_id(record)))
                    self._database.execute(
                        "INSERT INTO record (id, page, parent, state, written, data) VALUES (?, ?, ?, ?, ?, ?)",
                        (*_place(record), record.written.isoformat() if record.written else None, data),
                    )
                case SourceArticle():
                    record, data = _packed(record)
                    self._database.execute(UPSERT_PAGE, (record.id, data))
                case SourceFile():
                    self.origin = self.origin if self.origin.name else _clean(record)
                case SkippedRecord():
                    self.leave_out(record)
                case Notice():
                    self.notices.append(record.why)
            yield count
        self._run(INDEXES)
        self._database.execute(OF_DELETED_PAGES)

    def _run(self, statements: str) -> None:
        """Execute statements and begin a transaction: ``executescript`` ends the one before."""
        self._database.executescript(f"{statements}; BEGIN")

    def drop_duplicates(self) -> int:
        """Forget records that come again; return how many. Different ones with the same id get ids of their own."""
        if not self._database.execute(SAME_IDS).fetchone():
            return 0
        self._database.execute(RENAMED)
        self._database.execute(RENAME)
        return self._database.execute(DROP_DUPLICATES).rowcount

    def leave_out(self, record: SkippedRecord, count: int = 1) -> None:
        """Store what is not taken, for the report; ``count`` records in one place."""
        record = _clean(record)
        row = (record.location, json.dumps(record.why), record.text[:200], count)
        self._database.execute("INSERT INTO not_taken VALUES (?, ?, ?, ?)", row)

    def pages(self) -> Iterator[SourceArticle]:
        """Yield the pages with records."""
        rows = self._database.execute(
            "SELECT data FROM page WHERE EXISTS (SELECT 1 FROM record WHERE record.page = page.id) ORDER BY rowid"
        ).fetchall()
        return (ARTICLE(data) for (data,) in rows)

    def urls(self, site: str = "") -> Iterator[tuple[str, int]]:
        """Yield the addresses of the pages, or of those of a site, each with its number of records."""
        yield from self._database.execute(
            "SELECT json_extract(page.data, '$.url'), COUNT(*) FROM record JOIN page ON page.id = record.page"
            " WHERE ? IN ('', json_extract(page.data, '$.site')) GROUP BY page.id",
            (site,),
        )

    def sites(self) -> dict[str, int]:
        """Return the sites that the pages name, each with its number of records."""
        rows = self._database.execute(
            "SELECT json_extract(page.data, '$.site') AS site, COUNT(*) FROM record JOIN page ON page.id = record.page"
            " WHERE site != '' GROUP BY site ORDER BY 2 DESC"
        )
        return dict(rows.fetchall())

    def assign(self, page: SourceArticle, thread: str) -> None:
        """Note in which thread a page's records belong, and what is known of the page by now."""
        self._database.execute("UPDATE page SET thread = ?, data = ? WHERE id = ?", (thread, _packed(page)[1], page.id))

    def choose(self, states: Iterable[SourceState]) -> list[SourceComment]:
        """Take the records that are of these states and in a thread, and keep the places of those they answer.

        Return those without a text that nobody answers, which are left out.
        """
        wanted = f"state IN ({_marks(states)}) AND page IN (SELECT id FROM page WHERE thread != '')"  # noqa: S608 - our own words
        self._database.execute(f"UPDATE record SET is_taken = ({wanted}) AND NOT ({IS_PLACEHOLDER})")  # noqa: S608
        self._database.execute(ANCESTORS)
        rows = self._database.execute(f"SELECT data FROM record WHERE is_taken = 0 AND {wanted}")  # noqa: S608
        return [COMMENT(data) for (data,) in rows]

    def count_in(self, page: str, states: Iterable[SourceState]) -> int:
        """Return how many records of a page are of these states."""
        count = f"SELECT COUNT(*) FROM record WHERE page = ? AND state IN ({_marks(states)})"  # noqa: S608
        (found,) = self._database.execute(count, (page,)).fetchone()
        return int(found)

    def threads(self) -> list[str]:
        """Return the threads with records to take, in the order of their oldest ones."""
        rows = self._database.execute(
            "SELECT page.thread FROM page JOIN record ON record.page = page.id"
            " WHERE page.thread != '' AND record.is_taken GROUP BY page.thread ORDER BY MIN(record.written)"
        )
        return [thread for (thread,) in rows]

    def pages_of(self, thread: str) -> list[SourceArticle]:
        """Return the pages whose records belong in a thread."""
        rows = self._database.execute("SELECT data FROM page WHERE thread = ? ORDER BY rowid", (thread,))
        return [ARTICLE(data) for (data,) in rows]

    def records_of(self, thread: str) -> list[SourceComment]:
        """Return what is to be taken into a thread, the oldest first; a placeholder is ``DELETED`` and says nothing."""
        rows = self._database.execute(
            "SELECT record.data, record.is_taken FROM record JOIN page ON page.id = record.page"
            " WHERE page.thread = ? AND record.is_taken ORDER BY record.written, record.seq",
            (thread,),
        )
        return [_as_taken(COMMENT(data), is_taken) for data, is_taken in rows]

    def counts(self) -> dict[str, int]:
        """Return how many records there are by state."""
        return dict(self._database.execute("SELECT state, COUNT(*) FROM record GROUP BY state").fetchall())

    def taken(self) -> int:
        """Return how many records are to be taken, without placeholders."""
        (count,) = self._database.execute("SELECT COUNT(*) FROM record WHERE is_taken = 1").fetchone()
        return int(count)

    def without_page(self, states: Iterable[SourceState]) -> Iterator[SourceComment]:
        """Yield records of these states whose page is not in the file."""
        rows = self._database.execute(
            f"SELECT data FROM record WHERE state IN ({_marks(states)})"  # noqa: S608
            " AND NOT EXISTS (SELECT 1 FROM page WHERE page.id = record.page) ORDER BY seq"
        ).fetchall()
        return (COMMENT(data) for (data,) in rows)

    def left_out(self) -> list[tuple[Any, int, list[tuple[str, str]]]]:
        """Return each reason for which something was not taken, with how often and the first places."""
        found = []
        counts = "SELECT why, SUM(count) FROM not_taken GROUP BY why ORDER BY 2 DESC"
        reasons = self._database.execute(counts).fetchall()
        for why, count in reasons:
            first = self._database.execute("SELECT place, text FROM not_taken WHERE why = ? LIMIT 20", (why,))
            found.append((json.loads(why), count, first.fetchall()))
        return found


def _marks(states: Iterable[SourceState]) -> str:
    return ", ".join(f"'{one}'" for one in states)


def _made_id(record: SourceComment) -> str:
    """Return an id for a record that has none, the same whenever it is imported."""
    content = json.dumps([record.page, record.author, record.body, str(record.written)])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


@contextmanager
def staged(folder: Path) -> Iterator[Staging]:
    """Make a staging file in a folder. It holds addresses: it has no name, and is gone however this process ends."""
    handle, name = tempfile.mkstemp(prefix="import-", suffix=".sqlite3", dir=folder)
    os.close(handle)
    with closing(sqlite3.connect(name, isolation_level=None)) as database:
        try:
            database.executescript(PRAGMAS)  # which opens it
        finally:
            Path(name).unlink()
        yield Staging(database)


def _clean(record: Row) -> Row:
    """Return a record without what neither database stores: NUL, and halves of surrogate pairs."""
    bad = {name: clean for name, value in asdict(record).items() if (clean := _storable(value)) is not value}
    return replace(record, **bad) if bad else record


def _storable(value: Any) -> Any:
    """Return a text, or texts, without what cannot be stored; the same object if there is nothing of it."""
    if isinstance(value, str):
        return UNSTORABLE.sub("", value) if UNSTORABLE.search(value) else value
    if isinstance(value, tuple):
        clean = tuple(map(_storable, value))
        return value if all(one is other for one, other in zip(clean, value, strict=True)) else clean
    return value


def _place(record: SourceComment) -> tuple[str, str, str, str]:
    return record.id, record.page, record.parent, str(record.state)  # no subclass, which sqlite3 adapts slowly


def _as_taken(record: SourceComment, is_taken: int) -> SourceComment:
    if is_taken == 1:
        return record
    bare = SourceComment(record.id, record.page, "", parent=record.parent, state=SourceState.DELETED)
    return replace(bare, written=record.written, location=record.location)


def _packed(record: Packable) -> tuple[Packable, str]:
    """Return a record without what cannot be stored, and as JSON."""
    try:
        data = ENCODER.encode(record)
        if NUL not in data:  # as mostly
            return record, data.decode()
    except UnicodeEncodeError:  # half of a surrogate pair
        pass
    clean = _clean(record)
    return clean, ENCODER.encode(clean).decode()
