"""Watch a site's feed, and announce new and changed articles."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

from sqlalchemy import select

from commentsvc import clock, links, safe_http
from commentsvc.db import db
from commentsvc.errors import N_, READING_INTERRUPTED, PermanentFailure, reason_to_store
from commentsvc.linkbacks import announcing, fetched_pages
from commentsvc.markup import plain_text
from commentsvc.models.announcement import AnnouncementState
from commentsvc.models.moderator import Moderator
from commentsvc.models.watched_feed import WatchedFeed
from commentsvc.safe_http import FetchedPage, FetchFailed

LEASE = timedelta(minutes=2)
PAUSE = timedelta(minutes=15)
PAUSE_AFTER_FAILURE = timedelta(hours=1)
MAX_TRIES = 3  # where each ends with its process
MAX_ENTRIES = 200
NOT_MODIFIED = 304
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.8, */*;q=0.1"


@dataclass(frozen=True)
class ClaimedFeed:
    """A leased feed."""

    feed_id: int
    url: str
    conditions: dict[str, str]


@dataclass(frozen=True)
class Entry:
    """An article in a feed; its ``fingerprint`` changes when the feed's content about it does."""

    url: str
    fingerprint: str


def all_feeds(who: Moderator) -> list[WatchedFeed]:
    """Return every watched feed of a moderator's sites."""
    theirs = select(WatchedFeed).where(who.may_see(WatchedFeed.site_id))
    return list(db.session.scalars(theirs.order_by(WatchedFeed.id)))


def claim() -> ClaimedFeed | None:
    """Lease the feed that is due next."""
    for feed in WatchedFeed.claim(1, LEASE):
        conditions = {"If-None-Match": feed.etag, "If-Modified-Since": feed.last_modified}
        claimed = ClaimedFeed(feed.id, feed.url, {name: value for name, value in conditions.items() if value})
        if feed.tries < MAX_TRIES:
            return claimed
        retry(claimed, READING_INTERRUPTED)
    return None


def perform(watched: ClaimedFeed) -> tuple[FetchedPage, list[Entry]]:
    """Fetch the feed and its articles; no articles with status 304.

    Raises:
        safe_http.FetchRefused, safe_http.FetchFailed
    """
    page = safe_http.fetch(watched.url, ACCEPT, watched.conditions)
    if page.status != NOT_MODIFIED and not page.is_success:
        raise FetchFailed(N_("the feed answers with status %(status)d"), status=page.status)
    return page, entries(page) if page.status != NOT_MODIFIED else []


def entries(page: FetchedPage) -> list[Entry]:
    """Return the articles of a feed: Atom, or any RSS.

    Raises:
        safe_http.FetchFailed: this is not a feed.
    """
    import feedparser  # large, and only needed where feeds are watched

    content_type = f"{page.content_type or 'application/xml'}; charset=utf-8"
    headers = {"content-location": page.url, "content-type": content_type}
    feed = feedparser.parse(BytesIO(_in_utf8(page)), response_headers=headers, sanitize_html=False)
    if not feed.entries and not feed.get("version"):
        raise FetchFailed(N_("this is not a feed"))
    texts: dict[str, str] = {}
    for entry in feed.entries[:MAX_ENTRIES]:
        if url := links.plain(str(entry.get("link", "")).strip().replace(" ", "%20")):
            parts = (str(entry.get(name, "")) for name in ("title", "updated", "summary", "content"))
            texts[url] = "\n".join((texts.get(url, ""), *parts))  # several entries may be about one article
    return [Entry(url, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()) for url, text in texts.items()]


def _in_utf8(page: FetchedPage) -> bytes:
    """Return a feed decoded as browsers do, since the library knows other labels than the web."""
    return plain_text.without_declaration(fetched_pages.decoded_xml(page)).encode()


def complete(watched: ClaimedFeed, found: tuple[FetchedPage, list[Entry]]) -> None:
    """Announce new and changed articles. The first read of a feed records its articles without announcing them."""
    feed = db.session.get(WatchedFeed, watched.feed_id)
    if feed is None:
        return
    page, articles = found
    for entry in articles:
        if links.origin_of(entry.url) in feed.site.origins:
            _process_entry(feed, entry)
    if page.status != NOT_MODIFIED:
        feed.etag = page.headers.get("etag", "")[:300]
        feed.last_modified = page.headers.get("last-modified", "")[:100]
        feed.is_read = True
    _reschedule(feed, PAUSE, "")


def retry(watched: ClaimedFeed, reason: str) -> None:
    """Try again in an hour."""
    if (feed := db.session.get(WatchedFeed, watched.feed_id)) is not None:
        _reschedule(feed, PAUSE_AFTER_FAILURE, reason)


def give_up(watched: ClaimedFeed, failure: PermanentFailure) -> None:
    """Retry as well: the address may be allowed later."""
    retry(watched, reason_to_store(failure))


def _process_entry(feed: WatchedFeed, entry: Entry) -> None:
    known = announcing.of_article(feed.site, entry.url)
    if known is None and not feed.is_read:
        announcing.mark_existing(feed.site, entry.url, entry.fingerprint)
    elif known is None or (known.fingerprint and known.fingerprint != entry.fingerprint):
        announcing.announce(entry.url, entry.fingerprint)
    elif known.state != AnnouncementState.PREEXISTING:
        known.fingerprint = entry.fingerprint


def _reschedule(feed: WatchedFeed, pause: timedelta, reason: str) -> None:
    feed.due_at, feed.leased_until, feed.tries, feed.reason = clock.now() + pause, None, 0, reason
