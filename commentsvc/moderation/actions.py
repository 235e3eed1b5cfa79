"""What moderators do, to one comment or to many: each action is one step, in the log and when it is undone."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import decisions

# The verbs about states, in the words of their addresses.
STATES = {"approval": State.APPROVED, "hold": State.PENDING, "spam": State.SPAM, "trash": State.TRASHED}
FINAL = ("erasure", "erased", "removal")  # what cannot be undone
OFFERED = timedelta(hours=1)  # how long undoing is offered unasked; the log offers it for ever


def begin(
    verb: str,
    by: Moderator,
    *,
    site: Site | int | None = None,
    thread: Thread | None = None,
    comment: Comment | None = None,
    count: int = 1,
    undo_data: dict[str, Any] | None = None,
) -> ModeratorAction:
    """An action, to be taken back by what is ``undo_data``; writes."""
    site_id = site.id if isinstance(site, Site) else site
    action = ModeratorAction(moderator_id=by.id, verb=verb, site_id=site_id, count=count, undo_data=undo_data or {})
    action.thread_id = thread.id if thread else None
    action.comment_id = comment.id if comment else None
    db.session.add(action)
    db.session.flush()
    return action


def decide(comments: Sequence[Comment], verb: str, by: Moderator, of: ModeratorAction | None = None) -> ModeratorAction:
    """Give comments the state of ``verb``, as one action, or as part ``of`` one; writes.

    Those that have the state already count, but change nothing.
    """
    action = of or _record_about(comments, verb, by)
    for comment in comments:
        decisions.decide(comment, STATES[verb], by, action=action)
    return action


def locked(action_id: int) -> ModeratorAction | None:
    """An action as it is now; nobody else undoes it before this transaction ends."""
    return db.session.get(ModeratorAction, action_id, with_for_update={"of": ModeratorAction}, populate_existing=True)


def _record_about(comments: Sequence[Comment], verb: str, by: Moderator) -> ModeratorAction:
    sites = {comment.thread.site_id for comment in comments}
    site = sites.pop() if len(sites) == 1 else None
    only = comments[0] if len(comments) == 1 else None
    return begin(verb, by, site=site, comment=only, count=len(comments))


def undo_decisions(action: ModeratorAction, by: Moderator) -> list[Comment]:
    """Give the comments back the states they had, but those that were decided about since; writes."""
    return decisions.give_back(decisions.in_effect(Decision.action_id == action.id), by)


def is_within(action: ModeratorAction, who: Moderator) -> bool:
    """Whether all that an action was about is theirs to decide; of several sites, only who did it undoes it."""
    if action.site_id is not None or who.is_owner:
        return who.moderates(action.site_id)
    if action.moderator_id != who.id:
        return False
    of_act = select(Decision.id).where(Decision.action_id == action.id)
    theirs = Decision.comment.has(who.may_see(Comment.site_id))
    foreign = db.session.scalar(of_act.where(~theirs).limit(1))
    return foreign is None and db.session.scalar(of_act.limit(1)) is not None


def last_of(who: Moderator) -> ModeratorAction | None:
    """What a moderator did last and has not undone, if that was not long ago."""
    theirs = select(ModeratorAction).where(
        ModeratorAction.moderator_id == who.id, ModeratorAction.undone_at.is_(None), ModeratorAction.verb.not_in(FINAL)
    )
    last = db.session.scalar(theirs.order_by(ModeratorAction.id.desc()).limit(1))
    return last if last and last.created_at > clock.now() - OFFERED else None
