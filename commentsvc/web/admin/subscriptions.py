"""Who hears of what: look for an address, pause or delete, take an address up again; and a moderator's own letters."""

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments.submission import LARGEST_ID, whole
from commentsvc.db import db
from commentsvc.errors import NotFound, NotUnderstood
from commentsvc.models.recipient import Pace, Reach, Recipient
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription, SubscriptionState, Topic
from commentsvc.notifications import registry, subscriptions
from commentsvc.web.admin import signed_in
from commentsvc.web.options import choice, number

MODERATORS_TOPICS = (Topic.HELD, Topic.SITE)
CHANGES = {"pause": SubscriptionState.PAUSED, "resumption": SubscriptionState.ACTIVE}

blueprint = Blueprint("admin_subscriptions", __name__, url_prefix="/admin/subscriptions")
signed_in.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """Recipients and what they hear of, newest first; by a part of the address, or those that cannot be reached."""
    wanted, reach = request.args.get("q", "").strip(), choice("reach", Reach)
    page = registry.page(wanted, reach, number("before"))
    return render_template(
        "admin/subscriptions.html",
        page=page,
        wanted=wanted,
        reach=reach,
        reaches=Reach,
        own=_own(),
        paces=Pace,
        sites=list(db.session.scalars(select(Site).order_by(Site.name))),
        moderator=signed_in.moderator(),
    )


@blueprint.post(f"/<int(max={LARGEST_ID}):number>/<resource>")
def change(number: int, resource: str) -> AnyResponse:
    """Pause, or go on; who has not said yes, or has stopped it, must say so themselves."""
    if resource not in CHANGES:
        raise NotFound
    db.begin_write()
    subscription = _found(number)
    if subscription.state not in CHANGES.values():
        raise NotUnderstood
    subscription.state = CHANGES[resource]
    return _back()


@blueprint.post(f"/<int(max={LARGEST_ID}):number>/removal")
def remove(number: int) -> AnyResponse:
    """Forget it; what was to be told of it is told no more."""
    db.begin_write()
    db.session.delete(_found(number))
    return _back()


@blueprint.post(f"/recipients/<int(max={LARGEST_ID}):number>/opening")
def reopen(number: int) -> AnyResponse:
    """Write to an address again whose letters came back."""
    db.begin_write()
    recipient = db.session.get(Recipient, number)
    if recipient is None:
        raise NotFound
    subscriptions.reopen(recipient)
    return _back()


@blueprint.post("/own")
def choose() -> AnyResponse:
    """What the moderator hears of, of which blog, and how often."""
    person = signed_in.moderator()
    pace = request.form.get("pace", "")
    if person is None or pace not in set(Pace):
        raise NotUnderstood
    db.begin_write()
    ticked = set(request.form.getlist("hears"))
    for site in db.session.scalars(select(Site)):
        for topic in MODERATORS_TOPICS:
            heard = subscriptions.watch(site, person.email, topic, person.language)
            wants = f"{topic}-{site.id}" in ticked
            heard.state = SubscriptionState.ACTIVE if wants else SubscriptionState.STOPPED
    Recipient.known(person.email, person.language).pace = pace
    return _back()


def _own() -> dict[str, object]:
    """What the moderator's form shows: held comments are told unless somebody said otherwise, others are not."""
    person = signed_in.moderator()
    recipient = Recipient.with_email(person.email) if person else None
    heard = subscriptions.of(recipient) if recipient else []
    states = {f"{one.topic}-{one.site_id}": one.state == SubscriptionState.ACTIVE for one in heard}
    return {"states": states, "pace": recipient.pace if recipient else Pace.AT_ONCE}


def _found(number: int) -> Subscription:
    subscription = db.session.get(Subscription, number)
    if subscription is None:
        raise NotFound
    return subscription


def _back() -> AnyResponse:
    """Commit, and back to the list as it was."""
    db.session.commit()
    wanted, reach = request.form.get("q") or None, request.form.get("reach") or None
    before = whole(request.form.get("before"))
    return redirect(url_for("admin_subscriptions.show", q=wanted, reach=reach, before=before), code=303)
