"""Revert an import, in batches, as if it had never been, except for what people did with it since."""

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import aliased

from commentsvc.db import db
from commentsvc.models.comment import REASON_ERASED, REASON_IMPORT_UNDONE, Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.imported import Imported
from commentsvc.models.imported_thread import ImportedThread
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.thread import Thread
from commentsvc.privacy import personal_data
from commentsvc.threads import moving

BATCH_SIZE = 100  # comments per transaction


def has_rows_to_revert(action: ModeratorAction) -> bool:
    """Return whether anything is left to revert."""
    return db.session.scalar(select(Imported.id).where(Imported.action_id == action.id).limit(1)) is not None


def next_to_revert() -> int | None:
    """Return an import that was undone and is not reverted yet."""
    left = exists().where(Imported.action_id == ModeratorAction.id)
    imports = select(ModeratorAction.id).where(ModeratorAction.verb == Verb.IMPORT)
    return db.session.scalar(imports.where(ModeratorAction.undone_at.is_not(None), left).limit(1))


def revert_batch(action_id: int) -> int:
    """Revert the latest rows of an import; return how many, 0 at the end.

    Comments that somebody decided about since stay. Those with a reply that this import did not bring are emptied, and
    keep their place. What stays, or was erased or deleted since, is not imported again.
    """
    rows = select(Imported).where(Imported.action_id == action_id).order_by(Imported.id.desc()).limit(BATCH_SIZE)
    some = db.session.scalars(rows).all()
    comments = Comment.all_locked({one.comment_id for one in some if one.comment_id is not None})
    threads = {comment.thread_id for comment in comments}
    forgotten = {comment.id for comment in comments[::-1] if _revert(comment, action_id)}  # replies first
    db.session.flush()
    keys = [one.id for one in some if one.comment_id in forgotten]
    db.session.execute(delete(Imported).where(Imported.id.in_(keys)))
    db.session.execute(update(Imported).where(Imported.id.in_([one.id for one in some])).values(action_id=None))
    db.session.expire_all()
    _recount_and_prune(threads, action_id)
    return len(some)


def _revert(comment: Comment, action_id: int) -> bool:
    """Delete or empty a comment, unless it stays as somebody decided; return whether it may be imported again."""
    is_erased = comment.reasons == [REASON_ERASED]
    decided = select(func.count()).where(Decision.comment_id == comment.id)
    if not is_erased and db.session.scalar(decided.where(Decision.action_id.is_distinct_from(action_id))):
        return False
    reply = aliased(Comment)
    from_elsewhere = ~exists().where(Imported.comment_id == reply.id, Imported.action_id == action_id)
    if db.session.scalar(select(reply.id).where(reply.parent_id == comment.id, from_elsewhere).limit(1)):
        if not is_erased:
            comment.state = State.TRASHED
            personal_data.empty(comment, REASON_IMPORT_UNDONE)
        return not is_erased
    moving.detach_replies(comment)
    db.session.flush()
    db.session.execute(delete(Comment).where(Comment.id == comment.id))
    return not is_erased


def _recount_and_prune(thread_ids: set[int], action_id: int) -> None:
    """Count threads anew; those that the import opened and that are empty go."""
    opened = ImportedThread.of(action_id, thread_ids)
    for thread_id in sorted(thread_ids):
        thread = db.session.get(Thread, thread_id)
        if thread is None:
            continue
        is_empty = db.session.scalar(select(Comment.id).where(Comment.thread_id == thread_id).limit(1)) is None
        moving.recount([thread])
        if is_empty and thread_id in opened:
            db.session.execute(delete(Thread).where(Thread.id == thread_id))
            db.session.expire_all()
