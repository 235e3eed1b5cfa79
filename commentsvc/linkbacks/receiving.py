"""Receive linkbacks of all three protocols: cheap local checks, and a row that is verified later."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from urllib.parse import unquote, urlsplit

from sqlalchemy import Select, bindparam, func, select

from commentsvc import clock, configuration, links
from commentsvc.db import db
from commentsvc.errors import N_, Banned, NotFound, PingRefused, ThreadClosed, TooMany
from commentsvc.fields import row_id
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.ping import MIN_FETCH_INTERVAL, Ping, PingState
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import bans
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.threads import threads
from commentsvc.threads.articles import Article

MAX_WAITING = 1000
MAX_OF_SENDER = 100  # waiting
SHARE_OF_SENDER = 2  # one sender gets at most half of the total
MAX_OF_HOST = 60  # in an hour
MAX_FOR_ARTICLE = 120  # in an hour
FINAL_STATES = (PingState.REFUSED, PingState.FAILED, PingState.WITHDRAWN)
HIDDEN = re.compile(r"[\s\x00-\x20\x7f\ud800-\udfff\ufffe\uffff]")
COMMENT = re.compile(r"(?:#comment-|[?&]comment=|/comments/)(\d+)$")


class SourceInvalid(PingRefused):
    """Not a web address."""

    sentence = N_("The source is not a complete web address.")
    fault = 16


class TargetUnknown(PingRefused):
    """Not an article of any site here."""

    sentence = N_("The target is not an article on this server.")
    fault = 32


class AlreadyKnown(PingRefused):
    """The same source for the same article."""

    sentence = N_("This page has already been registered for this article.")
    fault = 48


class IsTheTarget(PingRefused):
    """The source is the target itself, or a page of this service."""

    sentence = N_("An article cannot mention itself.")


class NotAccepting(PingRefused):
    """Closed, or disabled for the site."""

    sentence = N_("This article does not accept mentions.")
    fault = 33


class TooManyPings(TooMany):
    """More from one sender than we are willing to fetch."""

    sentence = N_("Too many mentions in a short time. Please wait %(seconds)d seconds and try again.")


class QueueFull(PingRefused):
    """More pending than we are willing to fetch."""

    status = 429
    sentence = N_("Too many mentions are waiting to be checked. Please try again later.")


@dataclass(frozen=True)
class LinkbackRequest:
    """What a ping claims: ``source`` links to ``target``, or to the article if no target is given."""

    protocol: Kind
    source: str
    target: str = ""
    title: str = ""
    excerpt: str = ""
    blog_name: str = ""


def article_at(target: str) -> Article:
    """Return the article at an address, which may also be that of our own page about it.

    Raises:
        TargetUnknown: there is no such site.
    """
    if len(target) > links.MAX_ADDRESS_LENGTH or HIDDEN.search(target):
        raise TargetUnknown
    try:
        if own := _own_page(target):
            return own
        site = configuration.current().site_at(links.origin_of(target) or "")
        article = Article.at(site, threads.key_of(target))
    except NotFound:
        raise TargetUnknown from None
    thread = article.thread or Thread.of_article(site, target)
    return Article(site, thread.key if thread else article.key, thread)


def _own_page(target: str) -> Article | None:
    """Return the article of our own page that somebody links to, or of a comment on it."""
    place = links.below_base_url(target)
    if place is None:
        return None
    if comment := answered(place):
        return Article(comment.thread.site, comment.thread.key, comment.thread)
    path = place.partition("?")[0]
    if not path.startswith("/t/"):
        raise NotFound
    site_key, _, key = path.removeprefix("/t/").partition("/")
    return Article.find(site_key, links.with_bytes(unquote(key, errors=links.BYTES)))  # decoded once, as in a route


def answered(target: str) -> Comment | None:
    """Return the comment that a target names, if any."""
    named = COMMENT.search(target)
    number = row_id(named[1]) if named else None
    return db.session.get(Comment, number) if number else None


def receive(article: Article, request: LinkbackRequest, address_hash: str | None) -> Ping:
    """Store a ping for later verification; a repeated one is verified again.

    Raises:
        PingRefused: not a web address, own page, already known, closed, or too many pending.
    """
    site, key = article.site, article.key
    if not site.takes(request.protocol):
        raise NotAccepting
    try:
        article.check_open()
    except ThreadClosed:
        raise NotAccepting from None
    _check_source(request.source, article.url)
    _check_ban(site, request)
    _check_budget(site, key, request.source, address_hash)
    return _store(site, key, request.target or article.url, request, address_hash)


def host_of(source: str) -> str:
    """Return the host in the form that budgets are counted by."""
    return links.host_of(source) or (urlsplit(source).hostname or "")


def _check_source(source: str, target: str) -> None:
    if len(source) > links.MAX_ADDRESS_LENGTH or HIDDEN.search(source):
        raise SourceInvalid
    origin = links.origin_of(source)
    if origin is None:
        raise SourceInvalid
    if origin == links.own_origin() or links.same_page(source, target):
        raise IsTheTarget


def _check_ban(site: Site, request: LinkbackRequest) -> None:
    text = "\n".join((request.blog_name, request.title, request.excerpt))
    try:
        bans.check(site, AuthorIdentity(website=request.source, text=text))
    except Banned:
        raise NotAccepting from None


def _check_budget(site: Site, key: str, source: str, address_hash: str | None) -> None:
    values = {
        "lately": clock.now() - timedelta(hours=1),
        "host": host_of(source),
        "site": site.id,
        "key": key,
        "sender": address_hash,
    }
    used = db.session.connection().execute(_used(), values).one()
    shared = (MAX_WAITING, MAX_OF_HOST, MAX_FOR_ARTICLE)
    budgets = (*shared, *(most // SHARE_OF_SENDER for most in shared), MAX_OF_SENDER)
    if any(number >= most for number, most in zip(used, budgets, strict=True)):
        raise QueueFull


@cache
def _used() -> Select[*tuple[int, ...]]:
    """Return how much of each budget is used, in total and by the sender, in one query."""
    # What has failed waits for hours; it must not keep others out.
    is_new = (Ping.state == PingState.QUEUED) & (Ping.tries == 0)
    is_fetch = is_new | (Ping.checked_at > bindparam("lately"))
    is_senders = Ping.address_hash == bindparam("sender")
    shared = (
        is_new,
        (Ping.source_host == bindparam("host")) & is_fetch,
        (Ping.site_id == bindparam("site")) & (Ping.key == bindparam("key")) & is_fetch,
    )
    counted = (*shared, *(one & is_senders for one in shared), (Ping.state == PingState.QUEUED) & is_senders)
    return select(*(select(func.count(Ping.id)).where(one).scalar_subquery() for one in counted))


def _store(site: Site, key: str, target: str, request: LinkbackRequest, address_hash: str | None) -> Ping:
    source_hash = hashlib.sha256(request.source.partition("#")[0].encode()).hexdigest()
    same = select(Ping).where(Ping.site_id == site.id, Ping.key == key, Ping.source_hash == source_hash)
    if known := db.session.scalar(same):
        return _handle_repeat(known, request, target)
    ping = Ping(
        protocol=request.protocol,
        site_id=site.id,
        site=site,
        key=key,
        target=target,
        source=request.source,
        source_hash=source_hash,
        source_host=host_of(request.source),
        title=request.title,
        excerpt=request.excerpt,
        blog_name=request.blog_name,
        address_hash=address_hash,
    )
    stored = db.add_or_find(ping, lambda: db.session.scalar(same))
    return stored if stored is ping else _handle_repeat(stored, request, target)


def _handle_repeat(ping: Ping, request: LinkbackRequest, target: str) -> Ping:
    """Enqueue a repeated ping for verification, and return it; raise ``AlreadyKnown`` if it needs none.

    Any webmention does; of the others, only those that failed.
    """
    if request.protocol != Kind.WEBMENTION and ping.state not in FINAL_STATES:
        raise AlreadyKnown
    if ping.state == PingState.QUEUED and ping.protocol == request.protocol:
        return ping
    ping.protocol = request.protocol
    ping.title, ping.excerpt, ping.blog_name = request.title, request.excerpt, request.blog_name
    ping.is_resent = ping.comment_id is not None
    if not ping.is_resent:  # from another address, it changes nothing about what is shown
        ping.target = target
    ping.state, ping.tries = PingState.QUEUED, min(ping.tries, 1)
    ping.due_at = max(clock.now(), ping.checked_at + MIN_FETCH_INTERVAL) if ping.checked_at else clock.now()
    return ping
