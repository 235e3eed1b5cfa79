"""One logged change of state: who decided, from what to what, and why."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator


class Decision(Base):
    """``moderator`` is None where the policy decided; ``reasons`` are message ids."""

    __tablename__ = "decision"
    __table_args__ = ({"sqlite_autoincrement": True},)  # no id means two things over time

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id", ondelete="SET NULL"))
    before: Mapped[str | None] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    comment: Mapped[Comment] = relationship(lazy="joined", innerjoin=True)
    moderator: Mapped[Moderator | None] = relationship(lazy="joined")
