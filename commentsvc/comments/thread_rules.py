"""A thread's own rules: whether it is open, whose comments wait, who must solve a challenge, what stands first."""

from typing import Any

from commentsvc import clock
from commentsvc.db import db
from commentsvc.errors import N_, Refusal
from commentsvc.models.act import Act
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import acts, decisions

RULES = ("title", "access", "captcha", "moderation", "close_after_days")


class NotShown(Refusal):
    """Only what readers see may stand first."""

    status = 409
    sentence = N_("Only a comment that readers see can be pinned. Please approve it first.")


def change(thread: Thread, values: dict[str, Any], by: Moderator) -> Act:
    """Give a thread other values of ``RULES``; writes."""
    kept = {name: getattr(thread, name) for name in RULES}
    _apply(thread, values)
    return acts.begin("thread", by, site=thread.site_id, thread=thread, kept=kept)


def undo_change(act: Act) -> list[Thread]:
    """Give a thread back the rules it had; writes."""
    if act.thread is None:
        return []
    _apply(act.thread, act.kept)
    return [act.thread]


def pin(thread: Thread, comment: Comment | None, by: Moderator) -> Act:
    """Let a comment stand first, or none; writes; raises ``NotShown``."""
    if comment is not None and not (comment.is_visible and comment.in_talk and comment.thread_id == thread.id):
        raise NotShown
    kept = {"pinned_id": thread.pinned_id}
    _pin(thread, comment.id if comment else None)
    return acts.begin("pin", by, site=thread.site_id, thread=thread, comment=comment, kept=kept)


def undo_pinning(act: Act) -> list[Thread]:
    """Let stand first what stood there before; writes."""
    if act.thread is None:
        return []
    _pin(act.thread, act.kept["pinned_id"])
    return [act.thread]


def _pin(thread: Thread, number: int | None) -> None:
    thread.pinned_id = number
    db.session.flush()
    decisions.show_anew(thread.id)


def _apply(thread: Thread, values: dict[str, Any]) -> None:
    was_open = thread.access == Access.OPEN
    for name, value in values.items():
        setattr(thread, name, value)
    if was_open and thread.access != Access.OPEN:
        thread.closed_at = clock.now()
    db.session.flush()
    decisions.show_anew(thread.id)
