"""The links in letters: a GET shows what would happen, only the POST does it (RFC 8058, and mail scanners)."""

from flask import Blueprint, render_template

from commentsvc import i18n
from commentsvc.db import db
from commentsvc.models.subscription import SubscriptionState
from commentsvc.notifications import subscriptions
from commentsvc.web import visitor

blueprint = Blueprint("subscriptions", __name__)


@blueprint.get("/confirm/<token>")
def ask_to_confirm(token: str) -> str:
    """A button that says yes."""
    return _page("subscriptions/confirm.html", subscriptions.CONFIRM, token)


@blueprint.post("/confirm/<token>")
def confirm(token: str) -> str:
    """From now on letters go out."""
    db.begin_write()
    person = visitor.known()
    subscriptions.confirm(subscriptions.find(subscriptions.CONFIRM, token), person.hash if person else None)
    db.session.commit()
    return _page("subscriptions/confirm.html", subscriptions.CONFIRM, token)


@blueprint.get("/unsubscribe/<token>")
def ask_to_stop(token: str) -> str:
    """A button that says stop."""
    return _page("subscriptions/stop.html", subscriptions.STOP, token)


@blueprint.post("/unsubscribe/<token>")
def stop(token: str) -> str:
    """No more letters; by the button, or by the mail program's one click, without cookie or sign-in."""
    db.begin_write()
    subscriptions.stop(subscriptions.find(subscriptions.STOP, token))
    db.session.commit()
    return _page("subscriptions/stop.html", subscriptions.STOP, token)


def _page(template: str, purpose: str, token: str) -> str:
    subscription = subscriptions.find(purpose, token)
    i18n.speak(subscription.language)
    return render_template(template, subscription=subscription, states=SubscriptionState)
