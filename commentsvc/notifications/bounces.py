"""Bounced emails, and complaints: their addresses get no more emails."""

from datetime import timedelta

from commentsvc import clock
from commentsvc.models.recipient import MailStatus, Recipient
from commentsvc.notifications import subscriptions

MAX_COUNT = 3  # temporary bounces until an address is paused
DURING = timedelta(days=30)


def pause_address(email: str, reason: str) -> None:
    """Send no more emails to an address until somebody reopens it."""
    recipient = Recipient.with_email(email)
    if recipient is not None and recipient.is_open:
        recipient.mail_status, recipient.reason = MailStatus.BOUNCED, reason[:500]


def count_bounce(email: str, reason: str) -> None:
    """Count a failure that may be temporary, or about us; after several, pause the address."""
    recipient = Recipient.with_email(email)
    if recipient is None:
        return
    if recipient.bounced_at is None or clock.now() - recipient.bounced_at > DURING:
        recipient.bounces = 0
    recipient.bounces += 1
    recipient.bounced_at = clock.now()
    if recipient.bounces >= MAX_COUNT:
        pause_address(email, reason)


def record_complaint(email: str, reason: str) -> None:
    """Pause an address whose owner marked an email as spam."""
    if recipient := Recipient.with_email(email):
        subscriptions.refuse(recipient, MailStatus.COMPLAINED, reason[:500])
