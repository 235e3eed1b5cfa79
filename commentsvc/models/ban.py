"""A rule that refuses: whom, where, why, and for how long."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site


class BanKind(StrEnum):
    """What of a writer is refused."""

    ADDRESS = "address"
    NETWORK = "network"
    EMAIL = "email"
    DOMAIN = "domain"
    WORD = "word"


class Ban(Base):
    """``value`` is compared (an address is kept as its keyed hash only), ``label`` is what moderators read.

    Without ``site_id`` it holds for every site; without ``expires_at`` until it is lifted.
    """

    __tablename__ = "ban"
    __table_args__ = (
        Index(None, "kind", "value"),
        {"sqlite_autoincrement": True},  # no id means two things over time
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(254))
    label: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(String(300), default="")
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]

    site: Mapped[Site | None] = relationship(lazy="joined")
    moderator: Mapped[Moderator | None] = relationship(lazy="joined")

    @property
    def is_in_force(self) -> bool:
        """Whether it refuses anybody now."""
        return self.lifted_at is None and (self.expires_at is None or self.expires_at > clock.now())


def in_force() -> ColumnElement[bool]:
    """A ban refuses somebody now, as a condition."""
    return Ban.lifted_at.is_(None) & (Ban.expires_at.is_(None) | (Ban.expires_at > clock.now()))
