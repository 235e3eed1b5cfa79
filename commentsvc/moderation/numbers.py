"""What happened on each of the last days, as it was counted when it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.moderator import Moderator
from commentsvc.models.tally import EVERYWHERE, Event, Tally

SPANS = (14, 30, 90, 365)  # days


@dataclass(frozen=True)
class Days:
    """Values of each day, oldest first; ``hours`` are means of what was waited for an approval, None without one."""

    days: list[date]
    counts: Mapping[Event, list[int]]
    hours: list[float | None]

    def total(self, event: Event) -> int:
        """The sum over all days."""
        return sum(self.counts[event])


def read(who: Moderator, site: int | None, span: int) -> Days:
    """The last ``span`` days, today included, of a site or of all that a moderator sees; letters of all."""
    today = clock.now().date()
    days = [today - timedelta(days=back) for back in range(span - 1, -1, -1)]
    rows = select(Tally.day, Tally.event, func.sum(Tally.count), func.sum(Tally.seconds)).where(Tally.day >= days[0])
    theirs = who.may_see(Tally.site_id) if site is None else Tally.site_id == site
    rows = rows.where(theirs | (Tally.site_id == EVERYWHERE)).group_by(Tally.day, Tally.event)
    found = {(day, event): (count, seconds) for day, event, count, seconds in db.session.execute(rows)}
    counts = {event: [int(found.get((day, event), (0, 0))[0]) for day in days] for event in Event}
    waited = [found.get((day, Event.APPROVED)) for day in days]
    return Days(days, counts, [float(sums[1]) / float(sums[0]) / 3600 if sums and sums[0] else None for sums in waited])
