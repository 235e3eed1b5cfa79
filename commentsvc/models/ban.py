"""A rule that refuses: whom, where, why, and for how long."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site


class BanKind(StrEnum):
    """What a ban matches. A browser is known by its comments only, so it cannot be typed."""

    BROWSER = "browser"
    EMAIL = "email"
    ADDRESS = "address"
    NETWORK = "network"
    DOMAIN = "domain"
    WORD = "word"


class Ban(Base):
    """``value`` is compared (of an address or browser, its keyed hash), ``label`` is shown to moderators.

    Without ``site_id`` it holds for every site; without ``expires_at`` until it is lifted.
    """

    __tablename__ = "ban"
    __table_args__ = (
        Index(None, "kind", "value"),
        {"sqlite_autoincrement": True},  # ids are never reused
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    kind: Mapped[BanKind]
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


@dataclass(frozen=True)
class _Scope:
    """Where a ban holds (everywhere if ``site_id`` is None), and until when."""

    site_id: int | None
    expires_at: datetime | None

    def covers(self, site_id: int) -> bool:
        return self.site_id in (None, site_id) and (self.expires_at is None or self.expires_at > clock.now())


class Bans:
    """Bans in memory, by what they match: a million of them cost a comment no more than one.

    Made of rows of ``kind``, ``value``, ``site_id`` and ``expires_at``. ``network_lengths`` are versions and prefix
    lengths of the banned networks, so that no others are looked up.
    """

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._named: dict[tuple[str, str], list[_Scope]] = defaultdict(list)
        for kind, value, *scope in rows:
            self._named[kind, value].append(_Scope(*scope))
        networks = [ipaddress.ip_network(value) for kind, value in self._named if kind == BanKind.NETWORK]
        self.network_lengths = frozenset((one.version, one.prefixlen) for one in networks)
        self._words = [value for kind, value in self._named if kind == BanKind.WORD]

    def matches(self, site_id: int, marks: Iterable[tuple[str, str]]) -> bool:
        """Return whether any of these, as kind and value, is banned on a site."""
        return any(self._covers(site_id, mark) for mark in marks)

    def find_word_in(self, site_id: int, text: str) -> bool:
        """Return whether a casefolded text contains a word that is banned on a site."""
        return any(word in text and self._covers(site_id, (BanKind.WORD, word)) for word in self._words)

    def _covers(self, site_id: int, mark: tuple[str, str]) -> bool:
        return mark in self._named and any(scope.covers(site_id) for scope in self._named[mark])
