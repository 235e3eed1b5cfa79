"""A logged change of state: who decided, from what to what, and why."""

from datetime import datetime

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base, db, partial_index
from commentsvc.errors import Reason
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction


class Decision(Base):
    """``moderator`` is None if the policy decided; ``reasons`` say why; ``site_id`` is the comment's.

    ``is_by_mailbox`` if it came from the site's own mailbox, whoever reads it. It may belong to a ``ban`` or an
    ``action``. ``is_undo`` if it took another decision back, so it is no judgement of the text.
    """

    __tablename__ = "decision"
    __table_args__ = (
        Index(None, "site_id", "id"),
        partial_index("ban_id"),
        partial_index("action_id"),
        {"sqlite_autoincrement": True},  # ids are never reused
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    site_id: Mapped[int] = mapped_column(default=0)
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id", ondelete="SET NULL"))
    before: Mapped[State | None]
    after: Mapped[State]
    reasons: Mapped[list[Reason]] = mapped_column(JSON, default=list)
    ban_id: Mapped[int | None] = mapped_column(ForeignKey("ban.id", ondelete="SET NULL"))
    action_id: Mapped[int | None] = mapped_column(ForeignKey("moderator_action.id", ondelete="SET NULL"))
    is_undo: Mapped[bool] = mapped_column(default=False)
    is_by_mailbox: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    comment: Mapped[Comment] = relationship(lazy="joined", innerjoin=True)
    moderator: Mapped[Moderator | None] = relationship(lazy="joined")
    ban: Mapped[Ban | None] = relationship()
    action: Mapped[ModeratorAction | None] = relationship()

    @hybrid_property
    def is_by_person(self) -> bool:
        """Whether a moderator or the site's owner decided, not a rule."""
        return self.moderator is not None or self.is_by_mailbox

    @is_by_person.inplace.expression
    @classmethod
    def _is_by_person(cls) -> ColumnElement[bool]:
        return cls.moderator_id.is_not(None) | cls.is_by_mailbox


def is_last() -> ColumnElement[bool]:
    """No later decision about the comment exists, as a condition."""
    later = aliased(Decision)
    return ~select(later.id).where(later.comment_id == Decision.comment_id, later.id > Decision.id).exists()


def is_moderator_spam(comment: type[Comment] = Comment) -> ColumnElement[bool]:
    """A moderator called the comment spam, as a condition; the score's own verdict does not count."""
    decided = select(Decision.id).where(
        Decision.comment_id == comment.id,
        Decision.is_by_person,
        Decision.after == State.SPAM,
        Decision.is_undo.is_(False),
    )
    return (comment.state == State.SPAM) & decided.exists()


def pending_for_author(comment: type[Comment] = Comment) -> ColumnElement[bool]:
    """The comment is pending in its author's eyes, as a condition: it is held, or only the score calls it spam."""
    return (comment.state == State.PENDING) | ((comment.state == State.SPAM) & ~is_moderator_spam(comment))


def is_pending_for_author(comment: Comment) -> bool:
    """Return whether a comment is pending in its author's eyes."""
    return db.session.scalar(select(Comment.id).where(Comment.id == comment.id, pending_for_author())) is not None
