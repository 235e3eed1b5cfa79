"""The threads that an import opened; undoing it deletes them, if they are empty."""

from collections.abc import Iterable

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base, db


class ImportedThread(Base):
    """A thread that was not there before."""

    __tablename__ = "imported_thread"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), unique=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("moderator_action.id", ondelete="CASCADE"), index=True)

    @classmethod
    def of(cls, action_id: int, thread_ids: Iterable[int]) -> set[int]:
        """Return which of some threads an import opened."""
        rows = select(cls.thread_id).where(cls.action_id == action_id, cls.thread_id.in_(thread_ids))
        return set(db.session.scalars(rows))
