"""Who hears of what."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.comment import Comment
from commentsvc.models.recipient import Recipient
from commentsvc.models.site import Site


class SubscriptionState(StrEnum):
    """Whether emails are sent."""

    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


class Topic(StrEnum):
    """What it is about."""

    REPLIES = "replies"  # direct answers to a comment
    THREAD = "thread"  # every comment under an article
    SITE = "site"  # every comment on a blog, for moderators
    HELD = "held"  # pending comments of a blog, for moderators


READERS_TOPICS = (Topic.REPLIES, Topic.THREAD)


def _once(name: str, where: str, *columns: str) -> Index:
    name, only = f"ix_subscription_{name}_once", text(where)
    return Index(name, *columns, unique=True, sqlite_where=only, postgresql_where=only)


class Subscription(Base):
    """``recipient`` is notified of ``topic`` on ``site`` once they have confirmed.

    ``key`` is the thread, which need not exist yet, for ``replies`` and ``thread``; ``comment`` is whose replies are
    meant. ``name`` signs replies by email. ``requested_by`` and ``confirmed_by`` are keyed hashes of visitors: an
    address belongs to the one who confirmed it.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        Index(None, "site_id"),
        _once("thread", "topic = 'thread'", "site_id", "key", "recipient_id"),
        _once("site", "topic IN ('site', 'held')", "site_id", "topic", "recipient_id"),
        {"sqlite_autoincrement": True},  # ids are never reused
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id", ondelete="CASCADE"), index=True)
    topic: Mapped[Topic]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    key: Mapped[str | None] = mapped_column(String(500))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[SubscriptionState] = mapped_column(default=SubscriptionState.UNCONFIRMED)
    requested_by: Mapped[str | None] = mapped_column(String(32), index=True)
    confirmed_by: Mapped[str | None] = mapped_column(String(32), index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    recipient: Mapped[Recipient] = relationship(lazy="joined", innerjoin=True)
    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)
    comment: Mapped[Comment | None] = relationship()

    @property
    def is_active(self) -> bool:
        """Whether it leads to emails."""
        return self.state == SubscriptionState.ACTIVE and self.recipient.is_open

    @property
    def is_readers(self) -> bool:
        """Whether a reader asked for it, and not a moderator."""
        return self.topic in READERS_TOPICS
