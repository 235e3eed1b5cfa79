"""One blog: who it is, where its pages live, and its rules."""

import re
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Select, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.db import Base, db
from commentsvc.errors import NotFound, or_404

AKISMET = "https://rest.akismet.com/1.1/comment-check"
KEY = re.compile(r"[A-Za-z0-9-]{1,64}")


class Captcha(StrEnum):
    """Who must solve a challenge."""

    ALWAYS = "always"
    SUSPICIOUS = "suspicious"
    NEVER = "never"


class FirstChallenge(StrEnum):
    """Which way to solve a challenge is shown first."""

    PICTURE = "picture"
    COMPUTATION = "computation"


class Moderation(StrEnum):
    """Whose comments are held."""

    ALL = "all"
    FIRST = "first"
    NONE = "none"


class View(StrEnum):
    """The layout of a thread."""

    THREADED = "threaded"
    LINEAR = "linear"


class Composer(StrEnum):
    """Where the form is."""

    FIRST = "first"
    LAST = "last"


class Linkbacks(StrEnum):
    """What happens to verified linkbacks of a protocol, unless something speaks against them."""

    LIKE_COMMENTS = "like-comments"  # shown if strangers' comments are
    HOLD = "hold"
    PUBLISH = "publish"
    OFF = "off"


class Network(StrEnum):
    """Where readers may share an article."""

    MASTODON = "mastodon"
    BLUESKY = "bluesky"
    X = "x"
    FACEBOOK = "facebook"
    EMAIL = "email"
    COPY = "copy"


class Site(Base):
    """A row for each blog.

    ``hold_words`` and ``disallowed_words`` hold one word or phrase a line; either matches within words, too.
    With an ``akismet_key``, held comments are shown to the checker at ``akismet_url``, which speaks Akismet's protocol.
    ``keep_…_days`` say how long hashes of network addresses, spam and trash are kept; 0 for as long as the site is.
    One that was removed (``removed_at``) is out of service, until its rows are deleted.
    ``version`` rises when a rule that threads show changes, ``activity_version`` with each visible change in a thread.
    """

    __tablename__ = "site"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    origins: Mapped[list[str]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String(16), default="en")
    email: Mapped[str | None] = mapped_column(String(254))
    captcha: Mapped[Captcha] = mapped_column(default=Captcha.ALWAYS)
    first_challenge: Mapped[FirstChallenge] = mapped_column(default=FirstChallenge.PICTURE)
    moderation: Mapped[Moderation] = mapped_column(default=Moderation.FIRST)
    view: Mapped[View] = mapped_column(default=View.THREADED)
    hold_links: Mapped[int] = mapped_column(default=3)
    hold_words: Mapped[str] = mapped_column(Text, default="")
    disallowed_words: Mapped[str] = mapped_column(Text, default="")
    akismet_key: Mapped[str] = mapped_column(String(100), default="")
    akismet_url: Mapped[str] = mapped_column(String(500), default=AKISMET)
    same_text_hours: Mapped[int] = mapped_column(default=24)
    close_after_days: Mapped[int | None]
    comments_per_minute: Mapped[int] = mapped_column(default=6)
    page_size: Mapped[int] = mapped_column(default=50)
    edit_minutes: Mapped[int] = mapped_column(default=15)
    composer: Mapped[Composer] = mapped_column(default=Composer.LAST)
    share: Mapped[list[str]] = mapped_column(JSON, default=list)
    trackbacks: Mapped[Linkbacks] = mapped_column(default=Linkbacks.LIKE_COMMENTS)
    pingbacks: Mapped[Linkbacks] = mapped_column(default=Linkbacks.LIKE_COMMENTS)
    webmentions: Mapped[Linkbacks] = mapped_column(default=Linkbacks.LIKE_COMMENTS)
    keep_addresses_days: Mapped[int] = mapped_column(default=90)
    keep_spam_days: Mapped[int] = mapped_column(default=90)
    keep_trash_days: Mapped[int] = mapped_column(default=30)
    version: Mapped[int] = mapped_column(default=0)
    activity_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    removed_at: Mapped[datetime | None]

    @classmethod
    def in_service(cls) -> "Select[Site]":
        """Select the sites that were not removed."""
        return select(cls).where(cls.removed_at.is_(None))

    @classmethod
    def named(cls, key: str) -> "Site":
        """Return the site with this key; raises ``NotFound``."""
        if not KEY.fullmatch(key):
            raise NotFound
        return or_404(db.session.scalar(cls.in_service().where(cls.key == key)))

    @property
    def home(self) -> str:
        """The blog's first origin."""
        return self.origins[0]

    @property
    def linkbacks(self) -> dict[str, Linkbacks]:
        """The rule of each protocol."""
        rules = {"trackback": self.trackbacks, "pingback": self.pingbacks, "webmention": self.webmentions}
        return {protocol: Linkbacks(rule) for protocol, rule in rules.items()}

    def takes(self, protocol: str) -> bool:
        """Return whether it accepts ``trackback``, ``pingback`` or ``webmention``."""
        return self.linkbacks[protocol] != Linkbacks.OFF
