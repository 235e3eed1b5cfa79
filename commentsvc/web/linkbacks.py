"""Receive trackbacks, pingbacks and webmentions."""

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, links, throttle
from commentsvc.db import db
from commentsvc.errors import Refusal, TooLarge, TooMany
from commentsvc.linkbacks import pingback, receiving, trackback, webmention
from commentsvc.linkbacks.receiving import LinkbackRequest, TooManyPings
from commentsvc.linkbacks.webmention import Status
from commentsvc.models.ping import Ping
from commentsvc.threads.articles import Article
from commentsvc.web import current

MAX_PING_SIZE = 64 * 1024  # bytes
BY_HAND = "by_hand"  # a field of our own form

blueprint = Blueprint("linkbacks", __name__)


@blueprint.post("/trackback/<site_key>/")
@blueprint.post("/trackback/<site_key>/<key:key>")
def receive_trackback(site_key: str, key: str = "") -> Response:
    """Store a trackback for verification; the response is the specification's, always with status 200."""
    body = _body()
    article = Article.find(site_key, key)
    _take(article, trackback.parse(body, request.headers.get("Content-Type", "")))
    return Response(trackback.success(), content_type=trackback.CONTENT_TYPE)


@blueprint.get("/trackback/<site_key>/")
@blueprint.get("/trackback/<site_key>/<key:key>")
def show_article(site_key: str, key: str = "") -> AnyResponse:
    """Redirect people who open the trackback address to the article."""
    return redirect(Article.find(site_key, key).url, code=302)


@blueprint.post("/pingback")
def receive_pingback() -> Response:
    """Store a pingback for verification; the response is XML-RPC, whatever the request's content type."""
    linkback_request = pingback.parse(_body())
    _take(receiving.article_at(linkback_request.target), linkback_request)
    return Response(pingback.success(linkback_request), content_type=pingback.CONTENT_TYPE)


@blueprint.post("/webmention")
def receive_webmention() -> AnyResponse:
    """Store a webmention for verification: 201 with the address of its status.

    People who use our form are redirected there, or see the form again with what is wrong.
    """
    is_by_hand = BY_HAND in request.form
    try:
        status_url = _taken_webmention()
    except Refusal as refusal:
        if not is_by_hand:
            raise
        return _form(refusal)
    if is_by_hand:
        return redirect(f"{status_url}?lang={i18n.nearest(request.args.get('lang'))}", code=303)
    response = _status(webmention.status(status_url.rpartition("/")[2]), 201)
    response.headers["Location"] = status_url
    return response


@blueprint.get("/webmention")
def show_form() -> Response:
    """Show a form for people to report a page."""
    return _form()


def _taken_webmention() -> str:
    _body()
    linkback_request = webmention.parse(request.form)
    ping = _take(receiving.article_at(linkback_request.target), linkback_request)
    return links.webmention_status(webmention.receipt(ping))


def _form(refusal: Refusal | None = None) -> Response:
    db.session.rollback()
    i18n.set_language(current.reader_language())
    typed = {name: request.values.get(name, "")[: links.MAX_ADDRESS_LENGTH] for name in ("source", "target")}
    page = render_template("linkbacks/webmention.html", typed=typed, refusal=refusal, by_hand=BY_HAND)
    return make_response(page, refusal.status if refusal else 200)


@blueprint.get("/webmention/<receipt>")
def show_status(receipt: str) -> Response:
    """Return the status of a webmention, as a page or as JSON."""
    return _status(webmention.status(receipt), 200)


def _body() -> bytes:
    body = request.get_data()
    if max(len(body), request.content_length or 0) > MAX_PING_SIZE:
        raise TooLarge
    try:
        throttle.hit(throttle.PINGS, current.source())
    except TooMany as refusal:
        raise TooManyPings(refusal.retry_after or 1) from None
    return body


def _take(article: Article, linkback_request: LinkbackRequest) -> Ping:
    ping = receiving.receive(article.for_writing(), linkback_request, current.address_hash())
    db.session.commit()
    return ping


def _status(status: Status, code: int) -> Response:
    i18n.set_language(current.reader_language())
    comment = status.comment if status.comment and status.comment.is_visible else None
    shown_at = links.comment(comment.thread.site.key, comment.thread.key, comment.id) if comment else None
    if wants_page():
        response = make_response(render_template("linkbacks/status.html", status=status, shown_at=shown_at), code)
    else:
        body = {"source": status.source, "target": status.target, "status": status.progress, "url": shown_at}
        response = make_response(jsonify(body), code)
    response.headers["Cache-Control"] = "no-store"
    response.headers.add("Vary", "Accept")
    return response


def wants_page() -> bool:
    """Return whether a browser asks; programs get JSON."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
