"""Find the thread of an article, or open it when the first comment or ping is accepted."""

from datetime import datetime

from commentsvc import clock, links
from commentsvc.db import db
from commentsvc.errors import NotFound, ThreadClosed, WrongOrigin
from commentsvc.models.site import Site
from commentsvc.models.thread import Access, Thread


def key_of(address: str) -> str:
    """The thread key for an address; raises ``NotFound`` for one that is too long to be an article's."""
    try:
        key = links.thread_key(address)
    except ValueError:
        raise NotFound from None
    if len(key) > links.MAX_KEY_LENGTH:
        raise NotFound
    return key


def article_url(site: Site, claimed: str | None) -> str | None:
    """Where the article's page says that it is.

    Raises:
        WrongOrigin: at an address that is not one of the site's.
    """
    if not claimed:
        return None
    url = links.plain(claimed)
    if url is None or links.origin_of(url) not in site.origins:
        raise WrongOrigin
    return url


def check_open(thread: Thread | None) -> None:
    """Raises ``ThreadClosed`` where nothing more may be written."""
    if thread is not None and not is_open(thread):
        raise ThreadClosed


def is_open(thread: Thread) -> bool:
    """Whether a thread takes comments: not closed by hand, not older than the rule allows."""
    closes = thread.closes_at
    return thread.access == Access.OPEN and (closes is None or clock.now() < closes)


def closed_since(thread: Thread) -> datetime | None:
    """When a thread that is closed was, by hand or by its age, as far as is known."""
    return thread.closes_at if thread.access == Access.OPEN else thread.closed_at


def find_or_open(site: Site, key: str) -> Thread:
    """The thread under ``key``; opened now where this is the first writing."""
    return Thread.at(site, key) or opened(site, key)


def opened(site: Site, key: str) -> Thread:
    """A new thread under ``key``, or the one that somebody else opened this very moment."""
    url = links.article(site.home, key)
    if len(url) > links.MAX_ADDRESS_LENGTH:
        raise NotFound
    thread = Thread(site_id=site.id, site=site, key=key, url=url)
    return db.add_or_find(thread, lambda: Thread.at(site, key))
