"""A moderator's sign-in, kept on the server so that it can be ended."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.moderator import Moderator

MAX_USER_AGENT_LENGTH = 300


class ModeratorSession(Base):
    """``token_hash`` is the hash of the cookie; ``link_nonce`` makes a sign-in link one-time.

    ``user_agent`` tells moderators which of their browsers it is; ``confirmed_at`` is when they last confirmed who they
    are.
    """

    __tablename__ = "moderator_session"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    link_nonce: Mapped[str | None] = mapped_column(String(32), unique=True)
    user_agent: Mapped[str] = mapped_column(String(MAX_USER_AGENT_LENGTH), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    moderator: Mapped[Moderator] = relationship(lazy="joined", innerjoin=True)
