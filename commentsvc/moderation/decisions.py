"""Change a comment's state: count it, log who and why, raise the thread's version, write the letters."""

from collections.abc import Sequence

from sqlalchemy import select, update

from commentsvc.db import db
from commentsvc.errors import Reason
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import policy, training
from commentsvc.notifications import replies


def record_first(comment: Comment) -> None:
    """Log what the policy decided, count the comment, and tell whoever should hear; writes."""
    _log(comment, before=None, after=comment.state, by=None, reasons=comment.reasons)
    if comment.is_visible:
        _show(comment)
    elif comment.state == State.PENDING:  # nobody needs a letter about what is certainly spam
        replies.announce_held(comment)


def record_edit(comment: Comment, verdict: policy.Verdict) -> None:
    """Log that a comment says something else now, and hold it where the policy would have held it; writes."""
    _log(comment, comment.state, comment.state, by=None, reasons=[policy.REASON_EDITED])
    if not comment.is_visible:
        comment.reasons = list(verdict.reasons)
    elif verdict.state != State.APPROVED:
        comment.reasons = list(verdict.reasons)
        decide(comment, verdict.state, by=None, reasons=verdict.reasons)
        if verdict.state == State.PENDING:
            replies.announce_held(comment)
    else:
        _show_anew(comment.thread_id)


def decide(comment: Comment, state: State, by: Moderator | None, reasons: Sequence[Reason] = ()) -> None:
    """Give ``comment`` a new state, decided by a moderator (or by the service itself); writes.

    Deciding what is so already changes nothing and logs nothing.
    """
    before = comment.state
    if before == state:
        return
    comment.state = state
    if by is not None:
        training.learn(comment, state)
    _log(comment, before, state, by, reasons)
    if comment.is_visible:
        _show(comment)
    elif before == State.APPROVED:
        _count(comment, -1)


def _show(comment: Comment) -> None:
    _count(comment, +1)
    _believe(comment)
    replies.announce(comment)


def _believe(comment: Comment) -> None:
    """What the page of the first comment that is shown said of itself, the thread says from now on."""
    thread = comment.thread
    if comment.is_linkback or thread.title or not comment.title:
        return
    thread.title, thread.url = comment.title, comment.article_url or thread.url


def _log(comment: Comment, before: str | None, after: str, by: Moderator | None, reasons: Sequence[Reason]) -> None:
    db.session.add(
        Decision(
            comment_id=comment.id,
            moderator_id=by.id if by else None,
            before=before,
            after=after,
            reasons=list(reasons),
        )
    )


def _count(comment: Comment, step: int) -> None:
    # Added in the database, not here: two decisions at once must both count.
    counter = Thread.linkback_count if comment.is_linkback else Thread.comment_count
    db.session.execute(update(Thread).where(Thread.id == comment.thread_id).values({counter: counter + step}))
    _show_anew(comment.thread_id)


def _show_anew(thread_id: int) -> None:
    """Say that the thread, and what is shown of its site as a whole, reads otherwise now."""
    thread = update(Thread).where(Thread.id == thread_id)
    db.session.execute(thread.values({Thread.version: Thread.version + 1}))
    of_thread = select(Thread.site_id).where(Thread.id == thread_id).scalar_subquery()
    db.session.execute(update(Site).where(Site.id == of_thread).values({Site.news: Site.news + 1}))
