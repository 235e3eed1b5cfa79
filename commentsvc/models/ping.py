"""A linkback that was received and is not yet verified."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.models.leased import QUEUED, Leased
from commentsvc.models.site import Site


class PingState(StrEnum):
    """How far verification got."""

    QUEUED = QUEUED
    VERIFIED = "verified"
    REFUSED = "refused"
    FAILED = "failed"


class Ping(Leased):
    """``reason`` says in our own words why it was refused or is late; only moderators see it."""

    __tablename__ = "ping"
    __table_args__ = (
        UniqueConstraint("site_id", "key", "source_hash"),
        Index(None, "state", "due_at"),
        Index(None, "source_host", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    protocol: Mapped[str] = mapped_column(String(16))
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
    state: Mapped[str] = mapped_column(String(16), default=PingState.QUEUED)
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)
