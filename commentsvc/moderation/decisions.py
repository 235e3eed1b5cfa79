"""Change a comment's state: log the decision, update counts and versions, enqueue emails."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, insert, select, update

from commentsvc import clock, content_versions
from commentsvc.db import db
from commentsvc.errors import Reason
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment, State
from commentsvc.models.daily_count import DailyCount, Event
from commentsvc.models.decision import Decision, is_last
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.ping import Ping
from commentsvc.models.thread import CHANGED_BY_COMMENTS, Thread
from commentsvc.moderation import policy, training
from commentsvc.notifications import channels, fan_out
from commentsvc.prepared import Prepared

LOG_COLUMNS = ("comment_id", "site_id", "before", "after", "reasons", "is_undo", "is_by_mailbox", "created_at")
INSERT_DECISION = Prepared(lambda: insert(Decision).values({name: bindparam(name) for name in LOG_COLUMNS}).inline())


def record_first(comment: Comment) -> None:
    """Log the policy's decision about a new comment, count it, and notify subscribers."""
    _log(comment, before=None, reasons=comment.reasons)
    _count_new(comment)
    if comment.state != State.SPAM:
        channels.enqueue(comment)
    if comment.is_visible:
        _publish(comment)
    elif comment.state == State.PENDING:  # nobody needs an email about certain spam
        fan_out.notify_pending(comment)


def record_emptied(comment: Comment, reasons: Sequence[Reason] = ()) -> None:
    """Log that a comment was emptied, so that undoing an earlier decision cannot show it again."""
    _log(comment, before=comment.state, reasons=reasons)


def record_edit(comment: Comment, verdict: policy.Verdict, why: Reason = policy.REASON_EDITED) -> None:
    """Log that a comment's text has changed, and hold it if the policy would hold it now."""
    _log(comment, before=comment.state, reasons=[why])
    if not comment.is_visible:
        comment.reasons = list(verdict.reasons)
        if comment.state == State.PENDING:
            fan_out.notify_pending(comment)
    elif verdict.state != State.APPROVED:
        comment.reasons = list(verdict.reasons)
        decide(comment, verdict.state, by=None, reasons=verdict.reasons)
        if verdict.state == State.PENDING:
            fan_out.notify_pending(comment)
    else:
        content_versions.bump_thread(comment.thread)


def decide(
    comment: Comment,
    state: State,
    by: Moderator | None,
    reasons: Sequence[Reason] = (),
    *,
    ban: Ban | None = None,
    action: ModeratorAction | None = None,
    is_by_mailbox: bool = False,
) -> None:
    """Change the state of ``comment``, by a moderator, the site's mailbox, or the service itself.

    An unchanged state is not logged, except when a moderator confirms what only the score called spam: that is a
    training example.
    """
    is_by_person = by is not None or is_by_mailbox
    is_confirmed = is_by_person and comment.state == state == State.SPAM and comment.learned_as is None
    if comment.state == state and not is_confirmed:
        return
    if is_by_person:
        training.learn(comment, state)
    _change_state(
        comment,
        state,
        Decision(reasons=list(reasons), moderator=by, ban=ban, action=action, is_by_mailbox=is_by_mailbox),
    )


def undo(comment: Comment, state: State, by: Moderator | None, *, is_by_mailbox: bool = False) -> None:
    """Restore the state that ``comment`` had, and train the filter with moderators' earlier decisions only."""
    if comment.state == state:
        return
    if comment.state == State.APPROVED and state == State.PENDING:
        _uncount_approval(comment)
    if lesson := _label_before_undo(comment):
        training.learn(comment, lesson)
    else:
        training.unlearn(comment)
    undone = Decision(reasons=[policy.REASON_UNDONE], moderator=by, is_undo=True, is_by_mailbox=is_by_mailbox)
    _change_state(comment, state, undone)


def in_effect(of: ColumnElement[bool]) -> Select[int, State | None]:
    """Select state changes that no later decision replaced: the comment's id and its state before."""
    rows = select(Decision.comment_id, Decision.before).where(of, Decision.before.is_not(None), is_last())
    return rows.order_by(Decision.comment_id)


def restore_states(
    changes: Select[int, State | None], by: Moderator | None, *, is_by_mailbox: bool = False
) -> list[Comment]:
    """Restore the states that comments had before ``changes``."""
    before = {comment_id: state for comment_id, state in db.session.execute(changes) if state}
    comments = Comment.all_locked(before)
    for comment in comments:
        undo(comment, before[comment.id], by, is_by_mailbox=is_by_mailbox)
    return comments


def last_of(comment: Comment) -> Decision | None:
    """Return the latest decision about a comment."""
    of_comment = select(Decision).where(Decision.comment_id == comment.id)
    return db.session.scalar(of_comment.order_by(Decision.id.desc()).limit(1))


def _label_before_undo(comment: Comment) -> State | None:
    """Return what a moderator last decided about the current text, ignoring the latest decision still in effect."""
    undone = 1
    rows = select(Decision).where(Decision.comment_id == comment.id, Decision.before.is_not(None))
    for decision in db.session.scalars(rows.order_by(Decision.id.desc())):
        if policy.EDITS.intersection(reason for reason in decision.reasons if isinstance(reason, str)):
            return None
        if decision.is_undo:
            undone += 1
        elif undone:
            undone -= 1
        elif decision.is_by_person and decision.after in training.LEARNED_FROM:
            return decision.after
    return None


def _count_new(comment: Comment) -> None:
    site_id = comment.thread.site_id
    DailyCount.add(Event.POSTED, site_id)
    if comment.state == State.PENDING:
        DailyCount.add(Event.HELD, site_id)
    elif comment.state == State.SPAM:
        DailyCount.add(Event.SPAM, site_id)


def _uncount_approval(comment: Comment) -> None:
    undone = last_of(comment)
    if undone is not None and undone.before == State.PENDING and undone.is_by_person:
        seconds, day = _waiting_time(comment, undone.created_at), undone.created_at.date()
        DailyCount.add(Event.APPROVED, comment.thread.site_id, -seconds, count=-1, day=day)


def _waiting_time(comment: Comment, until: datetime) -> float:
    """Return for how many seconds it had been held; what was imported waits from then on."""
    rows = select(Decision.created_at).where(Decision.comment_id == comment.id, Decision.after == State.PENDING)
    held_at = db.session.scalar(rows.where(Decision.is_undo.is_(False)).order_by(Decision.id.desc()).limit(1))
    return (until - (held_at or comment.created_at)).total_seconds()


def _change_state(comment: Comment, state: State, decision: Decision) -> None:
    before, comment.state = comment.state, state
    if before == State.PENDING and state == State.APPROVED and decision.is_by_person:
        DailyCount.add(Event.APPROVED, comment.thread.site_id, _waiting_time(comment, clock.now()))
    decision.comment_id, decision.before, decision.after = comment.id, before, state
    decision.site_id = comment.thread.site_id
    db.session.add(decision)
    if before == state:
        return
    channels.enqueue(comment)
    if comment.is_visible:
        _publish(comment, is_decided=True)
        if comment.is_linkback:
            Ping.check_soon(comment.id)
    elif before == State.APPROVED:
        _count(comment, -1)
    elif State.TRASHED in (before, state) and _has_shown_replies(comment):
        content_versions.bump_thread(comment.thread)  # what stands in its place says whether it was removed


def _has_shown_replies(comment: Comment) -> bool:
    """Return whether there may be a tombstone: something is shown in its branch."""
    shown = select(Comment.id).where(Comment.root_id == (comment.root_id or comment.id))
    return db.session.scalar(shown.where(Comment.state == State.APPROVED).limit(1)) is not None


def _publish(comment: Comment, *, is_decided: bool = False) -> None:
    _count(comment, +1)
    _adopt_title_and_url(comment)
    fan_out.notify_published(comment, is_decided=is_decided)


def _adopt_title_and_url(comment: Comment) -> None:
    """Let the thread take over title and address that came with the first comment shown."""
    thread = comment.thread
    if comment.is_linkback or thread.title or not comment.title:
        return
    thread.title, thread.url = comment.title, comment.article_url or thread.url


def _log(comment: Comment, before: str | None, reasons: Sequence[Reason]) -> None:
    logged = {
        "comment_id": comment.id,
        "site_id": comment.thread.site_id,
        "before": before,
        "after": comment.state,
        "reasons": list(reasons),
        "is_undo": False,
        "is_by_mailbox": False,
        "created_at": clock.now(),
    }
    db.session.flush()  # flush earlier decisions first
    INSERT_DECISION.execute_later(logged)


def _count(comment: Comment, step: int) -> None:
    # Added in the database, not here: two concurrent decisions must both count.
    thread = comment.thread
    changed = {"number": thread.id, "step": step, "now": clock.now()}
    counter = "comment_count" if comment.is_discussion else "linkback_count"
    _counter_update(counter, is_new=step > 0).execute_later(changed)
    db.session.expire(thread, CHANGED_BY_COMMENTS)
    content_versions.bump_activity([thread])


@cache
def _counter_update(counter: str, *, is_new: bool) -> Prepared:
    """Return the statement that changes a counter of a thread and raises its version."""
    counted: dict[str, Any] = {
        counter: getattr(Thread, counter) + bindparam("step"),
        "version": Thread.version + 1,
    }
    if is_new:
        counted["active_at"] = bindparam("now")
    return Prepared(lambda: update(Thread).where(Thread.id == bindparam("number")).values(counted))
