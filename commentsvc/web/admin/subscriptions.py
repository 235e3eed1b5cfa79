"""Who hears of what: look for an address, pause or delete, take an address up again."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments.submission import MAX_ID, whole
from commentsvc.db import db
from commentsvc.errors import NotFound, NotUnderstood
from commentsvc.models.recipient import MailStatus, Recipient
from commentsvc.models.subscription import Subscription, SubscriptionState
from commentsvc.notifications import registry, subscriptions
from commentsvc.web.admin import signed_in
from commentsvc.web.options import choice, number

CHANGES = {"pause": SubscriptionState.PAUSED, "resumption": SubscriptionState.ACTIVE}

blueprint = Blueprint("admin_subscriptions", __name__, url_prefix="/admin/subscriptions")
signed_in.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str:
    """Recipients and what they hear of, newest first; by a part of the address, or those that cannot be reached."""
    wanted, mail_status = request.args.get("q", "").strip(), choice("mail_status", MailStatus)
    page = registry.page(wanted, mail_status, number("before"))
    return render_template(
        "admin/subscriptions.html",
        page=page,
        wanted=wanted,
        mail_status=mail_status,
        mail_statuses=MailStatus,
        moderator=signed_in.person(),
    )


@blueprint.post(f"/<int(max={MAX_ID}):number>/<resource>")
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


@blueprint.post(f"/<int(max={MAX_ID}):number>/removal")
def remove(number: int) -> AnyResponse:
    """Forget it; what was to be told of it is told no more."""
    db.begin_write()
    db.session.delete(_found(number))
    return _back()


@blueprint.post(f"/recipients/<int(max={MAX_ID}):number>/opening")
def reopen(number: int) -> AnyResponse:
    """Write to an address again whose emails came back."""
    db.begin_write()
    recipient = db.session.get(Recipient, number)
    if recipient is None:
        raise NotFound
    subscriptions.reopen(recipient)
    return _back()


def _found(number: int) -> Subscription:
    subscription = db.session.get(Subscription, number)
    if subscription is None:
        raise NotFound
    return subscription


def _back() -> AnyResponse:
    """Commit, and back to the list as it was."""
    db.session.commit()
    wanted, mail_status = request.form.get("q") or None, request.form.get("mail_status") or None
    before = whole(request.form.get("before"))
    return redirect(url_for("admin_subscriptions.show", q=wanted, mail_status=mail_status, before=before), code=303)
