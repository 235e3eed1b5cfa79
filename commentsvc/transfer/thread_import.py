"""What an import brings into one thread: find out what is new there."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, select

from commentsvc import clock
from commentsvc.db import db, in_parts
from commentsvc.errors import N_
from commentsvc.fields import MAX_TITLE_LENGTH
from commentsvc.markup import plain_text
from commentsvc.models.comment import Comment
from commentsvc.models.imported import Imported
from commentsvc.models.imported_thread import ImportedThread
from commentsvc.models.thread import Access, Thread
from commentsvc.transfer.conversion import ConvertedRow
from commentsvc.transfer.import_options import ImportOptions
from commentsvc.transfer.records import SkippedRecord, SourceArticle, SourceComment
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import Staging

# Comments per transaction. SQLite has one writer: who posts meanwhile should hardly wait.
BATCH_SIZE = {"sqlite": 50, "postgresql": 200}
MAX_KEYS = 50  # per query
ORPHANS = N_("replies to missing comments, now at the top level")
A_COPY = N_("the same comment is already here from another source")
Fingerprint = tuple[str, datetime, str]
KNOWN = select(Imported.key, Imported.comment_id, Imported.action_id).where(
    Imported.site_id == bindparam("site"),
    Imported.source == bindparam("source"),
    Imported.key.in_(bindparam("keys", expanding=True)),
)


class ImportedBefore:
    """What earlier imports brought into a site. Of a source that brought nothing, no record is looked up."""

    def __init__(self, site_id: int) -> None:
        self._site_id = site_id
        self._has_any: dict[str, bool] = {}

    def find(self, source: str, keys: list[str]) -> dict[tuple[str, str], tuple[int | None, int | None]]:
        """Return which of these keys are known: as which comments, if they are still there, and by which actions."""
        if source not in self._has_any:
            rows = exists().where(Imported.site_id == self._site_id, Imported.source == source)
            self._has_any[source] = bool(db.session.scalar(select(rows)))
        found: dict[tuple[str, str], tuple[int | None, int | None]] = {}
        for some in in_parts(keys, MAX_KEYS) if self._has_any[source] else ():
            values = {"site": self._site_id, "source": source, "keys": some}
            found |= {(source, key): (number, by) for key, number, by in db.session.execute(KNOWN, values)}
        return found


@dataclass(frozen=True, slots=True)
class NewRow:
    """A record, the values of its row and its further key. ``original`` is its text if more than layout was lost."""

    record: SourceComment
    values: dict[str, Any]
    cross_id: str
    original: str = ""


@dataclass(frozen=True)
class Part:
    """Some comments of one thread, to be written together."""

    thread: "ThreadImport"
    rows: list[NewRow]


@dataclass
class ThreadImport:
    """Finds what is new in one thread. ``place`` is its key and its address; ``keys`` are those of all threads."""

    staging: Staging
    site_id: int
    action_id: int | None
    options: ImportOptions
    report: Report
    place: str
    keys: set[str]
    before: ImportedBefore
    used_cross_ids: set[str]  # the further keys that are taken already, here or in another thread
    ids: dict[str, int] = field(default_factory=dict)  # of rows here, by their ids in the file
    roots: dict[int, int] = field(default_factory=dict)
    thread_id: int | None = None  # if it is there
    pages: list[SourceArticle] = field(default_factory=list)
    records: list[SourceComment] = field(default_factory=list)
    fresh: list[SourceComment] = field(default_factory=list)  # of them, what is new
    existing: dict[Fingerprint, int] = field(default_factory=dict)  # comments from elsewhere
    written: set[str] = field(default_factory=set)  # before this import broke off

    @property
    def key(self) -> str:
        """The thread's key."""
        return self.place.partition("\n")[0]

    @property
    def source(self) -> str:
        """The namespace in which the source's ids are unique."""
        return self.report.source

    @property
    def cross_source(self) -> str:
        """The namespace of the further keys."""
        return f"also:{self.source.partition(':')[0]}"

    def begin(self, is_there: int | None) -> list[SourceComment]:
        """Return what is to be converted: all that is new. ``is_there`` is the id of the thread, if it exists."""
        self.thread_id = is_there
        self.pages = self.staging.pages_of(self.place)
        self.records = _parents_first(self.staging.records_of(self.place))
        is_joined = is_there is not None and not self._was_opened(is_there)
        self.report.add_thread(self.key, is_new=not is_joined)
        self.existing = self._from_elsewhere(is_there) if is_there and not self.options.keeps_copies else {}
        self.fresh = self._fresh()
        return self.fresh

    def parts(self, converted: Iterable[ConvertedRow | SkippedRecord]) -> Iterator[Part]:
        """Yield what ``begin`` returned, to be written some at a time."""
        rows, placed, most = [], set[str](), batch_size()
        for record, row in zip(self.fresh, converted, strict=True):
            if isinstance(row, SkippedRecord):
                self.staging.leave_out(row)
                continue
            # Another blog may have the same.
            cross_id = "" if record.cross_id in self.used_cross_ids else record.cross_id
            new = NewRow(record, row.values, cross_id, record.body if row.is_lossy else "")
            if not self._is_new(new):
                continue
            self.used_cross_ids.add(cross_id)
            is_orphan = bool(record.parent) and record.parent not in placed and record.parent not in self.ids
            self.report.changed[ORPHANS] += is_orphan and not record.is_placeholder
            placed.add(record.id)
            rows.append(new)
            if len(rows) >= most:
                yield Part(self, rows)
                rows = []
        if rows:
            yield Part(self, rows)

    def _is_new(self, new: NewRow) -> bool:
        """Count a row. Return False if it was written before the import broke off, or the same is here already."""
        record, is_written = new.record, new.record.id in self.written
        if record.is_placeholder:
            return not is_written
        copied = self.existing.get(_fingerprint(**new.values)) if self.existing and not is_written else None
        if copied is not None:
            self.staging.leave_out(SkippedRecord(record.location, A_COPY, record.body))
            self._map_to_existing({record.id: copied})
            return False
        self.report.taken[f"{new.values['state']} {new.values['kind']}s"] += 1
        return not is_written

    def _from_elsewhere(self, thread_id: int) -> dict[Fingerprint, int]:
        """Return the thread's comments from other sources by their fingerprints, to detect copies."""
        mine = exists().where(Imported.comment_id == Comment.id, Imported.source == self.source)
        columns = select(Comment.id, Comment.author, Comment.created_at, Comment.body_hash)
        rows = db.session.execute(columns.where(Comment.thread_id == thread_id, ~mine))
        return {_fingerprint(row.author, row.created_at, row.body_hash): row.id for row in rows}

    def place_reply(self, record: SourceComment, comment_id: int) -> tuple[int | None, int | None]:
        """Note the id that a record gets; return those of its parent and its root."""
        self.ids[record.id] = comment_id
        parent = self.ids.get(record.parent) if record.parent else None
        parent = None if parent == comment_id else parent
        root = self.roots[parent] if parent else None
        self.roots[comment_id] = root or comment_id
        return parent, root

    def refresh_parents(self, rows: Iterable[NewRow], thread_id: int) -> None:
        """Find what replies hang below now: since the last batch, it may have been moved or deleted."""
        keys = {key for new in rows if (key := new.record.parent) in self.ids}
        roots = _roots_in(thread_id, [self.ids[key] for key in keys])
        self.roots |= roots
        for key in keys:
            if self.ids[key] not in roots:
                del self.ids[key]

    def new_thread(self) -> Thread:
        """Return the thread as a new row."""
        written = [one.written for one in self.records if one.written]
        created = [page.created for page in self.pages if page.created]
        now = clock.now()
        thread = Thread(site_id=self.site_id, key=self.key, url=self.place.partition("\n")[2])
        thread.title = plain_text.crop(next((one.title for one in self.pages if one.title), ""), MAX_TITLE_LENGTH)
        thread.created_at = min([*created, *written, now])
        thread.active_at = min(max(written, default=now), now)
        if self.options.closes and any(page.is_closed for page in self.pages):
            thread.access, thread.closed_at = Access.CLOSED, now
        return thread

    @property
    def aliases(self) -> list[str]:
        """Further keys of the thread, except those that are another thread's own."""
        named = dict.fromkeys(key for page in self.pages for key in page.aliases)
        return [key for key in named if key not in self.keys]

    def _was_opened(self, thread_id: int) -> bool:
        """Return whether this import opened a thread, before it broke off."""
        return self.action_id is not None and thread_id in ImportedThread.of(self.action_id, [thread_id])

    def _fresh(self) -> list[SourceComment]:
        """Return what was not imported before, or by this import before it broke off; learn the ids of what was."""
        records = self.records
        cross_ids = [one.cross_id for one in records if one.cross_id]
        known = self.before.find(self.source, [short(one.id) for one in records])
        known |= self.before.find(_counterpart_of(self.source), cross_ids)
        self.used_cross_ids |= {key for _, key in self.before.find(self.cross_source, cross_ids)}
        fresh, here = [], dict[str, int]()
        for record in records:
            names = (self.source, short(record.id)), (_counterpart_of(self.source), record.cross_id)
            name = next((one for one in names if one in known), None)
            if name is None:
                fresh.append(record)
                continue
            comment_id, action_id = known[name]
            if action_id is not None and action_id == self.action_id:  # before it broke off
                self.written.add(record.id)
                fresh.append(record)
            else:
                self.report.already += not record.is_placeholder
            if comment_id is not None:
                here[record.id] = comment_id
        if fresh:  # which may be replies to what is here
            self._map_to_existing(here)
        return fresh

    def _map_to_existing(self, known: dict[str, int]) -> None:
        """Remember what replies hang below, unless it was moved to another thread since."""
        roots = _roots_in(self.thread_id, list(known.values()))
        self.roots |= roots
        self.ids |= {key: comment_id for key, comment_id in known.items() if comment_id in roots}


def batch_size() -> int:
    """Return how many comments are written in one transaction."""
    return BATCH_SIZE[db.engine.dialect.name]


def _roots_in(thread_id: int | None, comment_ids: list[int]) -> dict[int, int]:
    """Return the comments that are in a thread now, each with the top of its branch."""
    here = select(Comment.id, Comment.root_id).where(Comment.thread_id == thread_id)
    rows = (row for some in in_parts(comment_ids) for row in db.session.execute(here.where(Comment.id.in_(some))))
    return {number: root_id or number for number, root_id in rows}


def _parents_first(records: list[SourceComment]) -> list[SourceComment]:
    """Return records in their order, but each after the one it answers; a ring is cut where it is met."""
    by_id = {one.id: one for one in records}
    placed: dict[str, SourceComment] = {}
    for record in records:
        chain = []
        one: SourceComment | None = record
        seen = set()
        while one is not None and one.id not in placed and one.id not in seen:
            seen.add(one.id)
            chain.append(one)
            one = by_id.get(one.parent)
        for each in reversed(chain):
            placed[each.id] = each
    return list(placed.values())


def _fingerprint(author: str, created_at: datetime, body_hash: str, **_: object) -> Fingerprint:
    """Return what is the same in a comment and a copy of it that went through another system."""
    return author, created_at.replace(microsecond=0), body_hash


def short(key: str) -> str:
    """Return a source's id as it is stored."""
    return key if len(key) <= 100 else hashlib.sha256(key.encode()).hexdigest()


def _counterpart_of(source: str) -> str:
    """Return the name under which the same comments came by another route."""
    return "also:disqus" if source.startswith("wordpress:") else "also:wordpress"
