"""Take back what a moderator did, whatever it was: each kind of action knows what it keeps and how to give it back."""

from collections.abc import Callable
from dataclasses import dataclass

from commentsvc import clock
from commentsvc.comments import answering, editing, rearranging, sites, thread_rules
from commentsvc.errors import N_, Refusal
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.thread import Thread
from commentsvc.moderation import actions, bans


class NothingToUndo(Refusal):
    """What an action did is not there any more, or was decided anew."""

    status = 409
    sentence = N_("That cannot be undone any more: it was changed again since, or is gone.")


@dataclass(frozen=True)
class Undone:
    """What reads otherwise now."""

    comments: list[Comment]
    threads: list[Thread]
    site_id: int | None = None  # where any thread may
    ban: Ban | None = None  # whose comments are to be given back, a few at a time


def undo(action: ModeratorAction, by: Moderator) -> Undone:
    """Give back what an action took; once, and not what was decided since; writes.

    Raises ``NothingToUndo`` where nothing of it is left.
    """
    if action.verb == "ban":  # also once more, where giving back was broken off
        return Undone([], [], ban=_lifted(action))
    if action.undone_at is not None:
        return Undone([], [])
    if not may_be_undone(action):
        raise NothingToUndo
    action.undone_at = clock.now()
    found = UNDOING[action.verb](action, by)
    if not found and action.verb != "site":  # its rules are no row that stands in a list
        raise NothingToUndo
    comments = [one for one in found if isinstance(one, Comment)]
    threads = [one for one in found if isinstance(one, Thread)] + [one.thread for one in comments]
    return Undone(comments, threads, action.site_id if action.verb in OF_MANY_THREADS else None)


def may_be_undone(action: ModeratorAction) -> bool:
    """Whether there is anything to take back."""
    if action.verb == "ban":
        return action.undone_at is None or bans.has_taken(action.undo_data["ban"])
    return action.undone_at is None and action.verb in UNDOING


def _lifted(action: ModeratorAction) -> Ban:
    ban = bans.locked(action.undo_data["ban"])
    if ban is None:
        raise NothingToUndo
    bans.undo(ban)
    return ban


OF_MANY_THREADS = ("site", "merge", "address", "alias")

UNDOING: dict[str, Callable[[ModeratorAction, Moderator], list[Comment] | list[Thread]]] = {
    **dict.fromkeys(actions.STATES, actions.undo_decisions),
    "answer": answering.undo,
    "text": lambda action, _: editing.undo_rewriting(action),
    "move": lambda action, _: rearranging.undo_move(action),
    "merge": lambda action, _: rearranging.undo_merging(action),
    "address": lambda action, _: rearranging.undo_relocation(action),
    "alias": lambda action, _: rearranging.undo_alias(action),
    "thread": lambda action, _: thread_rules.undo_change(action),
    "pin": lambda action, _: thread_rules.undo_pinning(action),
    "site": lambda action, _: sites.undo_change(action),
}
