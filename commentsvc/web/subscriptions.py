"""The links in emails: a GET shows what would happen, only a POST does it (RFC 8058, and mail scanners)."""

from flask import Blueprint, render_template, request

from commentsvc import i18n
from commentsvc.db import db
from commentsvc.errors import NotUnderstood
from commentsvc.fields import row_id
from commentsvc.models.recipient import Frequency, Recipient
from commentsvc.models.subscription import Subscription, SubscriptionState
from commentsvc.models.thread import Thread
from commentsvc.notifications import enqueue, registry, subscriptions
from commentsvc.web import security, visitor

# What a button of the page changes a subscription to.
CHANGES = {
    "pause": SubscriptionState.PAUSED,
    "resume": SubscriptionState.ACTIVE,
    "stop": SubscriptionState.STOPPED,
}

blueprint = Blueprint("subscriptions", __name__)
blueprint.after_request(security.no_store)


@blueprint.get("/confirm/<token>")
def ask_to_confirm(token: str) -> str:
    """Show a button that confirms."""
    subscription, is_requesters = subscriptions.parse_confirm_token(token)
    return _confirmation(subscription, subscriptions.confirmed_with(subscription, is_requesters=is_requesters))


@blueprint.post("/confirm/<token>")
def confirm(token: str) -> str:
    """Activate what was chosen, or all that the page lists if it has no checkboxes."""
    db.begin_write()
    subscription, is_requesters = subscriptions.parse_confirm_token(token)
    listed = subscriptions.confirmed_with(subscription, is_requesters=is_requesters)
    chosen = (
        set(map(row_id, request.form.getlist("chosen"))) if "listed" in request.form else {one.id for one in listed}
    )
    person = visitor.known()
    subscriptions.confirm(
        subscription,
        person.hash if person else None,
        is_requesters=is_requesters,
        chosen={one for one in chosen if one},
    )
    db.session.commit()
    return _confirmation(subscription, [one for one in listed if one.id in chosen], is_done=True)


@blueprint.get("/unsubscribe/<token>")
def ask_to_stop(token: str) -> str:
    """Show a button that unsubscribes."""
    return _end(subscriptions.parse_unsubscribe_token(token))


@blueprint.post("/unsubscribe/<token>")
def stop(token: str) -> str:
    """Unsubscribe; by the button, or by the mail program's one click, without cookie or sign-in."""
    db.begin_write()
    ended = subscriptions.parse_unsubscribe_token(token)
    subscriptions.end(ended)
    db.session.commit()
    return _end(ended)


@blueprint.get("/subscriptions/<token>")
def show(token: str) -> str:
    """Show everything somebody is subscribed to, with what they can change."""
    return _page(subscriptions.find_recipient(token), token)


@blueprint.post("/subscriptions/<token>")
def change(token: str) -> str:
    """Pause, resume, stop one or all, confirm, choose language and frequency."""
    db.begin_write()
    recipient = subscriptions.find_recipient(token)
    wanted = request.form.get("change", "")
    if wanted == "settings":
        _choose(recipient)
    elif wanted == "stop-all":
        subscriptions.stop_all(recipient)
    elif wanted == "refuse":
        subscriptions.refuse(recipient)
    elif wanted == "reopen":
        subscriptions.allow_emails(recipient)
    else:
        _change_one(recipient, wanted)
    db.session.commit()
    return _page(subscriptions.find_recipient(token), token, done=wanted)


def _choose(recipient: Recipient) -> None:
    frequency, language = request.form.get("frequency", ""), request.form.get("language", "")
    if frequency not in set(Frequency) or language not in i18n.languages():
        raise NotUnderstood
    recipient.frequency, recipient.language = Frequency(frequency), language
    enqueue.apply_frequency(recipient)


def _change_one(recipient: Recipient, wanted: str) -> None:
    subscription = db.session.get(Subscription, row_id(request.form.get("subscription")) or 0)
    if subscription is None or subscription.recipient_id != recipient.id:
        raise NotUnderstood
    if wanted == "confirm":
        person = visitor.known()
        subscriptions.confirm(subscription, person.hash if person else None)
    elif wanted in CHANGES:
        subscriptions.change(subscription, CHANGES[wanted])
    else:
        raise NotUnderstood


def _confirmation(subscription: Subscription, listed: list[Subscription], *, is_done: bool = False) -> str:
    i18n.set_language(subscription.recipient.language)
    return render_template(
        "subscriptions/confirm.html",
        subscription=subscription,
        listed=[(one, _thread_of(one)) for one in listed],
        is_done=is_done or subscription.state == SubscriptionState.ACTIVE,
        thread=_thread_of(subscription),
        manage_url=subscriptions.manage_url(subscription.recipient),
    )


def _end(asked: subscriptions.UnsubscribeRequest) -> str:
    i18n.set_language(asked.recipient.language)
    return render_template(
        "subscriptions/stop.html",
        asked=asked,
        threads={one.id: _thread_of(one) for one in asked.subscriptions},
        manage_url=subscriptions.manage_url(asked.recipient),
    )


def _page(recipient: Recipient, token: str, done: str = "") -> str:
    i18n.set_language(request.args.get("lang") or recipient.language)
    return render_template(
        "subscriptions/manage.html",
        recipient=recipient,
        subscriptions=registry.subscriptions_of(recipient),
        frequencies=Frequency,
        token=token,
        done=done,
        changed=row_id(request.form.get("subscription")),
    )


def _thread_of(subscription: Subscription) -> Thread | None:
    return Thread.at(subscription.site, subscription.key) if subscription.key is not None else None
