"""A linkback for a link in one of our articles, sent or to be sent."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.models.announcement import Announcement
from commentsvc.models.leased import QUEUED, Leased


class SendingState(StrEnum):
    """The outcome; without an endpoint the page takes no linkbacks."""

    QUEUED = QUEUED
    SENT = "sent"
    FAILED = "failed"
    NO_ENDPOINT = "no-endpoint"


class SentLinkback(Leased):
    """A row for each link of an announced article.

    ``protocol`` and ``endpoint`` are what the page named last, ``answer`` is the other side's answer or our reason;
    ``status_url`` is where it reports progress; ``is_linked`` turns false when the link is gone; ``is_known`` once it
    was accepted.
    """

    __tablename__ = "sent_linkback"
    __table_args__ = (
        UniqueConstraint("announcement_id", "target_hash"),
        Index(None, "state", "due_at"),
        {"sqlite_autoincrement": True},
    )

    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcement.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(2000))
    target_hash: Mapped[str] = mapped_column(String(64))
    protocol: Mapped[str] = mapped_column(String(16), default="")
    endpoint: Mapped[str] = mapped_column(String(2000), default="")
    state: Mapped[SendingState] = mapped_column(default=SendingState.QUEUED)
    answer: Mapped[str] = mapped_column(String(300), default="")
    status_url: Mapped[str | None] = mapped_column(String(2000))
    is_linked: Mapped[bool] = mapped_column(default=True)
    is_known: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]

    announcement: Mapped[Announcement] = relationship(lazy="joined", innerjoin=True)
