"""A person decides about a comment, at the desk or from a letter: about the text they saw, and shown at once."""

from collections.abc import Callable

from commentsvc.db import db
from commentsvc.errors import ChangedMeanwhile, NotFound
from commentsvc.linkbacks import verifying
from commentsvc.models.comment import Comment
from commentsvc.web import snapshots


def decide(comment_id: int, seen_as: str | None, act: Callable[[Comment], None]) -> None:
    """Let ``act`` change the comment, while nobody else can; commits.

    Raises:
        NotFound: it is gone.
        ChangedMeanwhile: it says something else than when it was ``seen_as``, where that is known.
    """
    db.begin_write()
    comment = Comment.locked(comment_id)
    if comment is None:
        raise NotFound
    if seen_as not in (None, comment.seen_as):
        raise ChangedMeanwhile
    thread = (comment.thread.site_id, comment.thread.key)
    act(comment)
    if comment.is_linkback and comment.is_visible:
        verifying.look_soon(comment)
    db.session.commit()
    snapshots.drop(*thread)
