"""Counters of events per day, so that no page has to count a million rows."""

from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base, db, upsert
from commentsvc.prepared import Prepared

EVERYWHERE = 0  # instead of a site's id, for events without a site


class Event(StrEnum):
    """What is counted."""

    POSTED = "posted"
    HELD = "held"
    SPAM = "spam"  # put aside before anybody saw it
    APPROVED = "approved"  # by a moderator, with the seconds of waiting
    SOLVED = "solved"  # a challenge
    FAILED = "failed"  # a challenge
    EMAIL_SENT = "email-sent"
    EMAIL_FAILED = "email-failed"  # a try in vain


class DailyCount(Base):
    """``seconds`` is the total waiting time, for events that have one. Days are in UTC."""

    __tablename__ = "daily_count"

    day: Mapped[date] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[Event] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[int] = mapped_column(BigInteger, default=0)

    @classmethod
    def add(
        cls, event: Event, site_id: int = EVERYWHERE, seconds: float = 0, *, count: int = 1, day: date | None = None
    ) -> None:
        """Count one more event, today or on another day; with a ``count`` of -1, one less."""
        row = {"day": day or clock.now().date(), "site_id": site_id, "event": event}
        added = {"count": count, "seconds": int(seconds)}
        _addition(db.engine.dialect.name).execute_later(
            row | added | {f"more_{name}": value for name, value in added.items()}
        )


@cache
def _addition(dialect: str) -> Prepared:
    row: dict[str, Any] = {name: bindparam(name) for name in ("day", "site_id", "event", "count", "seconds")}
    more = {name: getattr(DailyCount, name) + bindparam(f"more_{name}") for name in ("count", "seconds")}
    return Prepared(lambda: upsert(dialect, DailyCount, row, more))
