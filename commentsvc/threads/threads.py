"""Keys, addresses and titles of threads; whether one is open; how one is opened."""

import re
from datetime import datetime
from functools import lru_cache

from commentsvc import clock, links
from commentsvc.db import db
from commentsvc.errors import NotFound, ThreadClosed, WrongOrigin
from commentsvc.models.site import Site
from commentsvc.models.thread import Access, Thread

SEPARATORS = "–—|·•‹›«»/~→⋅"  # between an article's title and the blog's name


def key_of(address: str) -> str:
    """Return the thread key for an address, a path or an explicit key; raises ``NotFound`` if it is too long."""
    try:
        key = links.thread_key(address)
    except ValueError:
        raise NotFound from None
    if len(key) > links.MAX_KEY_LENGTH:
        raise NotFound
    return key


def article_url(site: Site, claimed: str | None) -> str | None:
    """Return the address that the article's page claims.

    Raises:
        WrongOrigin: it is not on one of the site's origins.
    """
    if not claimed:
        return None
    url = links.plain(claimed)
    if url is None or links.origin_of(url) not in site.origins:
        raise WrongOrigin
    return url


def article_title(site: Site, page_title: str) -> str:
    """Return a page's title without the blog's name, which most themes put before or behind the article's."""
    for pattern in _around_title(site.name):
        bare = pattern.sub("", page_title)
        if bare and bare != page_title:
            return bare
    return page_title


@lru_cache(maxsize=100)
def _around_title(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    mark = rf"\s*(?:[{SEPARATORS}]|\s[-:]\s|:\s)\s*"
    blog = re.escape(name.strip())
    return re.compile(rf"{mark}{blog}\s*\Z", re.I), re.compile(rf"\A\s*{blog}{mark}", re.I)


def check_open(thread: Thread | None) -> None:
    """Raise ``ThreadClosed`` if nothing more may be written."""
    if thread is not None and not is_open(thread):
        raise ThreadClosed


def is_open(thread: Thread) -> bool:
    """Return whether a thread takes comments: neither closed by hand nor too old."""
    closes = thread.closes_at
    return thread.access == Access.OPEN and (closes is None or clock.now() < closes)


def closed_since(thread: Thread) -> datetime | None:
    """Return when a thread was closed, by hand or by its age, if known."""
    return thread.closes_at if thread.access == Access.OPEN else thread.closed_at


def open_thread(site: Site, key: str) -> Thread:
    """Open a thread with ``key``, or return the one that somebody else opened at the same moment."""
    url = links.article(site.home, key)
    if len(url) > links.MAX_ADDRESS_LENGTH:
        raise NotFound
    thread = Thread(site_id=site.id, site=site, key=key, url=url)
    return db.add_or_find(thread, lambda: Thread.at(site, key))
