"""Enqueue emails in the transaction of what they report: recipient and subject. They are rendered when sent."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from commentsvc import clock, settings, tokens
from commentsvc.db import db
from commentsvc.models.comment import Comment
from commentsvc.models.letter import Letter, LetterKind, LetterState
from commentsvc.models.letter_item import LetterItem
from commentsvc.models.recipient import Frequency, Recipient
from commentsvc.models.subscription import Subscription

MAX_ITEMS = 200  # in one letter
MAX_AT_ONCE = 10_000  # values in a question that every database takes


def write(
    kind: LetterKind,
    recipient: Recipient,
    *,
    subscription: Subscription | None = None,
    due_at: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    identity: str = "",
) -> Letter:
    """A letter in the outbox; writes."""
    letter = Letter(
        kind=kind,
        recipient=recipient.email,
        language=recipient.language,
        message_id=identity or message_id(kind, secrets.token_hex(10)),
        subscription_id=subscription.id if subscription else None,
        due_at=due_at or clock.now(),
        created_at=due_at or clock.now(),  # what gathers news is as old as the moment in which it should go
        facts=dict(facts or {}),
    )
    db.session.add(letter)
    return letter


def open_letter(kind: LetterKind, recipient: Recipient, due_at: datetime, *, of: Subscription | None = None) -> Letter:
    """The letter of this kind that waits for more to tell, or a new one, due at ``due_at``; writes.

    With ``of``, one that tells of this subscription. What waits for nothing but the mail server takes more in, too.
    """
    waits = (
        select(Letter)
        .where(Letter.kind == kind, Letter.recipient == recipient.email, Letter.state == LetterState.QUEUED)
        .where((Letter.tries == 0) | Letter.waits_for_server, Letter.leased_until.is_(None))
        .order_by(Letter.id.desc())
        .limit(1)
        .with_for_update()
    )
    if of is not None:
        told = select(LetterItem.id).where(LetterItem.letter_id == Letter.id, LetterItem.subscription_id == of.id)
        waits = waits.where(told.exists())
    found = db.session.scalar(waits)
    if found is not None and found.tries == 0:
        found.due_at = found.created_at = min(found.due_at, due_at)
    if found is None or _number_of_items(found) >= MAX_ITEMS:
        return write(kind, recipient, due_at=due_at)
    return found


def add(letter: Letter, comment: Comment, subscription: Subscription, occasion: str) -> None:
    """Let a letter, which is in the outbox, tell of a comment; writes."""
    db.session.add(
        LetterItem(
            letter_id=letter.id,
            comment_id=comment.id,
            subscription_id=subscription.id,
            occasion=occasion,
            recipient=letter.recipient,
        )
    )


def hurry(recipient: Recipient) -> None:
    """What was gathered goes by the pace that somebody chose now; writes."""
    due_at = clock.now() if recipient.pace == Frequency.AT_ONCE else recipient.next_digest()
    waits = update(Letter).where(Letter.kind == LetterKind.DIGEST, Letter.recipient == recipient.email)
    waits = waits.where(Letter.state == LetterState.QUEUED, Letter.tries == 0, Letter.due_at > due_at)
    db.session.execute(waits.values(due_at=due_at, created_at=due_at))


def is_told(occasion: str, recipient: Recipient) -> bool:
    """Whether a letter to this address tells of it already."""
    told = select(LetterItem.id).where(LetterItem.occasion == occasion, LetterItem.recipient == recipient.email)
    return db.session.scalar(told) is not None


def told_before(comment: Comment, emails: Sequence[str]) -> set[str]:
    """Which of these addresses had a letter of their own about a comment, as far as their letters are kept."""
    told: set[str] = set()
    for start in range(0, len(emails), MAX_AT_ONCE):
        identities = [message_id_of(comment.id, email) for email in emails[start : start + MAX_AT_ONCE]]
        told.update(db.session.scalars(select(Letter.recipient).where(Letter.message_id.in_(identities))))
    return told


def last_sent(kind: LetterKind, recipient: Recipient) -> datetime | None:
    """When the last letter of this kind went to this address."""
    sent = select(func.max(Letter.sent_at)).where(Letter.recipient == recipient.email, Letter.kind == kind)
    return db.session.scalar(sent)


def message_id_of(comment_id: int, email: str) -> str:
    """The Message-ID of the letter in which ``email`` hears of a comment, whether there is one or not."""
    return message_id(f"comment-{comment_id}", tokens.keyed_hash("message-id", f"{comment_id} {email}", length=10))


def message_id_of_thread(thread_id: int) -> str:
    """What all letters about a thread refer to, so that mail programs show them as one conversation."""
    return message_id(f"thread-{thread_id}", tokens.keyed_hash("message-id", f"thread {thread_id}", length=10))


def message_id(about: str, unique: str) -> str:
    """A Message-ID of ours."""
    return f"<{about}.{unique}@{settings.current().host}>"


def _number_of_items(letter: Letter) -> int:
    return db.session.scalar(select(func.count(LetterItem.id)).where(LetterItem.letter_id == letter.id)) or 0
