"""Webhooks and push services: where events go, and the last deliveries."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db
from commentsvc.errors import NotUnderstood, Refusal, or_404
from commentsvc.fields import row_id
from commentsvc.models.channel import Channel, ChannelKind
from commentsvc.models.delivery import Delivery
from commentsvc.models.site import Site
from commentsvc.notifications import channels
from commentsvc.web.admin import session

CHANNEL = "/<id:channel_id>"

blueprint = Blueprint("channels", __name__, url_prefix="/admin/channels")
session.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str:
    """Show all channels and the last deliveries."""
    return _list()


@blueprint.post("")
def add() -> AnyResponse | tuple[str, int]:
    """Create a channel; the list shows its secret."""
    kind, url = request.form.get("kind", ""), request.form.get("url", "").strip()
    if kind not in set(ChannelKind):
        raise NotUnderstood
    db.begin_write()
    try:
        channels.open_channel(ChannelKind(kind), url, _site())
    except Refusal as refusal:
        db.session.rollback()
        return _list(refusal), refusal.status
    return _back()


def _site() -> Site | None:
    chosen = row_id(request.form.get("site")) or 0
    return db.session.scalar(Site.in_service().where(Site.id == chosen))


@blueprint.post(f"{CHANNEL}/removal")
def remove(channel_id: int) -> AnyResponse:
    """Delete a channel and its deliveries."""
    db.begin_write()
    db.session.delete(or_404(db.session.get(Channel, channel_id)))
    return _back()


@blueprint.post(f"{CHANNEL}/rotation")
def rotate(channel_id: int) -> AnyResponse:
    """Sign with a new secret, and for one day with the old one as well."""
    db.begin_write()
    channels.rotate(or_404(db.session.get(Channel, channel_id)))
    return _back()


@blueprint.post(f"{CHANNEL}/tests")
def test(channel_id: int) -> AnyResponse:
    """Send a harmless test message."""
    db.begin_write()
    channels.test(or_404(db.session.get(Channel, channel_id)))
    return _back()


@blueprint.post("/deliveries/<id:delivery_id>/attempts")
def send_again(delivery_id: int) -> AnyResponse:
    """Send a delivery again, now."""
    db.begin_write()
    delivery = or_404(db.session.get(Delivery, delivery_id))
    channels.send_again(delivery)
    return _back()


def _back() -> AnyResponse:
    db.session.commit()
    return redirect(url_for("channels.show"), code=303)


def _list(refusal: Refusal | None = None) -> str:
    return render_template(
        "admin/channels.html",
        channels=channels.all_channels(),
        deliveries=channels.latest(),
        secret_of=channels.shown_secret,
        sites=list(db.session.scalars(Site.in_service().order_by(Site.name))),
        kinds=ChannelKind,
        refusal=refusal,
    )
