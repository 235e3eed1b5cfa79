"""An article as addresses name it: its site, its key, and its thread, if there is one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from commentsvc import configuration, links
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.models.configuration import Configuration
from commentsvc.models.site import Captcha, Moderation, Site
from commentsvc.models.thread import CHANGED_BY_COMMENTS, HAS_KEY, Thread
from commentsvc.prepared import Prepared
from commentsvc.threads import threads

# Whoever writes must find all others as they were read.
COLUMNS = sorted(Thread.__table__.columns.keys(), key=lambda name: (name in CHANGED_BY_COMMENTS, name != "id"))
COMPARED_COLUMNS = 1 + len(COLUMNS) - len(CHANGED_BY_COMMENTS)
# The thread and, in the same query, whether this process's configuration is current.
ARTICLE_QUERY = Prepared(
    lambda: select(Configuration.version, *(getattr(Thread, name) for name in COLUMNS)).outerjoin(Thread, HAS_KEY)
)


@dataclass(frozen=True)
class Article:
    """``key`` is the one asked for, which may be an alias of ``thread``.

    ``seen`` is what must be the same when something is written, if known: the version of the configuration ``site``
    is from, and what the thread's row holds.
    """

    site: Site
    key: str
    thread: Thread | None
    seen: Sequence[Any] = ()
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
        row = _row(known.site_id(site_key), key)
        current = configuration.of_version(row[0])
        if current is not known:
            row = (row[0], *_row(current.site_id(site_key), key)[1:])
        site = current.site(site_key)
        return cls(site, key, _thread(row, site), row[:COMPARED_COLUMNS])

    def for_writing(self) -> Self:
        """Begin a transaction that writes; return the article as it is now, if somebody could change it meanwhile."""
        if not db.begin_write(keep=True):
            return self  # it was read in this transaction, a moment ago
        row = _row(self.site.id, self.key)
        if row[:COMPARED_COLUMNS] == self.seen:
            configuration.of_version(row[0])
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
    def challenge_scope(self) -> str:
        """What challenges are bound to."""
        return challenge.scope_of(self.site.key, self.key)

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


def _row(site_id: int, key: str) -> tuple[Any, ...]:
    return ARTICLE_QUERY.fetch_one({"site": site_id, "key": key})


def _thread(row: Sequence[Any], site: Site) -> Thread | None:
    values = dict(zip(COLUMNS, ARTICLE_QUERY.to_python(row)[1:], strict=True))
    if values["id"] is None:
        return None
    present: Thread | None = db.session().identity_map.get(identity_key(Thread, values["id"]))
    if present is not None:
        return present
    thread = Thread()
    db.attach(thread, values)
    set_committed_value(thread, "site", site)
    return thread
