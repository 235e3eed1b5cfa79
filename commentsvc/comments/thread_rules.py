"""A thread's own rules: whether it is open, whose comments wait, who must solve a challenge, what stands first."""

from datetime import datetime
from typing import Any

from commentsvc import clock
from commentsvc.db import db
from commentsvc.errors import N_, Refusal
from commentsvc.models.act import Act
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import acts, decisions

RULES = ("title", "access", "captcha", "moderation", "close_after_days")  # of a thread


class NotShown(Refusal):
    """Only what readers see may stand first."""

    status = 409
    sentence = N_("Only a comment that readers see can be pinned. Please approve it first.")


def change(thread: Thread, values: dict[str, Any], by: Moderator) -> Act | None:
    """Give a thread other values of ``RULES``; None where nothing is otherwise; writes."""
    kept = {name: getattr(thread, name) for name, value in values.items() if getattr(thread, name) != value}
    if not kept:
        return None
    if "access" in kept:
        kept["closed_at"] = thread.closed_at.isoformat() if thread.closed_at else None
        thread.closed_at = clock.now() if values["access"] != Access.OPEN else None
    _apply(thread, values)
    left = {name: getattr(thread, name) for name in kept if name in RULES}
    return acts.begin("thread", by, site=thread.site_id, thread=thread, kept={"before": kept, "left": left})


def undo_change(act: Act) -> list[Thread]:
    """Give a thread back the rules it had, but those that were changed since; writes."""
    thread, before, left = act.thread, dict(act.kept["before"]), act.kept["left"]
    if thread is None:
        return []
    closed_at = before.pop("closed_at", None)
    values = {name: value for name, value in before.items() if getattr(thread, name) == left[name]}
    if not values:
        return []
    if "access" in values:
        values["closed_at"] = datetime.fromisoformat(closed_at) if closed_at else None
    _apply(thread, values)
    return [thread]


def pin(thread: Thread, comment: Comment | None, by: Moderator) -> Act:
    """Let a comment stand first, or none; writes; raises ``NotShown``."""
    if comment is not None and not (comment.is_visible and comment.in_talk and comment.thread_id == thread.id):
        raise NotShown
    kept = {"before": thread.pinned_id, "left": comment.id if comment else None}
    _pin(thread, comment.id if comment else None)
    return acts.begin("pin", by, site=thread.site_id, thread=thread, comment=comment, kept=kept)


def undo_pinning(act: Act) -> list[Thread]:
    """Let stand first what stood there before; writes."""
    if act.thread is None or act.thread.pinned_id != act.kept["left"]:
        return []
    _pin(act.thread, act.kept["before"])
    return [act.thread]


def _pin(thread: Thread, number: int | None) -> None:
    thread.pinned_id = number
    db.session.flush()
    decisions.show_anew(thread.id)


def _apply(thread: Thread, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(thread, name, value)
    db.session.flush()
    decisions.show_anew(thread.id)
