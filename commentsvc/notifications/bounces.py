"""Emails that came back: an address from which they do gets no more of them."""

from datetime import timedelta

from commentsvc import clock
from commentsvc.models.recipient import MailStatus, Recipient
from commentsvc.notifications import subscriptions

MAX_COUNT = 3  # emails that may come back for a while, before an address is given up
DURING = timedelta(days=30)


def pause(email: str, reason: str) -> None:
    """An address that does not exist gets no emails, until somebody says otherwise."""
    recipient = Recipient.with_email(email)
    if recipient is not None and recipient.is_open:
        recipient.mail_status, recipient.reason = MailStatus.BOUNCED, reason[:500]


def count(email: str, reason: str) -> None:
    """An email did not arrive, which may be the email's fault, or pass: one of many pauses the address."""
    recipient = Recipient.with_email(email)
    if recipient is None:
        return
    if recipient.bounced_at is None or clock.now() - recipient.bounced_at > DURING:
        recipient.bounces = 0
    recipient.bounces += 1
    recipient.bounced_at = clock.now()
    if recipient.bounces >= MAX_COUNT:
        pause(email, reason)


def complain(email: str, reason: str) -> None:
    """Somebody called an email spam: they get no more."""
    if recipient := Recipient.with_email(email):
        subscriptions.refuse(recipient, MailStatus.COMPLAINED, reason[:500])
