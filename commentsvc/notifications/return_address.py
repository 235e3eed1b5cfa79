"""Signed addresses that only the recipient of an email knows: for bounces and for replies.

``comments+r1z-3k-…@example.org``: after the plus stand purpose, some numbers in base 36, and a signature.
Lower case and hyphens only, as mail systems fold case; at most 64 characters before the ``@`` (RFC 5321, 4.5.3.1.1).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from commentsvc import clock, settings, tokens
from commentsvc.models.comment import Comment
from commentsvc.models.email import Email
from commentsvc.models.subscription import Subscription

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
CODE = re.compile(r"([brm])([0-9a-z]{1,7})-([0-9a-z]{1,7})-([0-9a-z]{1,5})-([0-9a-z]{1,5})-([0-9a-f]{20})")
SIGNATURE = 10  # bytes
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(days=60)


class Purpose(StrEnum):
    """What an email to the address does."""

    BOUNCE = "b"  # bounces
    REPLY = "r"  # answers a comment
    MODERATE = "m"  # decides about one


@dataclass(frozen=True)
class ReturnAddress:
    """``first`` and ``second`` are the ids of an email (and 0) for bounces, else of subscription and comment.

    ``seen`` changes with the comment's text; ``day`` is when the email was sent.
    """

    purpose: Purpose
    first: int
    second: int
    day: int
    seen: int

    @property
    def is_too_old(self) -> bool:
        """Return whether it has expired."""
        return clock.now() - (FIRST_DAY + timedelta(days=self.day)) > LIFETIME + timedelta(days=1)

    def is_about(self, comment: Comment) -> bool:
        """Return whether the comment still has the text that was mailed."""
        return self.seen == _seen(comment)

    @property
    def code(self) -> str:
        """The part between the plus and the signature."""
        numbers = (self.first, self.second, self.day, self.seen)
        return self.purpose + "-".join(_base36(number) for number in numbers)


def of_bounces(email: Email) -> str:
    """Return the envelope sender of an email; MAIL_FROM if bounces are not read."""
    return _address(Purpose.BOUNCE, email.id, 0) or settings.current().sender


def of_replies(subscription: Subscription, comment: Comment) -> str | None:
    """Return where a reader's reply goes, if that is set up."""
    return _address(Purpose.REPLY, subscription.id, comment.id)


def of_decisions(subscription: Subscription, comment: Comment) -> str | None:
    """Return where a moderator's decision about a comment's current text goes, if that is set up."""
    return _address(Purpose.MODERATE, subscription.id, comment.id, _seen(comment))


def read(address: str) -> ReturnAddress | None:
    """Parse one of our addresses; None if it is not one, or not signed by us."""
    base = settings.current().mail_reply_to.lower()
    local, _, domain = address.strip().lower().rpartition("@")
    mailbox, _, code = local.rpartition("+")
    found = CODE.fullmatch(code)
    if not base or f"{mailbox}@{domain}" != base or found is None:
        return None
    purpose, *numbers, signature = found.groups()
    made = ReturnAddress(Purpose(purpose), *(int(number, 36) for number in numbers))
    return made if tokens.equal(_signature(made.code), signature) else None


def _address(purpose: Purpose, first: int, second: int, seen: int = 0) -> str | None:
    mailbox, _, domain = settings.current().mail_reply_to.partition("@")
    if not mailbox:
        return None
    code = ReturnAddress(purpose, first, second, max(0, (clock.now() - FIRST_DAY).days), seen).code
    return f"{mailbox}+{code}-{_signature(code)}@{domain}"


def _seen(comment: Comment) -> int:
    return int(tokens.keyed_hash("seen-as", comment.text_version, length=3), 16) if comment.text_version else 0


def _signature(code: str) -> str:
    return tokens.keyed_hash("return-address", code, SIGNATURE)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits or "0"
