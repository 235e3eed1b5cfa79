"""The log: what people did, undone from here, and every decision about a comment."""

from flask import Blueprint, render_template, request

from commentsvc.comments import undoing
from commentsvc.errors import N_
from commentsvc.moderation import audit_log
from commentsvc.sites.rules import RULES, Group
from commentsvc.sites.sites import FEED_FIELD
from commentsvc.web.admin import session
from commentsvc.web.options import int_arg

LABELS = {rule.name: (rule.group, rule.label) for rule in RULES}
LABELS |= {"origins": (Group.BLOG, N_("Site addresses")), FEED_FIELD: (Group.BLOG, N_("Feed"))}

blueprint = Blueprint("log", __name__, url_prefix="/admin")
session.guard(blueprint)


@blueprint.get("/log")
def show() -> str:
    """Show actions, newest first; with ``?of=decisions``, decisions, those by rules too."""
    who, before = session.current_moderator(), int_arg("before")
    of_decisions = request.args.get("of") == "decisions"
    actions = [] if of_decisions else audit_log.actions(who, before)
    return render_template(
        "admin/log.html",
        actions=actions,
        bans=audit_log.bans_of(actions),
        decisions=audit_log.decisions(who, before) if of_decisions else [],
        of_decisions=of_decisions,
        may_be_undone=lambda action: undoing.is_allowed(action, who) and undoing.may_be_undone(action),
        labels=LABELS,
        full=audit_log.PAGE_SIZE,
    )
