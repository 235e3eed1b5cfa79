"""Subscribe, confirm, pause and stop."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from commentsvc import clock, links, tokens
from commentsvc.db import db
from commentsvc.errors import LinkInvalid
from commentsvc.models.comment import Comment, State
from commentsvc.models.email import Email, EmailKind, EmailState
from commentsvc.models.email_item import EmailItem
from commentsvc.models.recipient import MailStatus, Recipient
from commentsvc.models.site import Site
from commentsvc.models.subscription import READERS_TOPICS, Subscription, SubscriptionState, Topic
from commentsvc.notifications import enqueue

CONFIRM_WITHIN = timedelta(days=14)
STOP_WITHIN = timedelta(days=3650)
MANAGE_WITHIN = timedelta(days=365)
CONFIRM, STOP, MANAGE = "confirm", "unsubscribe", "subscriptions"
ASK_EVERY = timedelta(days=1)
ASK_AT_MOST, ASK_DURING = 3, timedelta(days=30)  # an address that was never confirmed
Row = TypeVar("Row", Subscription, Recipient)
MODERATORS_KINDS = (EmailKind.HELD, EmailKind.SITE)
KNOWN = (SubscriptionState.ACTIVE, SubscriptionState.PAUSED)


def subscribe_to_replies(
    comment: Comment, email: str, requester: str | None, *, is_confirmed: bool = False
) -> Subscription:
    """Subscribe the author of ``comment`` to direct replies, once they confirm their address."""
    subscription = Subscription(topic=Topic.REPLIES, comment_id=comment.id, key=comment.thread.key)
    site, name = comment.thread.site, comment.author
    return _ask(subscription, site, email, comment.language, requester, name, is_confirmed=is_confirmed)


def follow(site: Site, key: str, email: str, language: str, visitor: str | None = None, name: str = "") -> Subscription:
    """Subscribe somebody to every comment of an article, once they confirm their address."""
    recipient = Recipient.with_email(email)
    conditions = (Subscription.topic == Topic.THREAD, Subscription.site_id == site.id, Subscription.key == key)
    already = recipient and db.session.scalar(
        select(Subscription).where(*conditions, Subscription.recipient_id == recipient.id)
    )
    if already and already.state in KNOWN:
        return already
    try:
        with db.session.begin_nested():
            return _ask(already or Subscription(topic=Topic.THREAD, key=key), site, email, language, visitor, name)
    except IntegrityError:  # the same request came through another process at this moment
        return follow(site, key, email, language, visitor, name)


def watch(site: Site, email: str, topic: Topic, language: str) -> Subscription:
    """Return a moderator's subscription to a site; default ones are created on first use.

    It needs no confirmation: whoever set the address up decides.
    """
    recipient = Recipient.get_or_create(email, language)
    conditions = (
        Subscription.topic == topic,
        Subscription.site_id == site.id,
        Subscription.recipient_id == recipient.id,
    )

    def known() -> Subscription | None:
        return db.session.scalar(select(Subscription).where(*conditions))

    if found := known():
        return found
    made = Subscription(topic=topic, site_id=site.id, recipient_id=recipient.id, state=SubscriptionState.ACTIVE)
    made.site, made.recipient = site, recipient
    return db.add_or_find(made, known)


def move_watched(old_email: str, new_email: str, language: str) -> None:
    """Send what a moderator gets at one address to another one, also what is due. What they get as a reader stays."""
    old, new = Recipient.with_email(old_email), Recipient.get_or_create(new_email, language)
    if old is None or old is new:
        return
    new.frequency = old.frequency
    theirs = {(one.topic, one.site_id): one for one in of(new)}
    moved = [one for one in of(old) if one.topic not in READERS_TOPICS]
    for watched in moved:
        if (existing := theirs.get((watched.topic, watched.site_id))) is None:
            watched.recipient_id, watched.recipient = new.id, new
        else:
            existing.state, watched.state = watched.state, SubscriptionState.STOPPED
    db.session.flush()
    items = EmailItem.subscription_id.in_([one.id for one in moved])
    due = (Email.state == EmailState.QUEUED, Email.recipient == old.email, Email.kind.in_(MODERATORS_KINDS))
    emails = select(Email.id).where(*due, Email.items.any(items))
    ids = list(db.session.scalars(emails))
    db.session.execute(update(EmailItem).where(EmailItem.email_id.in_(ids)).values(recipient=new.email))
    db.session.execute(update(Email).where(Email.id.in_(ids)).values(recipient=new.email))


def _ask(
    subscription: Subscription,
    site: Site,
    email: str,
    language: str,
    visitor: str | None,
    name: str,
    *,
    is_confirmed: bool = False,
) -> Subscription:
    """Ask for confirmation, unless the address was confirmed before from the same browser.

    An email binds its confirmation to who asked: until a new email is sent, earlier requests stay unconfirmed.
    """
    recipient = Recipient.get_or_create(email, language)
    is_known = is_confirmed or _confirmed_before(recipient, visitor)
    asks = not is_known and _may_ask(recipient)
    is_new = subscription.id is None
    subscription.site_id, subscription.site = site.id, site
    subscription.recipient_id, subscription.recipient = recipient.id, recipient
    subscription.state = SubscriptionState.ACTIVE if is_known else SubscriptionState.UNCONFIRMED
    if is_new or is_known or asks:
        subscription.requested_by, subscription.name = visitor, name or subscription.name or ""
    db.session.add(subscription)
    db.session.flush()
    if asks:
        recipient.language = language if not _is_confirmed(recipient) else recipient.language
        enqueue.add_email(
            EmailKind.CONFIRM, recipient, subscription=subscription, facts={"requester": _requester(subscription)}
        )
    return subscription


def _requester(subscription: Subscription) -> str:
    """Return whose request a confirmation is about, as a keyed hash."""
    return tokens.keyed_hash("requester", subscription.requested_by or "", length=6)


def _may_ask(recipient: Recipient) -> bool:
    """Return whether a confirmation may be mailed: one per address and day.

    After a few without an answer, none for a month.
    """
    if not recipient.is_open:
        return False
    db.advisory_lock(f"confirm {recipient.email}")
    confirmations = select(func.count(Email.id)).where(
        Email.recipient == recipient.email,
        Email.kind == EmailKind.CONFIRM,
        Email.state != EmailState.CANCELLED,
    )
    if db.session.scalar(confirmations.where(Email.created_at > clock.now() - ASK_EVERY)):
        return False
    lately = db.session.scalar(confirmations.where(Email.created_at > clock.now() - ASK_DURING)) or 0
    return lately < ASK_AT_MOST or _is_confirmed(recipient)


def _is_confirmed(recipient: Recipient) -> bool:
    """Return whether somebody has confirmed this address."""
    theirs = (Subscription.recipient_id == recipient.id, Subscription.state.in_(KNOWN))
    return db.session.scalar(select(Subscription.id).where(*theirs).limit(1)) is not None


def _confirmed_before(recipient: Recipient, visitor: str | None) -> bool:
    if visitor is None or not recipient.is_open:
        return False
    theirs = (
        select(Subscription.id)
        .where(Subscription.recipient_id == recipient.id, Subscription.state.in_(KNOWN))
        .where((Subscription.requested_by == visitor) | (Subscription.confirmed_by == visitor))
        .where(Subscription.topic.in_(READERS_TOPICS))
    )
    return db.session.scalar(theirs.limit(1)) is not None


def parse_confirm_token(token: str) -> tuple[Subscription, bool]:
    """Return what a confirmation link is about, and whether it is still the same person's request.

    Raises:
        LinkInvalid, LinkExpired
    """
    row_id, requester = tokens.read(CONFIRM, token, CONFIRM_WITHIN)
    subscription = _existing(Subscription, row_id)
    return subscription, tokens.equal(requester, _requester(subscription))


def find_recipient(token: str) -> Recipient:
    """Return whose page a signed link opens; raises ``LinkInvalid`` or ``LinkExpired``."""
    return _existing(Recipient, tokens.read(MANAGE, token, MANAGE_WITHIN))


@dataclass(frozen=True)
class UnsubscribeRequest:
    """What an unsubscribe link ends: the subscriptions that the email came from.

    ``is_for_good`` if it was in a confirmation email: the address then gets no further confirmation emails.
    """

    recipient: Recipient
    subscriptions: list[Subscription]
    is_for_good: bool = False

    @property
    def listed(self) -> list[Subscription]:
        """One of each kind."""
        return list({(one.topic, one.site_id, one.key): one for one in self.subscriptions}.values())

    @property
    def is_done(self) -> bool:
        """Return whether all of it has ended."""
        return all(one.state == SubscriptionState.STOPPED for one in self.subscriptions)


def parse_unsubscribe_token(token: str) -> UnsubscribeRequest:
    """Return what a link ends; raises ``LinkInvalid`` or ``LinkExpired``."""
    what, ids = tokens.read(STOP, token, STOP_WITHIN)
    found = list(db.session.scalars(select(Subscription).where(Subscription.id.in_(ids))))
    if not found:
        raise LinkInvalid
    alike = [another for one in found for another in _replies_in_thread(one)]
    each_once = list(dict.fromkeys([*found, *alike]))
    return UnsubscribeRequest(found[0].recipient, each_once, is_for_good=what == "never")


def _replies_in_thread(subscription: Subscription) -> Sequence[Subscription]:
    """Return all subscriptions to replies in its thread: each comment has its own, but nobody thinks of them so."""
    if subscription.topic != Topic.REPLIES:
        return ()
    place = (Subscription.site_id == subscription.site_id, Subscription.key == subscription.key)
    theirs = select(Subscription).where(Subscription.recipient_id == subscription.recipient_id, *place)
    return db.session.scalars(theirs.where(Subscription.topic == Topic.REPLIES).order_by(Subscription.id)).all()


def end(what: UnsubscribeRequest) -> None:
    """Send no more emails of this."""
    if what.is_for_good and not _is_confirmed(what.recipient):
        refuse(what.recipient)
    for one in what.subscriptions:
        one.state = SubscriptionState.STOPPED


def stop_about(comment: Comment) -> None:
    """End the subscriptions to replies to a comment."""
    about = update(Subscription).where(Subscription.comment_id == comment.id)
    db.session.execute(about.values(state=SubscriptionState.STOPPED))


def _existing(table: type[Row], row_id: int) -> Row:
    row = db.session.get(table, row_id)
    if row is None:
        raise LinkInvalid
    return row


def of(recipient: Recipient) -> list[Subscription]:
    """Return all subscriptions of somebody, newest first."""
    theirs = select(Subscription).where(Subscription.recipient_id == recipient.id)
    return list(db.session.scalars(theirs.order_by(Subscription.id.desc())))


def confirmed_with(subscription: Subscription, *, is_requesters: bool = True) -> list[Subscription]:
    """Return what a confirmation may activate: the subscription, and what the same browser requested for this address.

    If somebody else asked for the same since the email was sent (not ``is_requesters``), it is the subscription alone.
    What is about a comment that was deleted is left out.
    """
    others = [one for one in of(subscription.recipient) if one.id != subscription.id and is_requesters]
    waiting = [one for one in others if one.state == SubscriptionState.UNCONFIRMED and one.requested_by is not None]
    same = [one for one in waiting if one.requested_by == subscription.requested_by]
    return [subscription, *(one for one in same if one.comment is None or one.comment.state != State.TRASHED)]


def confirm(
    subscription: Subscription,
    visitor: str | None,
    *,
    is_requesters: bool = True,
    chosen: Collection[int] | None = None,
) -> None:
    """Activate what a confirmation is about, or those of it that were ``chosen`` by their ids.

    ``visitor`` is the keyed hash of who confirms, if known: the address is theirs from now on.
    """
    activated = confirmed_with(subscription, is_requesters=is_requesters)
    _open(subscription.recipient)
    if not is_requesters:
        subscription.requested_by, subscription.name = visitor, ""
    subscription.confirmed_by = visitor
    for one in activated:
        if chosen is None or one.id in chosen:
            one.state = SubscriptionState.ACTIVE


def confirmed_by(recipient: Recipient) -> str | None:
    """Return the visitor who last confirmed an address, for whichever of its subscriptions."""
    rows = select(Subscription.confirmed_by).where(Subscription.recipient_id == recipient.id)
    known = rows.where(Subscription.confirmed_by.is_not(None)).order_by(Subscription.id.desc())
    return db.session.scalar(known.limit(1))


def change(subscription: Subscription, state: SubscriptionState) -> None:
    """Pause, resume or stop a subscription. Resuming also reopens the address."""
    subscription.state = state
    if state == SubscriptionState.ACTIVE:
        _open(subscription.recipient)


def stop_all(recipient: Recipient) -> None:
    """Stop all subscriptions of a recipient."""
    for one in of(recipient):
        one.state = SubscriptionState.STOPPED


def refuse(recipient: Recipient, mail_status: MailStatus = MailStatus.REFUSED, reason: str = "") -> None:
    """Send no more emails to this address, not even confirmations."""
    stop_all(recipient)
    recipient.mail_status, recipient.reason = mail_status, reason


def allow_emails(recipient: Recipient) -> None:
    """Allow emails to this address again."""
    recipient.mail_status, recipient.reason, recipient.bounces = MailStatus.OPEN, "", 0


def _open(recipient: Recipient) -> None:
    if not recipient.is_open:
        allow_emails(recipient)


def confirm_url(subscription: Subscription, requester: str) -> str:
    """Return the address of the page that confirms with a button."""
    return _url(CONFIRM, [subscription.id, requester])


def never_url(subscription: Subscription) -> str:
    """Return where somebody who never confirmed can refuse further confirmations."""
    return _url(STOP, ["never", [subscription.id]])


def stop_url(subscriptions: Iterable[Subscription]) -> str:
    """Return the address of the unsubscribe page, and of the one-click POST."""
    return _url(STOP, ["these", sorted({one.id for one in subscriptions})])


def manage_url(recipient: Recipient) -> str:
    """Return the address of the page that lists all subscriptions of somebody."""
    return _url(MANAGE, recipient.id)


def _url(purpose: str, payload: object) -> str:
    return links.absolute(f"/{purpose}/{tokens.sign(purpose, payload)}")
