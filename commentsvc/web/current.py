"""The current request: which site, which client, which language."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from flask import request
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import configuration, i18n, settings, throttle
from commentsvc.comments import reading
from commentsvc.comments.reading import Order, ThreadPage
from commentsvc.db import db
from commentsvc.errors import Refusal
from commentsvc.hosts import ip_of
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site, View
from commentsvc.threads.articles import Article
from commentsvc.web.options import choice, int_arg


def site_asked_for() -> Site | None:
    """Return the site that the address names, so that its pages may read why they were refused."""
    named = request.view_args or {}
    key = named.get("site_key") or request.args.get("site")
    try:
        if "comment_id" in named:
            comment = db.session.get(Comment, named["comment_id"])
            return comment.thread.site if comment else None
        return configuration.current().site(key) if key else None
    except (Refusal, SQLAlchemyError):
        db.session.rollback()
        return None


def site_of_origin() -> Site | None:
    """Return a site whose pages send this request, where only its body, which is not here yet, names the site."""
    try:
        return configuration.current().site_at(request.headers.get("Origin", ""))
    except (Refusal, SQLAlchemyError):
        db.session.rollback()
        return None


def article_for_reader(site_key: str, key: str) -> Article:
    """Return an article, and set the language to its reader's."""
    article = Article.find(site_key, key)
    i18n.set_language(reader_language(article.site))
    return article


def page_asked_for(article: Article) -> ThreadPage:
    """Return the page of a thread that ``?view=&sort=&page=`` asks for."""
    order = choice("sort", Order) or Order.OLDEST
    return reading.read(article, choice("view", View), order, int_arg("page") or 1)


def page_of_comment_asked_for(article: Article) -> int | None:
    """Return the page with the comment of ``?comment=``, if it is in this thread."""
    comment = reading.visible(article.thread, int_arg("comment")) if "comment" in request.args else None
    view, order = choice("view", View) or View(article.site.view), choice("sort", Order) or Order.OLDEST
    return reading.page_of(article.site, comment, view, order) if comment else None


def address() -> str:
    """Return the client's address: the socket's, or the one a trusted proxy gives; empty if invalid."""
    peer = request.remote_addr or ""
    claimed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    while claimed and _is_trusted(peer):
        peer = _without_port(claimed.pop())
    return peer if _ip(peer) else ""


def has_unknown_proxy() -> bool:
    """Return whether forwarding headers come from a proxy that is not trusted."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    return forwarded and not _is_trusted(request.remote_addr or "")


def _without_port(text: str) -> str:
    """Remove the port: ``192.0.2.1:80``, ``[2001:db8::1]:80``."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def source() -> str:
    """Return what limits are counted by."""
    return throttle.source_of(address())


def neighbourhood() -> str:
    """Return the wider network whose limits are counted together."""
    return throttle.neighbourhood_of(address())


def address_hash() -> str | None:
    """Return a keyed hash of the address, to be stored; None if it is unknown."""
    known = address()
    return throttle.hash_of(known) if known else None


def reader_language(site: Site | None = None) -> str:
    """Return ``?lang=``, else what the browser prefers, else the site's language."""
    if language := request.args.get("lang"):
        return i18n.nearest(language, site.language if site else None)
    preferred = [tag for tag, _ in request.accept_languages]
    return i18n.nearest(*preferred, site.language if site else None)


def site_language(site: Site) -> str:
    """Return ``?lang=``, else the site's language: independent of the reader, so responses can be shared."""
    return i18n.nearest(request.args.get("lang"), site.language)


def _is_trusted(peer: str) -> bool:
    one = _ip(peer)
    return one is not None and any(one in network for network in settings.current().trusted_proxies)


@lru_cache(maxsize=1024)
def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_of(text)
    except ValueError:
        return None
