"""Subscriptions: find an address, pause or delete, reopen."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db
from commentsvc.errors import NotFound, NotUnderstood, or_404
from commentsvc.fields import row_id
from commentsvc.models.recipient import MailStatus, Recipient
from commentsvc.models.subscription import Subscription, SubscriptionState
from commentsvc.notifications import registry, subscriptions
from commentsvc.web.admin import session
from commentsvc.web.options import choice, int_arg

CHANGES = {"pause": SubscriptionState.PAUSED, "resumption": SubscriptionState.ACTIVE}

blueprint = Blueprint("admin_subscriptions", __name__, url_prefix="/admin/subscriptions")
session.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str:
    """Show recipients and their subscriptions, newest first; by part of an address, or by mail status."""
    wanted, mail_status = request.args.get("q", "").strip(), choice("mail_status", MailStatus)
    page = registry.page(wanted, mail_status, int_arg("before"))
    return render_template(
        "admin/subscriptions.html",
        page=page,
        wanted=wanted,
        mail_status=mail_status,
        mail_statuses=MailStatus,
    )


@blueprint.post("/<id:subscription_id>/<resource>")
def change(subscription_id: int, resource: str) -> AnyResponse:
    """Pause or resume. Only the subscriber can change an unconfirmed or stopped one."""
    if resource not in CHANGES:
        raise NotFound
    db.begin_write()
    subscription = or_404(db.session.get(Subscription, subscription_id))
    if subscription.state not in CHANGES.values():
        raise NotUnderstood
    subscription.state = CHANGES[resource]
    return _commit_and_redirect()


@blueprint.post("/<id:subscription_id>/removal")
def remove(subscription_id: int) -> AnyResponse:
    """Delete a subscription."""
    db.begin_write()
    db.session.delete(or_404(db.session.get(Subscription, subscription_id)))
    return _commit_and_redirect()


@blueprint.post("/recipients/<id:recipient_id>/opening")
def reopen(recipient_id: int) -> AnyResponse:
    """Send emails to a bounced address again."""
    db.begin_write()
    recipient = or_404(db.session.get(Recipient, recipient_id))
    subscriptions.allow_emails(recipient)
    return _commit_and_redirect()


def _commit_and_redirect() -> AnyResponse:
    """Commit, and redirect to the list as it was."""
    db.session.commit()
    wanted, mail_status = request.form.get("q") or None, request.form.get("mail_status") or None
    before = row_id(request.form.get("before"))
    return redirect(url_for("admin_subscriptions.show", q=wanted, mail_status=mail_status, before=before), code=303)
