"""Undo an action of a moderator. Each verb has its own undo function."""

from collections.abc import Callable
from dataclasses import dataclass

from commentsvc import clock
from commentsvc.comments import editing, import_undo, replying
from commentsvc.db import db
from commentsvc.errors import N_, Refusal
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.thread import Thread
from commentsvc.moderation import actions, bans, decisions
from commentsvc.moderation.actions import Person, SiteMailbox
from commentsvc.sites import sites
from commentsvc.threads import moving
from commentsvc.threads import rules as thread_rules


class NothingToUndo(Refusal):
    """What the action changed is gone, or was changed again."""

    status = 409
    sentence = N_("This can no longer be undone: it has been changed again or deleted since.")


@dataclass(frozen=True)
class Undone:
    """The comments that changed, and the ban whose comments are still to be restored, in batches."""

    comments: list[Comment]
    ban: Ban | None = None


def undo(action: ModeratorAction, by: Person) -> Undone:
    """Undo an action, once, except what was decided about since.

    Raises:
        NothingToUndo: nothing is left to undo.
    """
    if action.verb == Verb.BAN:  # may be repeated, if restoring was interrupted
        return Undone([], _lifted(action))
    if action.undone_at is not None:
        return Undone([])
    if not may_be_undone(action):
        raise NothingToUndo
    action.undone_at = clock.now()
    if action.verb == Verb.IMPORT:  # a job takes it back
        return Undone([])
    changed = UNDOING[action.verb](action, by)
    if not changed and action.verb != Verb.SITE:  # its rules are no row of a list
        raise NothingToUndo
    return Undone([one for one in changed if isinstance(one, Comment)])


def undo_last(comment: Comment, state: State, by: Moderator | SiteMailbox) -> None:
    """Undo that somebody gave this comment alone a state.

    Raises:
        NothingToUndo: they did not, or somebody decided since.
    """
    last = decisions.last_of(comment)
    action = last.action if last else None
    if last is None or action is None or (last.after, action.comment_id) != (state, comment.id):
        raise NothingToUndo
    if not actions.is_by(last, by):
        raise NothingToUndo
    undo(action, by)


def may_be_undone(action: ModeratorAction) -> bool:
    """Return whether there is anything to undo."""
    if action.verb == Verb.BAN:
        return action.undone_at is None or bans.has_trashed(action.undo_data["ban"])
    if action.verb == Verb.IMPORT:
        return action.undone_at is None and import_undo.has_rows_to_revert(action)
    return action.undone_at is None and action.verb in UNDOING


def is_allowed(action: ModeratorAction, who: Moderator) -> bool:
    """Return whether somebody may undo an action, if there is anything to undo. Rules of a blog are for owners."""
    return who.is_owner if action.verb == Verb.SITE else actions.is_within(action, who)


def _lifted(action: ModeratorAction) -> Ban:
    ban = db.locked(Ban, action.undo_data["ban"])
    if ban is None:
        raise NothingToUndo
    bans.undo(ban)
    return ban


UNDOING: dict[Verb, Callable[[ModeratorAction, Person], list[Comment] | list[Thread]]] = {
    **dict.fromkeys(actions.STATES, actions.undo_decisions),
    Verb.REPLY: replying.undo,
    Verb.TEXT: lambda action, _: editing.undo_rewriting(action),
    Verb.MOVE: lambda action, _: moving.undo_move(action),
    Verb.MERGE: lambda action, _: moving.undo_merging(action),
    Verb.ADDRESS: lambda action, _: moving.undo_relocation(action),
    Verb.ALIAS: lambda action, _: moving.undo_alias(action),
    Verb.THREAD: lambda action, _: thread_rules.undo_change(action),
    Verb.PIN: lambda action, _: thread_rules.undo_pinning(action),
    Verb.SITE: lambda action, _: sites.undo_change(action),
}
