"""A further key of a thread, after its article moved or another thread was merged into it."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base


class ThreadAlias(Base):
    """``key`` identifies the same thread as the thread's own key."""

    __tablename__ = "thread_alias"
    __table_args__ = (UniqueConstraint("site_id", "key"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(500))
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), index=True)
