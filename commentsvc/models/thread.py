"""The talk under one article."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base, db
from commentsvc.models.site import Site


class Thread(Base):
    """A row for each article that has at least one comment or ping; ``version`` rises with every visible change."""

    __tablename__ = "thread"
    __table_args__ = (UniqueConstraint("site_id", "key"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(500))
    url: Mapped[str] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(String(300), default="")
    open: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=0)
    comment_count: Mapped[int] = mapped_column(default=0)
    linkback_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    site: Mapped[Site] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def at(cls, site: Site, key: str) -> "Thread | None":
        """The thread under this key, or None where nobody has written yet."""
        return db.session.scalar(select(cls).where(cls.site_id == site.id, cls.key == key))

    @classmethod
    def of_article(cls, site: Site, url: str) -> "Thread | None":
        """The thread of the article at this address, whatever its key."""
        address = url.partition("#")[0]
        spellings = {address, address.rstrip("/"), f"{address}/"}
        return db.session.scalar(select(cls).where(cls.site_id == site.id, cls.url.in_(spellings)).order_by(cls.id))
