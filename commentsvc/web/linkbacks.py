"""Where other blogs ping."""

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import links, throttle
from commentsvc.comments import threads
from commentsvc.db import db
from commentsvc.errors import TooLarge
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
    if len(request.get_data()) > LARGEST_PING:
        raise TooLarge
    throttle.hit(throttle.PINGS, current.source())
    site, key = Site.named(site_key), threads.key_of(key)
    offer = trackback.parse(request.get_data(), request.headers.get("Content-Type", ""))
    db.begin_write()
    receiving.receive(site, key, offer, current.address_hash())
    db.session.commit()
    return Response(trackback.success(), content_type=trackback.CONTENT_TYPE)


@blueprint.get("/trackback/<site_key>/")
@blueprint.get("/trackback/<site_key>/<path:key>")
def show_article(site_key: str, key: str = "") -> AnyResponse:
    """A person who follows the trackback address is shown the article."""
    site, key = Site.named(site_key), threads.key_of(key)
    thread = Thread.at(site, key)
    return redirect(thread.url if thread else links.article(site.home, key), code=302)
