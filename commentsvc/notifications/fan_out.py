"""Who is notified of a comment; called by ``moderation/decisions.py``.

Once readers see it, its parent's author and followers; while it is pending, moderators.
"""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import and_, or_, select

from commentsvc import clock, configuration
from commentsvc.db import db
from commentsvc.fields import compared_email
from commentsvc.models.comment import Comment
from commentsvc.models.email import Email, EmailKind
from commentsvc.models.email_item import EmailItem
from commentsvc.models.moderator import Moderator
from commentsvc.models.recipient import Frequency
from commentsvc.models.subscription import Subscription, SubscriptionState, Topic
from commentsvc.notifications import channels, enqueue, subscriptions

GATHER = timedelta(seconds=5)  # what follows within this time is one email
MAX_ALONE = 2  # waiting emails to one person that are about a single comment; further comments share one email
MIN_HELD_EMAIL_INTERVAL = timedelta(minutes=15)  # between two emails about pending comments
# The kind of email for each topic, the most specific first.
EMAIL_KINDS = {Topic.REPLIES: EmailKind.REPLY, Topic.THREAD: EmailKind.THREAD, Topic.SITE: EmailKind.SITE}
TOPIC_PRIORITY = tuple(EMAIL_KINDS)


def notify_published(comment: Comment, *, is_decided: bool = False) -> None:
    """Enqueue notifications of a comment that readers see now, for everyone but its author.

    With ``is_decided``, the emails wait a moment: the moderator may undo the decision, or approve more.
    """
    if not comment.is_discussion or not configuration.current().has_subscribers(comment.thread.site_id):
        return
    dedupe_key = f"shown-{comment.id}"
    notified = set(db.session.scalars(select(EmailItem.recipient).where(EmailItem.dedupe_key == dedupe_key)))
    notified |= set(_own_addresses(comment))
    subscriptions = _matching_subscriptions(comment)
    addresses = [subscription.recipient.email for subscription in subscriptions]
    notified |= enqueue.notified_before(comment, addresses)
    waiting = enqueue.waiting(EMAIL_KINDS.values(), addresses) if is_decided else {}
    moderators = {one.email for one in Moderator.of_site(comment.thread.site_id)}
    emails = {}
    for subscription in subscriptions:
        address = subscription.recipient.email
        if address in notified or not subscription.is_active or _is_writers(subscription, comment):
            continue
        if subscription.topic == Topic.SITE and address not in moderators:
            continue
        notified.add(address)
        is_one_of_many = waiting.get(address, 0) >= MAX_ALONE
        emails[subscription] = _email_for(subscription, comment, is_decided=is_decided, is_one_of_many=is_one_of_many)
    db.session.flush()  # all emails at once: a thread may have thousands of followers
    for subscription, email in emails.items():
        enqueue.add_item(email, comment, subscription, dedupe_key)


def _matching_subscriptions(comment: Comment) -> list[Subscription]:
    thread = comment.thread
    topics = or_(
        and_(Subscription.topic == Topic.REPLIES, Subscription.comment_id == comment.parent_id),
        and_(
            Subscription.topic == Topic.THREAD,
            Subscription.site_id == thread.site_id,
            Subscription.key == thread.key,
        ),
        and_(Subscription.topic == Topic.SITE, Subscription.site_id == thread.site_id),
    )
    found = db.session.scalars(select(Subscription).where(topics, Subscription.state == SubscriptionState.ACTIVE))
    return sorted(found, key=lambda one: (TOPIC_PRIORITY.index(one.topic), one.id))


def _own_addresses(comment: Comment) -> Iterator[str]:
    if comment.email:
        yield compared_email(comment.email)
    if comment.moderator_id and (moderator := db.session.get(Moderator, comment.moderator_id)):
        yield moderator.email


def _is_writers(subscription: Subscription, comment: Comment) -> bool:
    return comment.visitor is not None and comment.visitor in (subscription.requested_by, subscription.confirmed_by)


def _email_for(subscription: Subscription, comment: Comment, *, is_decided: bool, is_one_of_many: bool) -> Email:
    recipient = subscription.recipient
    if recipient.frequency != Frequency.IMMEDIATE:
        return enqueue.collecting_email(EmailKind.DIGEST, recipient, due_at=recipient.next_digest())
    due_at = clock.now() + GATHER if is_decided else clock.now()
    if is_one_of_many:
        return enqueue.collecting_email(EmailKind.DIGEST, recipient, due_at=due_at)
    own_message_id = enqueue.message_id_of(comment.id, recipient.email)  # so that mail programs thread replies
    return enqueue.add_email(EMAIL_KINDS[subscription.topic], recipient, own_message_id=own_message_id, due_at=due_at)


def notify_pending(comment: Comment) -> None:
    """Enqueue notifications of a pending comment, for the site's own address or else every moderator.

    Once per text. Comments that follow soon are collected, so a wave of spam is one email.
    """
    channels.push(comment)
    dedupe_key = f"held-{comment.id}" + (f"-{comment.edited_at:%Y%m%d%H%M%S%f}" if comment.edited_at else "")
    for subscription in _who_decides(comment):
        recipient = subscription.recipient
        if not subscription.is_active or enqueue.is_already_notified(dedupe_key, recipient):
            continue
        due_at = recipient.next_digest()
        if recipient.frequency == Frequency.IMMEDIATE:
            last = enqueue.last_sent(EmailKind.HELD, recipient)
            now = clock.now()
            # If the clock was set back, the last one may be in the future.
            due_at = max(now + GATHER, min(last, now) + MIN_HELD_EMAIL_INTERVAL if last else now)
        email = enqueue.collecting_email(EmailKind.HELD, recipient, due_at=due_at, of=subscription)
        db.session.flush()
        enqueue.add_item(email, comment, subscription, dedupe_key)


def _who_decides(comment: Comment) -> Iterator[Subscription]:
    site = comment.thread.site
    if site.email:
        owner = subscriptions.watch(site, site.email, Topic.HELD, site.language)
        if owner.is_active:
            yield owner
            return  # otherwise nobody would be notified
    for moderator in Moderator.of_site(site.id):
        yield subscriptions.watch(site, moderator.email, Topic.HELD, moderator.language)
