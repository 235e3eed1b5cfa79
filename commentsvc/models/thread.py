"""The comments and linkbacks of one article."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base, db
from commentsvc.models.site import Captcha, Moderation, Site
from commentsvc.models.thread_alias import ThreadAlias

CHANGED_BY_COMMENTS = ("version", "comment_count", "linkback_count", "active_at")


class Access(StrEnum):
    """What is still possible in a thread."""

    OPEN = "open"
    CLOSED = "closed"  # nothing new; authors may still edit, for as long as the site allows
    READ_ONLY = "read-only"  # nothing changes any more


class Thread(Base):
    """An article that a comment or an accepted linkback was written to, or that a moderator or an import opened.

    ``version`` rises with every visible change. ``captcha``, ``moderation`` and ``close_after_days`` override the
    site's rules unless None; 0 days mean never. ``pinned_id`` is the comment shown first; it is no foreign key, as
    comments refer to their thread. ``active_at`` is when something was last shown, ``closed_at`` when somebody closed
    it.
    """

    __tablename__ = "thread"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "active_at", "id"),
        Index(None, "site_id", "active_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(500))
    url: Mapped[str] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(String(300), default="")
    access: Mapped[Access] = mapped_column(default=Access.OPEN)
    version: Mapped[int] = mapped_column(default=0)
    comment_count: Mapped[int] = mapped_column(default=0)
    linkback_count: Mapped[int] = mapped_column(default=0)
    captcha: Mapped[Captcha | None]
    moderation: Mapped[Moderation | None]
    close_after_days: Mapped[int | None]
    pinned_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    active_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    closed_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def at(cls, site: Site, key: str) -> "Thread | None":
        """Return the thread with this key or alias; None where nobody has written yet."""
        return db.session.scalar(AT_KEY, {"site": site.id, "key": key})

    @classmethod
    def all_at(cls, site_id: int, keys: Collection[str]) -> dict[str, "Thread"]:
        """Return the threads with these keys or aliases, by them."""
        own = select(cls.key, cls).where(cls.site_id == site_id, cls.key.in_(keys))
        further = select(ThreadAlias.key, cls).join(cls, cls.id == ThreadAlias.thread_id)
        by_alias = further.where(ThreadAlias.site_id == site_id, ThreadAlias.key.in_(keys))
        return {key: thread for rows in (by_alias, own) for key, thread in db.session.execute(rows)}

    @classmethod
    def lock(cls, ids: Sequence[int] | Select[int]) -> None:
        """Lock these rows, in id order, until the transaction ends. On SQLite, a writer is alone anyway."""
        if db.engine.dialect.name == "sqlite":
            return
        rows = select(cls.id).where(cls.id.in_(ids)).order_by(cls.id)
        db.session.execute(rows.with_for_update(of=cls))

    @classmethod
    def of_article(cls, site: Site, url: str) -> "Thread | None":
        """Return the thread of the article at this address, whatever its key."""
        address = url.partition("#")[0]
        spellings = {address, address.rstrip("/"), f"{address}/"}
        return db.session.scalar(select(cls).where(cls.site_id == site.id, cls.url.in_(spellings)).order_by(cls.id))

    @property
    def captcha_rule(self) -> Captcha:
        """Who must solve a challenge here."""
        return self.captcha or self.site.captcha

    @property
    def moderation_rule(self) -> Moderation:
        """Whose comments are held here."""
        return self.moderation or self.site.moderation

    @property
    def closes_at(self) -> datetime | None:
        """When it closes by its age, if ever."""
        days = self.site.close_after_days if self.close_after_days is None else self.close_after_days
        return self.created_at + timedelta(days=days) if days else None


def _has_key() -> ColumnElement[bool]:
    thread: Any = Thread.__table__.alias()
    own = select(thread.c.id).where(thread.c.site_id == bindparam("site"), thread.c.key == bindparam("key"))
    alias = select(ThreadAlias.thread_id)
    alias = alias.where(ThreadAlias.site_id == bindparam("site"), ThreadAlias.key == bindparam("key"))
    return Thread.id == func.coalesce(own.scalar_subquery(), alias.scalar_subquery())


HAS_KEY = _has_key()  # the thread has this key or, if none does, this alias
AT_KEY = select(Thread).where(HAS_KEY)
