"""Lock a comment that somebody saw, and check that it has not changed."""

from collections.abc import Iterator
from contextlib import contextmanager

from commentsvc.db import db
from commentsvc.errors import ChangedMeanwhile, or_404
from commentsvc.models.comment import Comment


@contextmanager
def locked(comment_id: int, text_version: str | None = None) -> Iterator[Comment]:
    """Lock the comment for the block, and commit at its end.

    Raises:
        NotFound: it is gone.
        ChangedMeanwhile: its text is not the one of ``text_version``, if that is known.
    """
    db.begin_write()
    comment = or_404(Comment.locked(comment_id))
    if text_version not in (None, comment.text_version):
        raise ChangedMeanwhile
    yield comment
    db.session.commit()
