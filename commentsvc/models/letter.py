"""One mail in the outbox."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.models.leased import QUEUED, Leased


class LetterState(StrEnum):
    """How far it got."""

    QUEUED = QUEUED
    SENT = "sent"
    FAILED = "failed"


class Letter(Leased):
    """Written in the transaction of what it tells; ``occasion`` keeps the same news from being written twice."""

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("occasion", "recipient"),
        Index(None, "state", "due_at"),
        {"sqlite_autoincrement": True},
    )

    occasion: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    references: Mapped[str | None] = mapped_column(Text)
    list_id: Mapped[str | None] = mapped_column(String(300))
    unsubscribe_url: Mapped[str | None] = mapped_column(String(1000))
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("subscription.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(16), default=LetterState.QUEUED)
    last_answer: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]
