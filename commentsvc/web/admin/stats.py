"""Statistics of the last days: comments, pending, spam, challenges, time to approval, emails."""

from flask import Blueprint, render_template

from commentsvc.models.daily_count import Event
from commentsvc.moderation import queue, stats
from commentsvc.web import charts
from commentsvc.web.admin import session
from commentsvc.web.charts import Line
from commentsvc.web.options import int_arg

blueprint = Blueprint("stats", __name__, url_prefix="/admin/stats")
session.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """Show charts on one time axis, each with a table."""
    who, span = session.current_moderator(), int_arg("days") or stats.SPANS[1]
    site = int_arg("site")
    chosen = site if site and who.moderates(site) else None
    days = stats.read(who, chosen, span if span in stats.SPANS else stats.SPANS[1])
    counts = days.counts
    return render_template(
        "admin/stats.html",
        days=days,
        drawn={
            "comments": charts.bars(
                days.days, [Line("written", counts[Event.POSTED]), Line("waited", counts[Event.HELD])]
            ),
            "spam": charts.bars(days.days, [Line("spam", counts[Event.SPAM])]),
            "challenges": charts.bars(
                days.days, [Line("solved", counts[Event.SOLVED]), Line("failed", counts[Event.FAILED])], is_stacked=True
            ),
            "hours": charts.points(days.days, Line("hours", days.hours)),
            "emails": charts.bars(
                days.days,
                [Line("sent", counts[Event.EMAIL_SENT]), Line("failed", counts[Event.EMAIL_FAILED])],
                is_stacked=True,
            ),
        },
        span=len(days.days) * days.step,
        spans=stats.SPANS,
        site=chosen,
        sites=queue.waiting_by_site(who),
        events=Event,
        waits=queue.waiting(who),
    )
