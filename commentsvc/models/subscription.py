"""Who hears of answers to which comment."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.comment import Comment


class SubscriptionState(StrEnum):
    """Whether letters go out."""

    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    STOPPED = "stopped"


class Subscription(Base):
    """``email`` hears of direct answers to ``comment`` once it has confirmed that it wants to.

    ``confirmed_by`` is the visitor (a keyed hash) whose browser did: the address is theirs.
    """

    __tablename__ = "subscription"
    __table_args__ = ({"sqlite_autoincrement": True},)  # no id means two things over time

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), unique=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    language: Mapped[str] = mapped_column(String(16), default="en")
    state: Mapped[str] = mapped_column(String(16), default=SubscriptionState.UNCONFIRMED)
    confirmed_by: Mapped[str | None] = mapped_column(String(32), index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    comment: Mapped[Comment] = relationship(lazy="joined", innerjoin=True)
