"""A reply that a moderator uses again and again."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.moderator import Moderator


class SavedReply(Base):
    """``title`` is its name; ``body`` is markup, as in a comment. Those of owners are everybody's."""

    __tablename__ = "saved_reply"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    moderator: Mapped[Moderator] = relationship(lazy="joined", innerjoin=True)
