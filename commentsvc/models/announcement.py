"""An article of ours; linkbacks are sent to the pages it links to."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.models.leased import QUEUED, Leased
from commentsvc.models.site import Site


class AnnouncementState(StrEnum):
    """The progress. ``PREEXISTING`` articles were there before their feed was watched, and are left alone."""

    QUEUED = QUEUED
    READ = "read"
    FAILED = "failed"
    PREEXISTING = "old"


class Announcement(Leased):
    """``fingerprint`` is of the feed's content when the article was last announced; ``reason`` is why it is late."""

    __tablename__ = "announcement"
    __table_args__ = (
        UniqueConstraint("site_id", "url_hash"),
        Index(None, "state", "due_at"),
        {"sqlite_autoincrement": True},
    )

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(2000))
    url_hash: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300), default="")
    excerpt: Mapped[str] = mapped_column(String(300), default="")
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[AnnouncementState] = mapped_column(default=AnnouncementState.QUEUED)
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)
