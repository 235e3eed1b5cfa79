"""A pending comment that an external spam checker is asked about."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.models.comment import Comment
from commentsvc.models.leased import QUEUED, Leased


class OpinionState(StrEnum):
    """The outcome."""

    QUEUED = QUEUED
    SPAM = "spam"
    HAM = "ham"
    MOOT = "moot"  # decided meanwhile
    FAILED = "failed"


class SecondOpinion(Leased):
    """``answer`` is the checker's last answer, or why there was none."""

    __tablename__ = "second_opinion"
    __table_args__ = (Index(None, "state", "due_at"), {"sqlite_autoincrement": True})

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), unique=True)
    state: Mapped[OpinionState] = mapped_column(default=OpinionState.QUEUED)
    answer: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    comment: Mapped[Comment] = relationship(lazy="joined", innerjoin=True)
