"""Received and sent linkbacks: their progress, failures, and another attempt."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db
from commentsvc.errors import NotFound, or_404
from commentsvc.linkbacks import announcing, sending, verifying, watching
from commentsvc.models.ping import Ping
from commentsvc.models.sent_linkback import SentLinkback
from commentsvc.web.admin import session

blueprint = Blueprint("admin_linkbacks", __name__, url_prefix="/admin/linkbacks")
session.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """Show the latest linkbacks of both directions."""
    who = session.current_moderator()
    return render_template(
        "admin/linkbacks.html",
        received=verifying.latest(who),
        sent=sending.latest(who),
        feeds=watching.all_feeds(who),
        unread=announcing.unread(who),
    )


@blueprint.post("/received/<id:ping_id>/attempts")
def check_again(ping_id: int) -> AnyResponse:
    """Have the source of a ping fetched again."""
    db.begin_write()
    ping = or_404(db.session.get(Ping, ping_id))
    if not session.current_moderator().moderates(ping.site_id):
        raise NotFound
    ping.requeue()
    db.session.commit()
    return redirect(url_for("admin_linkbacks.show", _anchor="received"), code=303)


@blueprint.post("/sent/<id:linkback_id>/attempts")
def send_again(linkback_id: int) -> AnyResponse:
    """Have a linkback sent again."""
    db.begin_write()
    sent = or_404(db.session.get(SentLinkback, linkback_id))
    if not session.current_moderator().moderates(sent.announcement.site_id):
        raise NotFound
    sent.requeue()
    db.session.commit()
    return redirect(url_for("admin_linkbacks.show", _anchor="sent"), code=303)
