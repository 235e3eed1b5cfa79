"""A thread's own rules: access, moderation, captcha, closing, and the pinned comment."""

from datetime import datetime
from typing import Any

from commentsvc import clock, content_versions
from commentsvc.db import db
from commentsvc.errors import N_, Refusal
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import actions

RULES = ("title", "access", "captcha", "moderation", "close_after_days")  # of a thread


class NotShown(Refusal):
    """Only a visible comment can be pinned."""

    status = 409
    sentence = N_("Only a published comment can be pinned. Please approve it first.")


def change(thread: Thread, values: dict[str, Any], by: Moderator) -> ModeratorAction | None:
    """Change a thread's ``RULES``, as an action; None if nothing differs."""
    undo_data = {name: getattr(thread, name) for name, value in values.items() if getattr(thread, name) != value}
    if not undo_data:
        return None
    if "access" in undo_data:
        undo_data["closed_at"] = thread.closed_at.isoformat() if thread.closed_at else None
        thread.closed_at = clock.now() if values["access"] != Access.OPEN else None
    _apply(thread, values)
    left = {name: getattr(thread, name) for name in undo_data if name in RULES}
    return actions.record(
        Verb.THREAD, by, site=thread.site_id, thread=thread, undo_data={"before": undo_data, "left": left}
    )


def undo_change(action: ModeratorAction) -> list[Thread]:
    """Restore the rules, except those that were changed again since."""
    thread, before, left = action.thread, dict(action.undo_data["before"]), action.undo_data["left"]
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


def pin(thread: Thread, comment: Comment | None, by: Moderator) -> ModeratorAction:
    """Pin a comment, or none; raises ``NotShown``."""
    if comment is not None and not (comment.is_visible and comment.is_discussion and comment.thread_id == thread.id):
        raise NotShown
    undo_data = {"before": thread.pinned_id, "left": comment.id if comment else None}
    _pin(thread, comment.id if comment else None)
    return actions.record(Verb.PIN, by, site=thread.site_id, thread=thread, comment=comment, undo_data=undo_data)


def undo_pinning(action: ModeratorAction) -> list[Thread]:
    """Restore what was pinned before."""
    if action.thread is None or action.thread.pinned_id != action.undo_data["left"]:
        return []
    _pin(action.thread, action.undo_data["before"])
    return [action.thread]


def _pin(thread: Thread, comment_id: int | None) -> None:
    thread.pinned_id = comment_id
    db.session.flush()
    content_versions.bump_thread(thread)


def _apply(thread: Thread, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(thread, name, value)
    db.session.flush()
    content_versions.bump_thread(thread)
