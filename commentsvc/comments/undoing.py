"""Take back what a moderator did, whatever it was: each kind of act knows what it keeps and how to give it back."""

from collections.abc import Callable
from dataclasses import dataclass

from commentsvc import clock
from commentsvc.comments import answering, editing, rearranging, sites, thread_rules
from commentsvc.errors import N_, Refusal
from commentsvc.models.act import Act
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.thread import Thread
from commentsvc.moderation import acts, bans


class NothingToUndo(Refusal):
    """What an act did is not there any more, or was decided anew."""

    status = 409
    sentence = N_("That cannot be undone any more: it was changed again since, or is gone.")


@dataclass(frozen=True)
class Undone:
    """What reads otherwise now."""

    comments: list[Comment]
    threads: list[Thread]
    site_id: int | None = None  # where any thread may
    ban: Ban | None = None  # whose comments are to be given back, a few at a time


def undo(act: Act, by: Moderator) -> Undone:
    """Give back what an act took; once, and not what was decided since; writes.

    Raises ``NothingToUndo`` where nothing of it is left.
    """
    if act.verb == "ban":  # also once more, where giving back was broken off
        return Undone([], [], ban=_lifted(act))
    if act.undone_at is not None:
        return Undone([], [])
    if not may_be_undone(act):
        raise NothingToUndo
    act.undone_at = clock.now()
    found = UNDOING[act.verb](act, by)
    if not found and act.verb != "site":  # its rules are no row that stands in a list
        raise NothingToUndo
    comments = [one for one in found if isinstance(one, Comment)]
    threads = [one for one in found if isinstance(one, Thread)] + [one.thread for one in comments]
    return Undone(comments, threads, act.site_id if act.verb in OF_MANY_THREADS else None)


def may_be_undone(act: Act) -> bool:
    """Whether there is anything to take back."""
    if act.verb == "ban":
        return act.undone_at is None or bans.has_taken(act.kept["ban"])
    return act.undone_at is None and act.verb in UNDOING


def _lifted(act: Act) -> Ban:
    ban = bans.locked(act.kept["ban"])
    if ban is None:
        raise NothingToUndo
    bans.undo(ban)
    return ban


OF_MANY_THREADS = ("site", "merge", "address", "alias")

UNDOING: dict[str, Callable[[Act, Moderator], list[Comment] | list[Thread]]] = {
    **dict.fromkeys(acts.STATES, acts.undo_decisions),
    "answer": answering.undo,
    "text": lambda act, _: editing.undo_rewriting(act),
    "move": lambda act, _: rearranging.undo_move(act),
    "merge": lambda act, _: rearranging.undo_merging(act),
    "address": lambda act, _: rearranging.undo_relocation(act),
    "alias": lambda act, _: rearranging.undo_alias(act),
    "thread": lambda act, _: thread_rules.undo_change(act),
    "pin": lambda act, _: thread_rules.undo_pinning(act),
    "site": lambda act, _: sites.undo_change(act),
}
