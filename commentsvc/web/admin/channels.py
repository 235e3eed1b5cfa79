"""Webhooks and push: where events go, how that went, and another try."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments.submission import MAX_ID, whole
from commentsvc.db import db
from commentsvc.errors import NotFound, NotUnderstood, Refusal
from commentsvc.models.channel import Channel, Means
from commentsvc.models.delivery import Delivery
from commentsvc.models.site import Site
from commentsvc.notifications import channels
from commentsvc.web.admin import signed_in

CHANNEL = f"/<int(max={MAX_ID}):number>"

blueprint = Blueprint("channels", __name__, url_prefix="/admin/channels")
signed_in.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str:
    """All channels, and the last deliveries."""
    return _list()


@blueprint.post("")
def add() -> AnyResponse | tuple[str, int]:
    """Open a channel; its secret stands in the list."""
    means, url = request.form.get("means", ""), request.form.get("url", "").strip()
    if means not in set(Means):
        raise NotUnderstood
    db.begin_write()
    try:
        channels.open_channel(Means(means), url, _site())
    except Refusal as refusal:
        db.session.rollback()
        return _list(refusal), refusal.status
    return _back()


def _site() -> Site | None:
    chosen = whole(request.form.get("site")) or 0
    return db.session.scalar(Site.in_service().where(Site.id == chosen))


@blueprint.post(f"{CHANNEL}/removal")
def remove(number: int) -> AnyResponse:
    """Tell it nothing more, and forget what was told."""
    db.begin_write()
    db.session.delete(_found(number))
    return _back()


@blueprint.post(f"{CHANNEL}/rotation")
def rotate(number: int) -> AnyResponse:
    """Sign with a new secret, and with the old one for another day."""
    db.begin_write()
    channels.rotate(_found(number))
    return _back()


@blueprint.post(f"{CHANNEL}/tests")
def test(number: int) -> AnyResponse:
    """Send something harmless."""
    db.begin_write()
    channels.test(_found(number))
    return _back()


@blueprint.post(f"/deliveries/<int(max={MAX_ID}):number>/attempts")
def tell_again(number: int) -> AnyResponse:
    """Another try, now."""
    db.begin_write()
    delivery = db.session.get(Delivery, number)
    if delivery is None:
        raise NotFound
    channels.tell_again(delivery)
    return _back()


def _found(number: int) -> Channel:
    channel = db.session.get(Channel, number)
    if channel is None:
        raise NotFound
    return channel


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
        means=Means,
        refusal=refusal,
        moderator=signed_in.moderator(),
    )
