"""A received linkback, verified at first and checked again from time to time."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.leased import QUEUED, Leased
from commentsvc.models.site import Site

MIN_FETCH_INTERVAL = timedelta(minutes=10)  # between two fetches that a sender or a moderator causes


class PingState(StrEnum):
    """The progress of verification."""

    QUEUED = QUEUED
    VERIFIED = "verified"
    REFUSED = "refused"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class Ping(Leased):
    """``target`` is the address as the sender gave it, ``reason`` why it was refused or is late.

    ``checked_at`` is when the source was last fetched, ``gone_at`` since when a verified source has been gone;
    ``is_resent`` if its sender reported a change. A verified one is due when it is to be checked again.
    """

    __tablename__ = "ping"
    __table_args__ = (
        UniqueConstraint("site_id", "key", "source_hash"),
        Index(None, "state", "due_at"),
        Index(None, "source_host", "checked_at"),
        Index(None, "comment_id"),
        {"sqlite_autoincrement": True},
    )

    protocol: Mapped[Kind]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(500))
    target: Mapped[str] = mapped_column(String(2000))
    source: Mapped[str] = mapped_column(String(2000))
    source_hash: Mapped[str] = mapped_column(String(64))
    source_host: Mapped[str] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(String(300), default="")
    excerpt: Mapped[str] = mapped_column(Text, default="")
    blog_name: Mapped[str] = mapped_column(String(200), default="")
    address_hash: Mapped[str | None] = mapped_column(String(32))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="SET NULL"))
    state: Mapped[PingState] = mapped_column(default=PingState.QUEUED)
    reason: Mapped[str] = mapped_column(String(300), default="")
    is_resent: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    checked_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)
    comment: Mapped[Comment | None] = relationship()

    @classmethod
    def waits_for_worker(cls) -> ColumnElement[bool]:
        """New ones, and verified ones to be checked again."""
        return cls.state.in_((PingState.QUEUED, PingState.VERIFIED))

    @classmethod
    def check_soon(cls, comment_id: int) -> None:
        """Have a linkback's source checked now, unless it just was: the linkback may have been pending for long."""
        ping = db.session.scalar(select(cls).where(cls.comment_id == comment_id, cls.state == PingState.VERIFIED))
        if ping is not None and ping.checked_at and clock.now() - ping.checked_at > MIN_FETCH_INTERVAL:
            ping.due_at = clock.now()
