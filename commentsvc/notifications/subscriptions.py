"""Asking to hear of answers, confirming it, stopping it."""

from datetime import timedelta

from sqlalchemy import select

from commentsvc import links, throttle, tokens
from commentsvc.db import db
from commentsvc.errors import LinkInvalid, TooMany
from commentsvc.models.comment import Comment
from commentsvc.models.subscription import Subscription, SubscriptionState
from commentsvc.notifications import letters

CONFIRM_WITHIN = timedelta(days=14)
STOP_WITHIN = timedelta(days=3650)
CONFIRM, STOP = "confirm", "unsubscribe"


def ask(comment: Comment) -> Subscription | None:
    """Subscribe the writer of ``comment`` to direct answers; a letter asks them to confirm.

    Whoever confirmed this address before from the same browser is not asked again. At most one such letter goes
    to an address each day, whoever asks.
    """
    if not comment.email:
        return None
    subscription = Subscription(comment_id=comment.id, comment=comment, email=comment.email, language=comment.language)
    db.session.add(subscription)
    if _confirmed_before(comment):
        subscription.state = SubscriptionState.ACTIVE
    db.session.flush()
    if subscription.state == SubscriptionState.UNCONFIRMED and _may_ask(comment.email):
        letters.confirmation(subscription, confirm_url=_url(CONFIRM, subscription))
    return subscription


def find(purpose: str, token: str) -> Subscription:
    """The subscription a signed link is about; raises ``LinkInvalid`` or ``LinkExpired``."""
    age = CONFIRM_WITHIN if purpose == CONFIRM else STOP_WITHIN
    subscription = db.session.get(Subscription, tokens.read(purpose, token, age))
    if subscription is None:
        raise LinkInvalid
    return subscription


def confirm(subscription: Subscription, visitor: str | None) -> None:
    """Letters go out from now on, for every comment this address wrote from the same browser.

    ``visitor`` is the keyed hash of who confirms, where that is known: whose address it is from now on.
    """
    subscription.confirmed_by = visitor
    for one in _of_same_person(subscription):
        if one.state == SubscriptionState.UNCONFIRMED:
            one.state = SubscriptionState.ACTIVE
    subscription.state = SubscriptionState.ACTIVE


def stop(subscription: Subscription) -> None:
    """No more letters about this comment."""
    subscription.state = SubscriptionState.STOPPED


def stop_url(subscription: Subscription) -> str:
    """The address of the page, and of the one-click POST, that ends a subscription."""
    return _url(STOP, subscription)


def _url(purpose: str, subscription: Subscription) -> str:
    return links.absolute(f"/{purpose}/{tokens.sign(purpose, subscription.id)}")


def _may_ask(email: str) -> bool:
    try:
        throttle.hit(throttle.CONFIRMATIONS, tokens.keyed_hash("confirmation", email.lower()))
    except TooMany:
        return False
    return True


def _confirmed_before(comment: Comment) -> bool:
    if comment.visitor is None:
        return False
    same_person = (
        select(Subscription.id)
        .join(Comment, Subscription.comment_id == Comment.id)
        .where(Subscription.email == comment.email, Comment.visitor == comment.visitor)
        .where(Subscription.state == SubscriptionState.ACTIVE)
    )
    return db.session.scalar(same_person.limit(1)) is not None


def _of_same_person(subscription: Subscription) -> list[Subscription]:
    visitor = subscription.comment.visitor
    if visitor is None:
        return [subscription]
    theirs = (
        select(Subscription)
        .join(Comment, Subscription.comment_id == Comment.id)
        .where(Subscription.email == subscription.email, Comment.visitor == visitor)
    )
    return list(db.session.scalars(theirs))
