"""The one way in for all three protocols: cheap local checks, a row; later the source is read and judged."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from commentsvc import clock, links, safe_http
from commentsvc.comments import posting, threads
from commentsvc.db import db
from commentsvc.errors import N_, Banned, PingRefused, ThreadClosed
from commentsvc.linkbacks import source_page
from commentsvc.markup import sanitize
from commentsvc.models.comment import Kind
from commentsvc.models.ping import Ping, PingState
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import bans
from commentsvc.moderation.evidence import Circumstances
from commentsvc.moderation.stranger import Stranger

LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=2)
MOST_TRIES = 5
MOST_WAITING = 1000
MOST_OF_HOST = 60  # in an hour
NOT_BEFORE = timedelta(minutes=10)  # the same source is not fetched again


class AlreadyKnown(PingRefused):
    """The same source for the same article."""

    sentence = N_("We already have a ping from this address for this article.")


class OwnPage(PingRefused):
    """A page of the very site that is pinged, or of this service."""

    sentence = N_("An article cannot ping itself.")


class NotAccepting(PingRefused):
    """Closed, or switched off for the site."""

    sentence = N_("This article accepts no pings.")


class QueueFull(PingRefused):
    """More waiting than we are willing to fetch."""

    sentence = N_("Too many pings are waiting. Please try again later.")


@dataclass(frozen=True)
class Offer:
    """What a ping claims: that ``source`` links to the article."""

    protocol: Kind
    source: str
    title: str = ""
    excerpt: str = ""
    blog_name: str = ""


@dataclass(frozen=True)
class Claim:
    """A ping leased for verification: what is needed to fetch it without the database."""

    ping_id: int
    source: str
    target: str
    excerpt: str


def receive(site: Site, key: str, offer: Offer, address_hash: str | None) -> Ping:
    """Take a ping for later verification; writes.

    Raises:
        PingRefused: own page, known already, closed, or too many waiting.
    """
    if not site.trackbacks:
        raise NotAccepting
    thread = Thread.at(site, key)
    try:
        threads.check_open(site, thread)
    except ThreadClosed:
        raise NotAccepting from None
    origin = links.origin_of(offer.source)
    if origin is None or origin == links.origin_of(links.absolute("/")):
        raise OwnPage
    target = thread.url if thread else links.article(site.home, key)
    if links.same_page(offer.source, target):
        raise OwnPage
    _check_ban(site, offer)
    _check_budget(offer.source)
    return _stored(site, key, target, offer, address_hash)


def claim() -> Claim | None:
    """The ping that is due first, leased to the caller; writes."""
    for ping in Ping.claim(1, LEASE):
        return Claim(ping.id, ping.source, ping.target, ping.excerpt)
    return None


def look(claimed: Claim) -> source_page.Finding:
    """Read the source; no database, as it may take its time.

    Raises:
        source_page.NoLink, safe_http.FetchRefused, safe_http.FetchFailed
    """
    return source_page.read(safe_http.fetch(claimed.source), claimed.target)


def accept(claimed: Claim, finding: source_page.Finding) -> None:
    """The source really links to the article: make it a linkback in the thread; writes."""
    ping = db.session.get_one(Ping, claimed.ping_id, with_for_update=True)
    if ping.state != PingState.QUEUED:
        return  # another worker was faster
    excerpt = ping.excerpt or finding.excerpt
    mention = posting.Mention(
        kind=Kind(ping.protocol),
        source=ping.source,
        title=ping.title if ping.title != ping.source else finding.title or ping.title,
        excerpt=excerpt,
        excerpt_html=sanitize.clean(f"<p>{escape(excerpt)}</p>" if excerpt else ""),
        blog_name=ping.blog_name,
        circumstances=Circumstances(
            pings=_of_same_blog(ping), links_out=finding.links, is_made_up=not finding.says(ping.excerpt)
        ),
    )
    try:
        comment = posting.post_linkback(ping.site, ping.key, mention)
    except ThreadClosed:
        raise NotAccepting from None
    ping.state, ping.comment_id, ping.reason, ping.leased_until = PingState.VERIFIED, comment.id, "", None
    ping.tries += 1


def refuse(claimed: Claim, reason: str) -> None:
    """The source does not link to the article, or may not be read; writes."""
    ping = db.session.get_one(Ping, claimed.ping_id)
    ping.state, ping.reason, ping.leased_until, ping.due_at = PingState.REFUSED, reason[:300], None, clock.now()
    ping.tries += 1


def postpone(claimed: Claim, reason: str) -> None:
    """The source could not be had: again later, five times in all; writes."""
    ping = db.session.get_one(Ping, claimed.ping_id)
    ping.reason = reason[:300]
    if not ping.postpone(FIRST_GAP, MOST_TRIES):
        ping.state = PingState.FAILED


def _of_same_blog(ping: Ping) -> int:
    """How many pings of the same host came within a day, this one among them; counted up to ``MOST_OF_HOST``."""
    since = clock.now() - timedelta(days=1)
    same = select(Ping.id).where(Ping.source_host == ping.source_host, Ping.created_at > since).limit(MOST_OF_HOST)
    return db.session.scalar(select(func.count()).select_from(same.subquery())) or 0


def _host(source: str) -> str:
    return (urlsplit(source).hostname or "").rstrip(".")


def _check_ban(site: Site, offer: Offer) -> None:
    said = "\n".join((offer.blog_name, offer.title, offer.excerpt))
    try:
        bans.check(site, Stranger(website=offer.source, said=said))
    except Banned:
        raise NotAccepting from None


def _check_budget(source: str) -> None:
    waiting = select(func.count(Ping.id)).where(Ping.state == PingState.QUEUED)
    if (db.session.scalar(waiting) or 0) >= MOST_WAITING:
        raise QueueFull
    since = clock.now() - timedelta(hours=1)
    of_host = select(func.count(Ping.id)).where(Ping.source_host == _host(source), Ping.due_at > since)
    if (db.session.scalar(of_host) or 0) >= MOST_OF_HOST:
        raise QueueFull


def _stored(site: Site, key: str, target: str, offer: Offer, address_hash: str | None) -> Ping:
    source_hash = hashlib.sha256(offer.source.partition("#")[0].encode()).hexdigest()
    known = select(Ping).where(Ping.site_id == site.id, Ping.key == key, Ping.source_hash == source_hash)
    if earlier := db.session.scalar(known):
        return _tried_again(earlier)
    ping = Ping(
        protocol=offer.protocol,
        site_id=site.id,
        site=site,
        key=key,
        target=target,
        source=offer.source,
        source_hash=source_hash,
        source_host=_host(offer.source),
        title=offer.title,
        excerpt=offer.excerpt,
        blog_name=offer.blog_name,
        address_hash=address_hash,
    )
    try:
        with db.session.begin_nested():
            db.session.add(ping)
    except IntegrityError:
        raise AlreadyKnown from None
    return ping


def _tried_again(ping: Ping) -> Ping:
    """A source that had no link, or could not be read, may have one now; anything else is known already."""
    if ping.state not in (PingState.REFUSED, PingState.FAILED):
        raise AlreadyKnown
    ping.state, ping.tries, ping.leased_until = PingState.QUEUED, 0, None
    ping.due_at = max(clock.now(), ping.due_at + NOT_BEFORE)
    return ping
