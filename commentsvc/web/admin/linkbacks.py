"""What other blogs told us and what we told them: how far it got, why not further, and another try."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments.submission import MAX_ID
from commentsvc.db import db
from commentsvc.errors import NotFound
from commentsvc.linkbacks import announcing, sending, verifying, watching
from commentsvc.models.ping import Ping
from commentsvc.models.sent_linkback import SentLinkback
from commentsvc.web.admin import signed_in

blueprint = Blueprint("admin_linkbacks", __name__, url_prefix="/admin/linkbacks")
signed_in.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """The last ones of both directions, newest first."""
    who = signed_in.person()
    return render_template(
        "admin/linkbacks.html",
        received=verifying.latest(who),
        sent=sending.latest(who),
        feeds=watching.all_feeds(who),
        unread=announcing.unread(who),
        moderator=who,
    )


@blueprint.post(f"/received/<int(max={MAX_ID}):number>/attempts")
def look_again(number: int) -> AnyResponse:
    """Have the source of a ping looked at again."""
    db.begin_write()
    ping = db.session.get(Ping, number)
    if ping is None or not signed_in.person().moderates(ping.site_id):
        raise NotFound
    verifying.look_again(ping)
    db.session.commit()
    return redirect(url_for("admin_linkbacks.show", _anchor="received"), code=303)


@blueprint.post(f"/sent/<int(max={MAX_ID}):number>/attempts")
def tell_again(number: int) -> AnyResponse:
    """Have a page told again."""
    db.begin_write()
    sent = db.session.get(SentLinkback, number)
    if sent is None or not signed_in.person().moderates(sent.announcement.site_id):
        raise NotFound
    announcing.tell_again(sent)
    db.session.commit()
    return redirect(url_for("admin_linkbacks.show", _anchor="sent"), code=303)
