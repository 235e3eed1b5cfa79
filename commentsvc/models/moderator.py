"""Who signs in: an owner, or a moderator of single sites."""

from datetime import datetime
from enum import StrEnum
from functools import cached_property

from sqlalchemy import Column, ColumnElement, ForeignKey, String, Table, select, true
from sqlalchemy.orm import Mapped, QueryableAttribute, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base, db
from commentsvc.fields import compared_email
from commentsvc.models.site import Site


class Role(StrEnum):
    """What somebody may do in the admin pages."""

    OWNER = "owner"  # everything
    MODERATOR = "moderator"  # decide about comments on their sites


class Badge(StrEnum):
    """What stands beside the name of their comments."""

    AUTHOR = "author"  # writes the blog
    MODERATOR = "moderator"
    NONE = "none"


moderator_site = Table(
    "moderator_site",
    Base.metadata,
    Column("moderator_id", ForeignKey("moderator.id", ondelete="CASCADE"), primary_key=True),
    Column("site_id", ForeignKey("site.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Moderator(Base):
    """``email`` is in lower case; without ``password_hash`` only passkeys and one-time links sign in.

    ``sites`` are those of a moderator who is not an owner. Removed moderators keep their row, as the log refers to it.
    """

    __tablename__ = "moderator"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str] = mapped_column(String(16), default="en")
    role: Mapped[Role] = mapped_column(default=Role.OWNER)
    badge: Mapped[Badge] = mapped_column(default=Badge.AUTHOR)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    removed_at: Mapped[datetime | None]

    sites: Mapped[list[Site]] = relationship(secondary=moderator_site, order_by=Site.name)

    @classmethod
    def with_email(cls, email: str) -> "Moderator | None":
        """Return the moderator with this email address, upper or lower case, who has not been removed."""
        address = compared_email(email.replace("\0", ""))
        return db.session.scalar(select(cls).where(cls.email == address, cls.removed_at.is_(None)))

    @classmethod
    def of_site(cls, site_id: int) -> "list[Moderator]":
        """Return those who moderate a site, owners included."""
        moderators = db.session.scalars(select(cls).where(cls.removed_at.is_(None)).order_by(cls.id))
        return [one for one in moderators if one.moderates(site_id)]

    @property
    def is_owner(self) -> bool:
        """Whether they may do everything."""
        return self.role == Role.OWNER

    @property
    def display_name(self) -> str:
        """Their name, else their email address."""
        return self.name or self.email

    @cached_property
    def removed_site_ids(self) -> list[int]:
        """Sites that were removed and are still being deleted: nobody sees them."""
        return list(db.session.scalars(select(Site.id).where(Site.removed_at.is_not(None))))

    def moderates(self, site_id: int | None) -> bool:
        """Return whether they moderate a site; with None, whether they moderate all sites."""
        return site_id not in self.removed_site_ids if self.is_owner else any(site.id == site_id for site in self.sites)

    def visible_sites(self) -> list[Site]:
        """Return their sites by name."""
        return list(db.session.scalars(Site.in_service().where(self.may_see(Site.id)).order_by(Site.name)))

    def may_see(
        self, site_id: QueryableAttribute[int] | QueryableAttribute[int | None] | ColumnElement[int]
    ) -> ColumnElement[bool]:
        """Return the condition that they may see the rows of a site."""
        if not self.is_owner:
            return site_id.in_([site.id for site in self.sites])
        return site_id.is_(None) | site_id.not_in(self.removed_site_ids) if self.removed_site_ids else true()
