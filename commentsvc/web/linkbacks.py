"""Where other blogs ping."""

from flask import Blueprint, Response, redirect, request
from sqlalchemy.exc import DBAPIError
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, links, throttle
from commentsvc.comments import threads
from commentsvc.db import db, out_of_service
from commentsvc.errors import Refusal, StorageUnavailable
from commentsvc.linkbacks import receiving, trackback
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.web import current

LARGEST_PING = 64 * 1024  # bytes

blueprint = Blueprint("linkbacks", __name__)


@blueprint.post("/trackback/<site_key>/")
@blueprint.post("/trackback/<site_key>/<path:key>")
def receive_trackback(site_key: str, key: str = "") -> Response:
    """Take a trackback for later verification; the answer is the specification's, always with status 200."""
    request.max_content_length = LARGEST_PING
    try:
        _take(site_key, key)
    except Refusal as refusal:
        return _xml(trackback.failure(i18n.sentence(refusal)))
    except DBAPIError as problem:
        db.session.rollback()
        if not out_of_service(problem):
            raise
        return _xml(trackback.failure(i18n.sentence(StorageUnavailable())))
    return _xml(trackback.success())


@blueprint.get("/trackback/<site_key>/")
@blueprint.get("/trackback/<site_key>/<path:key>")
def show_article(site_key: str, key: str = "") -> AnyResponse:
    """A person who follows the trackback address is shown the article."""
    site, key = Site.named(site_key), threads.key_of(key)
    thread = Thread.at(site, key)
    return redirect(thread.url if thread else links.article(site.home, key), code=302)


def _take(site_key: str, key: str) -> None:
    throttle.hit(throttle.PINGS, current.source())
    site = Site.named(site_key)
    offer = trackback.parse(request.get_data(), request.headers.get("Content-Type", ""))
    db.begin_write()
    receiving.receive(site, threads.key_of(key), offer, current.address_hash())
    db.session.commit()


def _xml(body: str) -> Response:
    return Response(body, content_type="text/xml; charset=utf-8")
