"""Rows that wait for a job, claimed with a lease, so that any number of processes may run and one may die."""

import threading
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ColumnElement, and_, event, exists, or_, select, true, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commentsvc import clock
from commentsvc.db import Base, db

MAX_LEASE = timedelta(days=1)  # a longer one was given while the clock was ahead
QUEUED = "queued"

new_work = threading.Event()  # set when this process commits a row that is due
_leases: "dict[tuple[type[Leased], int], datetime]" = {}  # of this process, with their ends
_lock = threading.Lock()


class Leased(Base):
    """``due_at`` is the next attempt; until ``leased_until`` somebody works on it."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=clock.now)
    leased_until: Mapped[datetime | None]

    def postpone(self, first_gap: timedelta, most_tries: int) -> bool:
        """Count a failed attempt and wait, four times as long each time; return False if that was the last one."""
        self.tries += 1
        self.leased_until = None
        self.due_at = clock.now()
        if self.tries >= most_tries:
            return False
        self.due_at += first_gap * 4 ** (self.tries - 1)
        return True

    def requeue(self) -> None:
        """Queue it again, as if it were new. A job that works on it sees that its lease is gone."""
        self.state, self.tries, self.due_at, self.leased_until = QUEUED, 0, clock.now(), None

    @classmethod
    def waits_for_worker(cls) -> ColumnElement[bool]:
        """Which rows are claimed once they are due."""
        return cls.state == QUEUED

    @classmethod
    def is_due(cls) -> ColumnElement[bool]:
        """Which rows may be claimed now."""
        now = clock.now()
        is_over = or_(cls.leased_until < now, cls.leased_until > now + MAX_LEASE)
        return and_(cls.waits_for_worker(), cls.due_at <= now, or_(cls.leased_until.is_(None), is_over))

    @classmethod
    def any_due(cls) -> ColumnElement[bool]:
        """Whether there is any such row."""
        return exists(select(cls.id).where(cls.is_due()))

    @classmethod
    def claim(cls, limit: int, lease: timedelta, *, but_not: ColumnElement[bool] | None = None) -> list[Self]:
        """Lease at most ``limit`` rows that are due. An expired lease counts as a failed attempt."""
        now = clock.now()
        due = (
            select(cls)
            .where(cls.is_due(), true() if but_not is None else ~but_not)
            .order_by(cls.due_at, cls.id)
            .limit(limit)
            .with_for_update(of=cls, skip_locked=True)
        )
        rows = list(db.session.scalars(due))
        for row in rows:
            row.tries += row.leased_until is not None
            row.leased_until = now + lease
            note_lease(cls, row.id, row.leased_until)
        return rows


@event.listens_for(Session, "after_flush")
def _note_work(session: Session, _context: object) -> None:
    rows = (row for row in (*session.new, *session.dirty) if isinstance(row, Leased))
    if any(row.leased_until is None and row.due_at <= clock.now() for row in rows):
        db.on_commit(new_work.set)


def note_lease(table: type[Leased], row_id: int, until: datetime) -> None:
    """Note that this process has a lease, once the transaction is committed."""
    db.on_commit(_note_lease, table, row_id, until)


def _note_lease(table: type[Leased], row_id: int, until: datetime) -> None:
    with _lock:
        _leases[table, row_id] = until
        for key in [key for key, end in _leases.items() if end < clock.now()]:
            del _leases[key]


def release_leases() -> int:
    """End the leases of this process, as it stops, so that others need not wait; return how many there were."""
    given = 0
    with _lock:
        leases = list(_leases.items())
        _leases.clear()
    for (table, row_id), until in leases:
        mine = update(table).where(table.id == row_id, table.leased_until == until)
        given += db.session.execute(mine.values(leased_until=None)).rowcount  # type: ignore[attr-defined]
    return given
