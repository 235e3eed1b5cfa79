"""Where moderators are notified besides email: a webhook, or a push service."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.site import Site


class ChannelKind(StrEnum):
    """How it is delivered."""

    WEBHOOK = "webhook"  # every event, signed, to a program
    PUSH = "push"  # pending comments, to a person's devices, by an Apprise URL


class Channel(Base):
    """``site`` is None for all sites.

    ``secret`` signs (base64, without the ``whsec_``); after a rotation ``former_secret`` signs too, until
    ``former_until``.
    ``ended_at`` is when its receiver said that it is gone.
    """

    __tablename__ = "channel"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ChannelKind]
    url: Mapped[str] = mapped_column(String(2000))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    secret: Mapped[str] = mapped_column(String(100), default="")
    former_secret: Mapped[str] = mapped_column(String(100), default="")
    former_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    site: Mapped[Site | None] = relationship(lazy="joined")

    @property
    def secrets(self) -> list[str]:
        """The secrets in force, newest first."""
        still_good = self.former_until is not None and clock.now() < self.former_until
        return [self.secret, self.former_secret] if still_good else [self.secret]
