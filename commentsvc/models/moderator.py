"""Who signs in."""

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base, db


class Moderator(Base):
    """``email`` is stored in lower case; without ``password_hash`` only one-time links sign in."""

    __tablename__ = "moderator"
    __table_args__ = ({"sqlite_autoincrement": True},)  # no id means two things over time

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str] = mapped_column(String(16), default="en")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def with_email(cls, email: str) -> "Moderator | None":
        """The moderator who signs in with ``email``, whatever its case."""
        return db.session.scalar(select(cls).where(cls.email == email.strip().lower()))
