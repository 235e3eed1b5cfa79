"""An event on its way to a channel."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.models.channel import Channel
from commentsvc.models.leased import QUEUED, Leased


class DeliveryState(StrEnum):
    """Whether it was delivered."""

    QUEUED = QUEUED
    SENT = "sent"
    FAILED = "failed"


class Delivery(Leased):
    """``event`` names what happened (``comment.held``), ``payload`` describes it.

    ``message_id`` stays the same over all attempts.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "state", "due_at"), {"sqlite_autoincrement": True})

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[str] = mapped_column(String(64), unique=True)
    event: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.QUEUED)
    answer: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]

    channel: Mapped[Channel] = relationship(lazy="joined", innerjoin=True)
