"""Atom feeds (RFC 4287) of a thread and of a site, with threading (RFC 4685)."""

from datetime import datetime

from flask import Blueprint, Response, make_response, render_template

from commentsvc import configuration, i18n, links
from commentsvc.comments import reading
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site
from commentsvc.threads.articles import Article
from commentsvc.web import current, snapshots

CONTENT_TYPE = "application/atom+xml; charset=utf-8"

blueprint = Blueprint("feeds", __name__, url_prefix="/feed")


@blueprint.get("/<site_key>")
def of_site(site_key: str) -> Response:
    """The newest comments and linkbacks of a blog."""
    site = configuration.current().site(site_key)
    activity_version = site.activity_version  # before anything is read that may be newer
    i18n.set_language(current.site_language(site))
    response = _feed(site, reading.for_feed(site), title=site.name, page=f"{site.home}/", address=links.feed(site.key))
    return snapshots.cache_for_many(response, site, activity_version)


@blueprint.get("/<site_key>/")
@blueprint.get("/<site_key>/<key:key>")
def of_thread(site_key: str, key: str = "") -> Response:
    """The newest comments and linkbacks of a thread; empty where nobody has written yet."""
    article = Article.find(site_key, key)
    site, key = article.site, article.key
    i18n.set_language(current.site_language(site))
    found = reading.for_feed(site, article.thread) if article.thread else []
    title = article.title or key or site.name
    response = _feed(site, found, title=title, page=links.thread_page(site.key, key), address=links.feed(site.key, key))
    return snapshots.cache(response, article)


def _feed(site: Site, comments: list[Comment], title: str, page: str, address: str) -> Response:
    xml = render_template(
        "feeds/atom.xml",
        comments=comments,
        title=title,
        page=page,
        address=address,
        updated=_updated(site, comments),
        identity=_identity,
    )
    response = make_response(xml)
    response.headers["Content-Type"] = CONTENT_TYPE
    return response


def _updated(site: Site, comments: list[Comment]) -> datetime:
    return max((comment.edited_at or comment.created_at for comment in comments), default=site.created_at)


def _identity(comment: Comment | int) -> str:
    """Return an id that stays when threads are moved or renamed."""
    comment_id = comment if isinstance(comment, int) else comment.id
    return links.comment_itself(comment_id)
