"""Who hears of a comment: the person it answers once readers see it, the moderators while it is held."""

from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.subscription import Subscription, SubscriptionState
from commentsvc.notifications import letters, subscriptions


def announce(comment: Comment) -> None:
    """Write the letter to whoever asked to hear of answers to the parent; never to the writer of the answer."""
    if comment.parent_id is None:
        return
    subscription = db.session.scalar(
        select(Subscription).where(
            Subscription.comment_id == comment.parent_id, Subscription.state == SubscriptionState.ACTIVE
        )
    )
    if subscription and subscription.email.lower() != (comment.email or "").lower():
        letters.reply(subscription, comment, stop_url=subscriptions.stop_url(subscription))


def announce_held(comment: Comment) -> None:
    """Write to those who decide: the site's own address where it has one, else every moderator."""
    site = comment.thread.site
    if site.email:
        letters.held(comment, recipient=site.email, language=site.language)
        return
    for moderator in db.session.scalars(select(Moderator)):
        letters.held(comment, recipient=moderator.email, language=moderator.language)
