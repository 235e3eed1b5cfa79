"""One email in the outbox."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.models.email_item import EmailItem
from commentsvc.models.leased import QUEUED, Leased
from commentsvc.models.subscription import Subscription


class EmailState(StrEnum):
    """Whether it was sent."""

    QUEUED = QUEUED
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by a moderator, or as nothing is left to report


class EmailKind(StrEnum):
    """The kind of an email; each has its own templates."""

    CONFIRM = "confirm"
    REPLY = "reply"
    THREAD = "thread"
    SITE = "site"
    DIGEST = "digest"
    HELD = "held"
    SIGN_IN = "sign-in"
    PERSONAL_DATA = "personal-data"
    TEST = "test"
    CONFIRM_ADDRESS = "confirm-address"  # of a moderator
    ADDRESS_CHANGED = "address-changed"
    RETURNED = "returned"  # a reply by email that was refused


class Email(Leased):
    """Enqueued in the transaction of the change it reports; rendered when sent.

    ``items`` are the comments in it; ``facts`` is further data. ``subject`` and ``text`` are what was sent last.
    ``waits_for_server`` while the mail server takes no email at all. ``created_at`` is when it was first to be sent.
    """

    __tablename__ = "email"
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "recipient", "kind", "created_at"),
        Index(None, "sent_at"),
        Index(None, "created_at"),
        {"sqlite_autoincrement": True},
    )

    kind: Mapped[EmailKind]
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16), default="en")
    subject: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("subscription.id", ondelete="CASCADE"), index=True)
    state: Mapped[EmailState] = mapped_column(default=EmailState.QUEUED)
    last_answer: Mapped[str] = mapped_column(String(500), default="")
    waits_for_server: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]

    subscription: Mapped[Subscription | None] = relationship()
    items: Mapped[list[EmailItem]] = relationship(order_by=EmailItem.id, passive_deletes=True)
