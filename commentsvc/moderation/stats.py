"""Statistics of the last days, from counters kept as things happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.daily_count import EVERYWHERE, DailyCount, Event
from commentsvc.models.moderator import Moderator

SPANS = (14, 30, 90, 364)  # days
WEEK = 7
BY_WEEK = 100  # longer spans are told by week


@dataclass(frozen=True)
class Days:
    """Values per day or week, oldest first. ``days`` are their first days, ``step`` the number of days in each.

    ``hours`` are mean waiting times until approval, None if there was none.
    """

    days: list[date]
    step: int
    counts: Mapping[str, list[int]]
    hours: list[float | None]

    def total(self, event: Event) -> int:
        """The sum over all days."""
        return sum(self.counts[event])


def read(who: Moderator, site: int | None, span: int) -> Days:
    """Return the last ``span`` days including today, of one site or all a moderator sees; emails are of all sites."""
    today = clock.now().date()
    first = today - timedelta(days=span - 1)
    step = WEEK if span > BY_WEEK else 1
    theirs = who.may_see(DailyCount.site_id) if site is None else DailyCount.site_id == site
    rows = select(DailyCount.day, DailyCount.event, func.sum(DailyCount.count), func.sum(DailyCount.seconds))
    rows = rows.where(DailyCount.day.between(first, today), theirs | (DailyCount.site_id == EVERYWHERE))
    counts: dict[str, list[int]] = {event: [0] * (span // step) for event in Event}
    waited = [0] * (span // step)
    for day, event, count, seconds in db.session.execute(rows.group_by(DailyCount.day, DailyCount.event)):
        place = (day - first).days // step
        counts[event][place] += int(count)
        waited[place] += int(seconds)
    hours = [time / count / 3600 if count else None for time, count in zip(waited, counts[Event.APPROVED], strict=True)]
    return Days([first + timedelta(days=step * place) for place in range(span // step)], step, counts, hours)
