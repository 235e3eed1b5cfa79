"""The queue of our own articles: each is read, and a linkback is enqueued for each of its links."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select

from commentsvc import clock, configuration, links, safe_http
from commentsvc.db import db
from commentsvc.errors import N_, READING_INTERRUPTED, NotFound, PermanentFailure, WrongOrigin, reason_to_store
from commentsvc.linkbacks import article_page
from commentsvc.linkbacks.article_page import ParsedArticle
from commentsvc.linkbacks.fetched_pages import GONE, STATUS
from commentsvc.models.announcement import Announcement, AnnouncementState
from commentsvc.models.moderator import Moderator
from commentsvc.models.sent_linkback import SendingState, SentLinkback
from commentsvc.models.site import Site
from commentsvc.safe_http import FetchFailed

LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=5)
MAX_TRIES = 6
PAGE_SIZE = 20


@dataclass(frozen=True)
class ClaimedArticle:
    """An announced article, leased to be read."""

    announcement_id: int
    url: str
    own_origins: list[str]
    leases_links: bool = False  # to the process that reads the article, so that no other one sends them


def announce(url: str, fingerprint: str = "") -> Announcement:
    """Enqueue an article, so that linkbacks are sent to the pages it links to.

    Raises:
        WrongOrigin: it is not a page of a site.
    """
    address = links.plain(url) or ""
    try:
        site = configuration.current().site_at(links.origin_of(address) or "")
    except NotFound:
        raise WrongOrigin from None
    article = of_article(site, address) or Announcement(
        site_id=site.id, site=site, url=address, url_hash=_hash(address)
    )
    article.requeue()
    article.fingerprint = fingerprint or article.fingerprint or ""
    db.session.add(article)
    db.session.flush()
    return article


def mark_existing(site: Site, url: str, fingerprint: str) -> None:
    """Remember an article without sending anything."""
    old = {"state": AnnouncementState.PREEXISTING, "fingerprint": fingerprint}
    db.session.add(Announcement(site_id=site.id, site=site, url=url, url_hash=_hash(url), **old))


def of_article(site: Site, url: str) -> Announcement | None:
    """Return the announcement of an article, if there is one."""
    same = select(Announcement).where(Announcement.site_id == site.id, Announcement.url_hash == _hash(url))
    return db.session.scalar(same)


def claim(announcement_id: int | None = None) -> ClaimedArticle | None:
    """Lease the article that is due next, or the one with this id."""
    others = Announcement.id != announcement_id if announcement_id else None
    for row in Announcement.claim(1, LEASE, but_not=others):
        own_origins = [*row.site.origins, links.own_origin()]
        claimed = ClaimedArticle(row.id, row.url, own_origins, leases_links=announcement_id is not None)
        if row.tries < MAX_TRIES:
            return claimed
        retry(claimed, READING_INTERRUPTED)
    return None


def perform(claimed: ClaimedArticle) -> ParsedArticle:
    """Read the article; one that is gone has no links.

    Raises:
        safe_http.FetchRefused, safe_http.FetchFailed
    """
    page = safe_http.fetch(claimed.url)
    if page.status in GONE:
        return ParsedArticle(claimed.url, "", "", [], is_gone=True)
    if not page.is_success:
        raise FetchFailed(STATUS, status=page.status)
    return article_page.read(page, claimed.own_origins)


def complete(claimed: ClaimedArticle, article: ParsedArticle) -> None:
    """Enqueue a linkback for each link of an article, and for each removed one that was accepted."""
    row = db.session.get_one(Announcement, claimed.announcement_id)
    if row.leased_until is not None:  # else it was announced again while we read it
        row.state, row.leased_until = AnnouncementState.READ, None
    row.reason = ""
    row.title, row.excerpt = article.title or row.title, article.excerpt or row.excerpt
    rows = {sent.target: sent for sent in db.session.scalars(_links_of(row))}
    for target in article.links:
        if target not in rows:
            rows[target] = SentLinkback(
                announcement_id=row.id, announcement=row, target=target, target_hash=_hash(target)
            )
            db.session.add(rows[target])
    db.session.flush()
    if article.is_gone and not rows:
        row.state, row.reason = AnnouncementState.FAILED, N_("there is no such page")
    for sent in rows.values():
        sent.is_linked = sent.target in article.links
    queued = [sent for sent in rows.values() if sent.is_linked or sent.is_known]
    for sent in queued:
        sent.requeue()
        sent.leased_until = clock.now() + LEASE * len(queued) if claimed.leases_links else None


def leased_links(claimed: ClaimedArticle) -> list[SentLinkback]:
    """Return the linkbacks of an article that are leased to whoever had it read."""
    rows = select(SentLinkback).where(SentLinkback.announcement_id == claimed.announcement_id)
    leased = (SentLinkback.state == SendingState.QUEUED) & SentLinkback.leased_until.is_not(None)
    return list(db.session.scalars(rows.where(leased).order_by(SentLinkback.id)))


def unread(who: Moderator) -> list[Announcement]:
    """Return articles of a moderator's sites that could not be read so far, newest first."""
    theirs = select(Announcement).where(Announcement.reason != "", who.may_see(Announcement.site_id))
    return list(db.session.scalars(theirs.order_by(Announcement.id.desc()).limit(PAGE_SIZE)))


def retry(claimed: ClaimedArticle, reason: str) -> None:
    """Retry later; six attempts in all."""
    row = db.session.get_one(Announcement, claimed.announcement_id)
    row.reason = reason
    if not row.postpone(FIRST_GAP, MAX_TRIES):
        row.state = AnnouncementState.FAILED


def give_up(claimed: ClaimedArticle, failure: PermanentFailure) -> None:
    """Retry, too: the address may be allowed later."""
    retry(claimed, reason_to_store(failure))


def _links_of(row: Announcement) -> Select[SentLinkback]:
    return select(SentLinkback).where(SentLinkback.announcement_id == row.id).order_by(SentLinkback.id)


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
