"""Find the thread of an article, or open it when the first comment or ping is accepted."""

from datetime import datetime, timedelta

from commentsvc import clock, links
from commentsvc.db import db
from commentsvc.errors import NotFound, ThreadClosed, WrongOrigin
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread


def key_of(address: str) -> str:
    """The thread key for an address; raises ``NotFound`` for one that is too long to be an article's."""
    try:
        key = links.thread_key(address)
    except ValueError:
        raise NotFound from None
    if len(key) > links.LONGEST_KEY:
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


def check_open(site: Site, thread: Thread | None) -> None:
    """Raises ``ThreadClosed`` where nothing more may be written."""
    if thread is not None and not is_open(site, thread):
        raise ThreadClosed


def is_open(site: Site, thread: Thread) -> bool:
    """Whether a thread takes comments: not closed by hand, not older than the site's rule allows."""
    closes = closes_on(site, thread)
    return thread.open and (closes is None or clock.now() < closes)


def closes_on(site: Site, thread: Thread) -> datetime | None:
    """When a thread is too old for comments, if the site has such a rule."""
    days = site.close_after_days
    return None if days is None else thread.created_at + timedelta(days=days)


def find_or_open(site: Site, key: str) -> Thread:
    """The thread under ``key``; opened now where this is the first writing; writes."""
    return Thread.at(site, key) or _opened(site, key)


def _opened(site: Site, key: str) -> Thread:
    thread = Thread(site_id=site.id, site=site, key=key, url=links.article(site.home, key))
    return db.add_or_find(thread, lambda: Thread.at(site, key))
