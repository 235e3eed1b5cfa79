"""The text of a comment before it was edited."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base


class Revision(Base):
    """``body`` is the replaced text, as typed; ``replaced_at`` is when."""

    __tablename__ = "revision"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    body: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(default=clock.now)
