"""An article as addresses name it: its site, its key, and its thread, if there is one."""

from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import lazyload

from commentsvc import configuration, links
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.models.configuration import Configuration
from commentsvc.models.site import Captcha, Moderation, Site
from commentsvc.models.thread import HAS_KEY, Thread
from commentsvc.threads import threads

# The thread and, in the same query, whether this process's configuration is current.
QUESTION = select(Configuration.version, Thread).outerjoin(Thread, HAS_KEY).options(lazyload(Thread.site))
# Whether all of that is unchanged, except what every comment changes.
DECIDED = ("id", "key", "url", "title", "access", "captcha", "moderation", "close_after_days", "created_at")
COMPARISON = select(Configuration.version, *(getattr(Thread, name) for name in DECIDED)).outerjoin(Thread, HAS_KEY)


@dataclass(frozen=True)
class Article:
    """``key`` is the one asked for, which may be an alias of ``thread``.

    ``version`` is that of the configuration ``site`` is from, if known.
    """

    site: Site
    key: str
    thread: Thread | None
    version: int = 0
    site_key: str = field(init=False)  # known also after the transaction that read ``site`` has ended

    def __post_init__(self) -> None:
        object.__setattr__(self, "site_key", self.site.key)

    @classmethod
    def find(cls, site_key: str, address: str) -> Self:
        """Return the article at an address; raises ``NotFound`` if there is no such site, or it is too long."""
        return cls._at(site_key, threads.key_of(address))

    @classmethod
    def at(cls, site: Site, key: str) -> Self:
        """Return the article of a site with a normalised key."""
        return cls(site, key, Thread.at(site, key))

    @classmethod
    def _at(cls, site_key: str, key: str) -> Self:
        known = configuration.latest()
        version, thread = db.session.execute(QUESTION, {"site": known.site_id(site_key), "key": key}).one()
        current = configuration.of_version(version)
        if current is not known:
            _, thread = db.session.execute(QUESTION, {"site": current.site_id(site_key), "key": key}).one()
        return cls(current.site(site_key), key, thread, version)

    def for_writing(self) -> Self:
        """Begin a transaction that writes; return the article as it is now."""
        site_id, thread = self.site.id, self.thread
        known = tuple(getattr(thread, name) for name in DECIDED) if thread else (None,) * len(DECIDED)
        db.begin_write(keep=True)
        asked = {"site": site_id, "key": self.key}
        if db.session.connection().execute(COMPARISON, asked).one() == (self.version, *known):
            configuration.of_version(self.version)
            return self
        db.session.expire_all()
        return self.again()

    def again(self) -> Self:
        """Return the same article as it is now."""
        return self._at(self.site_key, self.key)

    @property
    def own_key(self) -> str:
        """The thread's own key."""
        return self.thread.key if self.thread else self.key

    @property
    def url(self) -> str:
        """The article's address."""
        return self.thread.url if self.thread else links.article(self.site.home, self.key)

    @property
    def title(self) -> str:
        """The article's title, if known."""
        return self.thread.title if self.thread else ""

    @property
    def challenge_place(self) -> str:
        """What challenges are bound to."""
        return challenge.place_of(self.site.key, self.key)

    @property
    def captcha_rule(self) -> Captcha:
        """Who must solve a challenge here."""
        return self.thread.captcha_rule if self.thread else self.site.captcha

    @property
    def moderation_rule(self) -> Moderation:
        """Whose comments are held here."""
        return self.thread.moderation_rule if self.thread else self.site.moderation

    def check_open(self) -> None:
        """Raise ``ThreadClosed`` if nothing more may be written."""
        threads.check_open(self.thread)
