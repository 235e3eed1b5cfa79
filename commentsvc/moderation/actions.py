"""Record and carry out what people do, from the admin pages, a mailed link, an email or the command line.

Each action is one entry of the log, however many comments it is about, and is undone as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict

from sqlalchemy import select

from commentsvc import clock, i18n
from commentsvc.db import db
from commentsvc.errors import N_, ChangedMeanwhile, DecidedMeanwhile, Withdrawn
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import Actor, ModeratorAction, Verb
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import decisions

VERBS = {
    State.APPROVED: Verb.APPROVAL,
    State.PENDING: Verb.HOLD,
    State.SPAM: Verb.SPAM,
    State.TRASHED: Verb.TRASH,
}
STATES = {verb: state for state, verb in VERBS.items()}
STATE_NAMES = {
    State.PENDING: N_("Pending"),
    State.APPROVED: N_("Approved"),
    State.SPAM: N_("Spam"),
    State.TRASHED: N_("Trash"),
}
OFFERED = timedelta(hours=1)  # for how long undo is offered right away; the log offers it for ever


@dataclass(frozen=True)
class SiteMailbox:
    """Whoever reads the site's own mailbox. They decide by email and mailed links, and sign in nowhere."""


@dataclass(frozen=True)
class Operator:
    """Whoever types commands on the server."""


Person = Moderator | SiteMailbox | Operator


def record(
    verb: Verb,
    by: Person,
    *,
    site: Site | int | None = None,
    thread: Thread | None = None,
    comment: Comment | None = None,
    count: int = 1,
    undo_data: dict[str, Any] | None = None,
) -> ModeratorAction:
    """Log an action; ``undo_data`` is what its undo needs."""
    action = ModeratorAction(
        actor=_actor(by),
        moderator_id=by.id if isinstance(by, Moderator) else None,
        verb=verb,
        site_id=site.id if isinstance(site, Site) else site,
        thread_id=thread.id if thread else None,
        comment_id=comment.id if comment else None,
        count=count,
        undo_data=undo_data or {},
    )
    db.session.add(action)
    db.session.flush()
    return action


def moderate(
    comments: Sequence[Comment], state: State, by: Person, of: ModeratorAction | None = None
) -> ModeratorAction:
    """Give comments a state, as one action or as part ``of`` one.

    Comments that have the state already are counted but not changed.
    """
    action = of or _record_about(comments, VERBS[state], by)
    for comment in comments:
        decide(comment, state, by, action)
    return action


def check_unchanged(comment: Comment, seen_version: str, state: State, by: Person) -> None:
    """Raise if somebody would give ``comment`` a state without knowing what has changed since they saw it.

    Raises:
        ChangedMeanwhile: the text has changed.
        DecidedMeanwhile: somebody else has given it another state.
        Withdrawn: its author deleted it.
    """
    _check_not_withdrawn(comment, state)
    seen_state, _, seen_text = seen_version.partition(" ")
    if seen_text != comment.text_version:
        raise ChangedMeanwhile
    if comment.state in (seen_state, state):
        return
    last = decisions.last_of(comment)
    if last is None or not is_by(last, by):
        raise DecidedMeanwhile(state=state_name(comment.state))


def state_name(state: str) -> str:
    """Return what moderators call a state, in the current language."""
    return i18n.gettext(STATE_NAMES[State(state)])


def decide(comment: Comment, state: State, by: Person, action: ModeratorAction) -> None:
    """Give one comment a state as part of ``action``; raises ``Withdrawn`` if its author deleted it."""
    _check_not_withdrawn(comment, state)
    decisions.decide(comment, state, action=action, **_signature(by))


def undo(comment: Comment, state: State, by: Person) -> None:
    """Give one comment back the state that it had."""
    decisions.undo(comment, state, **_signature(by))


def undo_decisions(action: ModeratorAction, by: Person) -> list[Comment]:
    """Give the comments back the states they had, except those that were decided about since."""
    return decisions.restore_states(decisions.in_effect(Decision.action_id == action.id), **_signature(by))


def is_within(action: ModeratorAction, who: Moderator) -> bool:
    """Return whether somebody may undo an action: it was about their sites only, or, across sites, was their own."""
    if action.site_id is not None or who.is_owner:
        return who.moderates(action.site_id)
    if action.moderator_id != who.id:
        return False
    of_action = select(Decision.id).where(Decision.action_id == action.id)
    theirs = Decision.comment.has(who.may_see(Comment.site_id))
    foreign = db.session.scalar(of_action.where(~theirs).limit(1))
    return foreign is None and db.session.scalar(of_action.limit(1)) is not None


def shown_to(who: Moderator, action_id: int | None) -> ModeratorAction | None:
    """Return an action, if ``who`` may know of it."""
    action = db.session.get(ModeratorAction, action_id) if action_id else None
    return action if action and is_within(action, who) else None


def last_of(who: Moderator) -> ModeratorAction | None:
    """Return what a moderator did last and has not undone, unless that was long ago."""
    theirs = select(ModeratorAction).where(
        ModeratorAction.moderator_id == who.id,
        ModeratorAction.undone_at.is_(None),
        ModeratorAction.verb.in_([verb for verb in Verb if verb.can_be_undone]),
    )
    last = db.session.scalar(theirs.order_by(ModeratorAction.id.desc()).limit(1))
    return last if last and last.created_at > clock.now() - OFFERED else None


def is_by(decision: Decision, person: Person) -> bool:
    """Return whether this person decided."""
    return decision.moderator_id == person.id if isinstance(person, Moderator) else decision.is_by_mailbox


def _check_not_withdrawn(comment: Comment, state: State) -> None:
    if comment.is_withdrawn and state != State.TRASHED:
        raise Withdrawn


class _Signature(TypedDict):
    by: Moderator | None
    is_by_mailbox: bool


def _signature(by: Person) -> _Signature:
    return {"by": by if isinstance(by, Moderator) else None, "is_by_mailbox": isinstance(by, SiteMailbox)}


def _actor(by: Person) -> Actor:
    if isinstance(by, Moderator):
        return Actor.MODERATOR
    return Actor.SITE_MAILBOX if isinstance(by, SiteMailbox) else Actor.OPERATOR


def _record_about(comments: Sequence[Comment], verb: Verb, by: Person) -> ModeratorAction:
    sites = {comment.thread.site_id for comment in comments}
    site = sites.pop() if len(sites) == 1 else None
    only = comments[0] if len(comments) == 1 else None
    return record(verb, by, site=site, comment=only, count=len(comments))
