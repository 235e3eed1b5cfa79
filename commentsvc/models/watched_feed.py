"""A site's feed that is watched for new articles."""

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc.db import db
from commentsvc.models.leased import QUEUED, Leased
from commentsvc.models.site import Site


class WatchedFeed(Leased):
    """``etag`` and ``last_modified`` are of the last response; ``reason`` is what is wrong.

    Until ``is_read``, everything in it counts as old and is not announced.
    """

    __tablename__ = "watched_feed"
    __table_args__ = (Index(None, "state", "due_at"), {"sqlite_autoincrement": True})

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), unique=True)
    url: Mapped[str] = mapped_column(String(2000))
    etag: Mapped[str] = mapped_column(String(300), default="")
    last_modified: Mapped[str] = mapped_column(String(100), default="")
    is_read: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16), default=QUEUED)
    reason: Mapped[str] = mapped_column(String(300), default="")

    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def of_site(cls, site: Site) -> "WatchedFeed | None":
        """Return the site's watched feed, if any."""
        return db.session.scalar(select(cls).where(cls.site_id == site.id))
