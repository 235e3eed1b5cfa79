"""Enqueue emails in the transaction of what they report: recipient, comments and facts. They are rendered when sent."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, literal, select, update

from commentsvc import clock, settings, tokens
from commentsvc.db import db, in_parts
from commentsvc.models.comment import Comment
from commentsvc.models.email import Email, EmailKind, EmailState
from commentsvc.models.email_item import EmailItem
from commentsvc.models.recipient import Frequency, Recipient
from commentsvc.models.subscription import Subscription

MAX_ITEMS = 200  # in one email


def add_email(
    kind: EmailKind,
    recipient: Recipient,
    *,
    subscription: Subscription | None = None,
    due_at: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    own_message_id: str = "",
) -> Email:
    """Put an email into the outbox."""
    email = Email(
        kind=kind,
        recipient=recipient.email,
        language=recipient.language,
        message_id=own_message_id or message_id(kind, secrets.token_hex(10)),
        subscription_id=subscription.id if subscription else None,
        due_at=due_at or clock.now(),
        created_at=due_at or clock.now(),  # a digest is as old as the moment when it should be sent
        facts=dict(facts or {}),
    )
    db.session.add(email)
    return email


def collecting_email(
    kind: EmailKind, recipient: Recipient, due_at: datetime, *, of: Subscription | None = None
) -> Email:
    """Return the email of this kind that still collects items, or a new one, due at ``due_at``.

    With ``of``, one that has items of this subscription. An email that only waits for the mail server collects items,
    too.
    """
    waits = (
        select(Email)
        .where(Email.kind == kind, Email.recipient == recipient.email, Email.state == EmailState.QUEUED)
        .where((Email.tries == 0) | Email.waits_for_server, Email.leased_until.is_(None))
        .order_by(Email.id.desc())
        .limit(1)
        .with_for_update()
    )
    if of is not None:
        notified = select(EmailItem.id).where(EmailItem.email_id == Email.id, EmailItem.subscription_id == of.id)
        waits = waits.where(notified.exists())
    found = db.session.scalar(waits)
    if found is not None and found.tries == 0:
        found.due_at = found.created_at = min(found.due_at, due_at)
    if found is None or _number_of_items(found) >= MAX_ITEMS:
        return add_email(kind, recipient, due_at=due_at)
    return found


def add_item(email: Email, comment: Comment, subscription: Subscription, dedupe_key: str) -> None:
    """Add a comment to an email in the outbox."""
    db.session.add(
        EmailItem(
            email_id=email.id,
            comment_id=comment.id,
            subscription_id=subscription.id,
            dedupe_key=dedupe_key,
            recipient=email.recipient,
        )
    )


def apply_frequency(recipient: Recipient) -> None:
    """Apply a recipient's new frequency to the emails that wait."""
    due_at = clock.now() if recipient.frequency == Frequency.IMMEDIATE else recipient.next_digest()
    waits = update(Email).where(Email.kind == EmailKind.DIGEST, Email.recipient == recipient.email)
    waits = waits.where(Email.state == EmailState.QUEUED, Email.tries == 0, Email.due_at > due_at)
    db.session.execute(waits.values(due_at=due_at, created_at=due_at))


def is_already_notified(dedupe_key: str, recipient: Recipient) -> bool:
    """Return whether this address was already notified of it."""
    notified = select(EmailItem.id).where(EmailItem.dedupe_key == dedupe_key, EmailItem.recipient == recipient.email)
    return db.session.scalar(notified) is not None


def notified_before(comment: Comment, addresses: Sequence[str]) -> set[str]:
    """Return which of these addresses got an email of their own about a comment, as far as emails are kept."""
    notified: set[str] = set()
    for some in in_parts(addresses):
        own = Email.message_id.in_([message_id_of(comment.id, address) for address in some])
        notified.update(db.session.scalars(select(Email.recipient).where(own)))
    return notified


def waiting(kinds: Iterable[EmailKind], addresses: Sequence[str]) -> dict[str, int]:
    """Return how many emails of these kinds wait for these addresses and are not due yet; no entry means none."""
    found: dict[str, int] = {}
    waits = (Email.state == EmailState.QUEUED, Email.due_at > clock.now(), Email.tries == 0)
    for some in in_parts(addresses):
        counts = select(Email.recipient, func.count()).where(
            Email.recipient.in_(some), Email.kind.in_([*kinds]), *waits
        )
        found |= {row[0]: row[1] for row in db.session.execute(counts.group_by(Email.recipient))}
    return found


def forget_notified(email: Email) -> None:
    """Forget that an email that was not sent notified anybody: what it reported may be news again later."""
    email.message_id = message_id(email.kind, secrets.token_hex(10))
    of_it = update(EmailItem).where(EmailItem.email_id == email.id)
    db.session.execute(of_it.values(dedupe_key=literal("released-") + cast(EmailItem.id, String)))


def last_sent(kind: EmailKind, recipient: Recipient) -> datetime | None:
    """Return when the last email of this kind was sent to this address."""
    sent = select(func.max(Email.sent_at)).where(Email.recipient == recipient.email, Email.kind == kind)
    return db.session.scalar(sent)


def message_id_of(comment_id: int, address: str) -> str:
    """Return the Message-ID of the email that notifies ``address`` of a comment, whether or not it exists."""
    return message_id(f"comment-{comment_id}", tokens.keyed_hash("message-id", f"{comment_id} {address}", length=10))


def message_id_of_thread(thread_id: int) -> str:
    """Return what all emails about a thread refer to, so that mail programs group them."""
    return message_id(f"thread-{thread_id}", tokens.keyed_hash("message-id", f"thread {thread_id}", length=10))


def message_id(about: str, unique: str) -> str:
    """Return a Message-ID of ours."""
    return f"<{about}.{unique}@{settings.current().host}>"


def _number_of_items(email: Email) -> int:
    return db.session.scalar(select(func.count(EmailItem.id)).where(EmailItem.email_id == email.id)) or 0
