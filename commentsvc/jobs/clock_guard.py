"""Pause deletion by age while the clock looks wrong: with a clock that is a year ahead, everything is old.

It looks wrong if nothing at all happened for a week. The operator then has a day to notice.
"""

import logging
import time
from datetime import datetime, timedelta

from sqlalchemy import select

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.backup import Backup
from commentsvc.models.comment import Comment
from commentsvc.models.email import Email

SILENCE = timedelta(days=7)
GRACE = timedelta(days=1)  # of monotonic time

log = logging.getLogger(__name__)


class ClockGuard:
    """Remembers since when the clock is in doubt."""

    def __init__(self) -> None:
        self._doubted_at: float | None = None

    def pauses_deletion(self) -> bool:
        """Return whether nothing should be deleted for now, as the clock may be wrong."""
        newest = _newest()
        is_gap = newest is not None and clock.now() - newest > SILENCE
        if newest is not None and is_gap and self._doubted_at is None:
            self._doubted_at = time.monotonic()
            today, known = f"{clock.now():%Y-%m-%d}", f"{newest:%Y-%m-%d}"
            log.warning("nothing old is deleted for a day: it is %s, but the last thing happened on %s", today, known)
        rests = self._doubted_at is not None and time.monotonic() - self._doubted_at <= GRACE.total_seconds()
        if not is_gap and not rests:
            self._doubted_at = None
        return rests


def _newest() -> datetime | None:
    """Return when the last comment was written, the last email enqueued or the last backup begun."""
    moments = (
        db.session.scalar(select(Comment.created_at).order_by(Comment.id.desc()).limit(1)),
        db.session.scalar(select(Email.created_at).order_by(Email.id.desc()).limit(1)),
        db.session.scalar(select(Backup.began_at).order_by(Backup.id.desc()).limit(1)),
    )
    return max((one for one in moments if one is not None), default=None)
