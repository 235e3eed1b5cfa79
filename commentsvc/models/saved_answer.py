"""An answer that moderators give again and again."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base


class SavedAnswer(Base):
    """``title`` is what moderators find it by; ``body`` is markup, as in a comment."""

    __tablename__ = "saved_answer"
    __table_args__ = ({"sqlite_autoincrement": True},)  # no id means two things over time

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
