"""Somebody who gets emails, identified by an address only."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base, db
from commentsvc.fields import compared_email


class Frequency(StrEnum):
    """How often somebody wants notifications."""

    IMMEDIATE = "at-once"
    HOURLY = "hourly"
    DAILY = "daily"


class MailStatus(StrEnum):
    """Whether an address gets emails at all."""

    OPEN = "open"
    REFUSED = "refused"  # its owner wants no emails from here
    BOUNCED = "bounced"  # they come back
    COMPLAINED = "complained"  # its owner called one spam


class Recipient(Base):
    """``email`` is in lower case; ``reason`` is the mail server's reason for a pause.

    ``bounces`` counts bounced emails since the last one known to have arrived.
    """

    __tablename__ = "recipient"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    language: Mapped[str] = mapped_column(String(16), default="en")
    frequency: Mapped[Frequency] = mapped_column(default=Frequency.IMMEDIATE)
    mail_status: Mapped[MailStatus] = mapped_column(default=MailStatus.OPEN)
    reason: Mapped[str] = mapped_column(String(500), default="")
    bounces: Mapped[int] = mapped_column(default=0)
    bounced_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def with_email(cls, email: str) -> "Recipient | None":
        """Return the recipient with this address, in any case."""
        return db.session.scalar(select(cls).where(cls.email == compared_email(email)))

    @classmethod
    def get_or_create(cls, email: str, language: str) -> "Recipient":
        """Return the recipient with this address, created if new."""
        if found := cls.with_email(email):
            return found
        return db.add_or_find(cls(email=compared_email(email), language=language), lambda: cls.with_email(email))

    @property
    def is_open(self) -> bool:
        """Whether it gets emails."""
        return self.mail_status == MailStatus.OPEN

    def next_digest(self) -> datetime:
        """Return when the next digest is due: at the full hour, or at six in the morning (UTC)."""
        now = clock.now()
        if self.frequency == Frequency.HOURLY:
            return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        six = now.replace(hour=6, minute=0, second=0, microsecond=0)
        return six if now < six else six + timedelta(days=1)
