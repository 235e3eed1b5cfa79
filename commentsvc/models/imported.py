"""What an import brought: so that a second one adds only what is new, and what was erased does not come back."""

from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base, db
from commentsvc.models.comment import Comment, State


class Imported(Base):
    """A comment of another system. ``key`` is its id there (a hash of a long one), within ``source``.

    ``comment_id`` is None once the comment was deleted here; the row stays, so that it is not imported again.
    """

    __tablename__ = "imported"
    __table_args__ = (
        UniqueConstraint("site_id", "source", "key"),
        {"sqlite_autoincrement": True},  # ids are never reused
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(100))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="SET NULL"), index=True)
    action_id: Mapped[int | None] = mapped_column(ForeignKey("moderator_action.id", ondelete="SET NULL"), index=True)

    @classmethod
    def brought_by(cls, action_id: int) -> int:
        """Return how many comments an import brought, without placeholders; one may be known by several keys."""
        is_placeholder = (Comment.state == State.TRASHED) & (Comment.body == "")
        rows = select(func.count(cls.comment_id.distinct())).join(Comment, Comment.id == cls.comment_id)
        count = rows.where(cls.action_id == action_id, ~is_placeholder)
        return db.session.scalar(count) or 0
