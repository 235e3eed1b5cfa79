"""A daily backup: begun, made and checked, or failed. Its file is in the backup folder of the node that made it."""

from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Index, String, and_, select, true
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base, db


class Backup(Base):
    """``ended_at`` is None while it is being made; ``problem`` says why it failed."""

    __tablename__ = "backup"
    __table_args__ = (Index(None, "ended_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    name: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes
    problem: Mapped[str] = mapped_column(String(500), default="")

    @classmethod
    def is_good(cls) -> ColumnElement[bool]:
        """Which were made and checked."""
        return and_(cls.ended_at.is_not(None), cls.problem == "")

    @classmethod
    def last_good(cls, before: datetime | None = None) -> "Backup | None":
        """Return the latest that was made and checked."""
        good = select(cls).where(cls.is_good(), true() if before is None else cls.ended_at < before)
        return db.session.scalar(good.order_by(cls.ended_at.desc()).limit(1))

    @classmethod
    def last(cls) -> "Backup | None":
        """Return the latest, whatever became of it."""
        return db.session.scalar(select(cls).order_by(cls.id.desc()).limit(1))
