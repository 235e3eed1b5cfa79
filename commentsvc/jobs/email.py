"""Email jobs: send what is due over one connection, and read the mailbox."""

import logging
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from commentsvc import mail, mailbox, settings
from commentsvc.comments import by_mail
from commentsvc.db import db
from commentsvc.jobs.runner import run_in_transaction_with_retry
from commentsvc.mail import DeliveryFailed
from commentsvc.models.email import EmailKind
from commentsvc.notifications import deliverability, incoming, outbox

BATCH_SIZE = 50  # emails over one connection

log = logging.getLogger(__name__)


def send_emails() -> int:
    """Send due emails over one connection, each claimed in its turn; return how many were tried."""
    if not settings.current().mail_url:
        return 0
    outgoing = db.run_in_transaction(outbox.claim)
    if outgoing is None:
        return 0
    tried, dialogue = 0, mail.Transcript()
    try:
        with mail.connect(dialogue) as connection:
            while outgoing is not None and _send(connection, outgoing, dialogue):
                tried += 1
                outgoing = db.run_in_transaction(outbox.claim) if tried < BATCH_SIZE else None
    except DeliveryFailed as failure:  # the server is unreachable: the email waits and is not at fault
        log.warning("the mail server is not available: %s", failure.answer)
        if outgoing is not None:
            _not_sent(outgoing, failure, dialogue, was_tried=False)
    return tried


def _send(connection: mail.Connection, outgoing: outbox.OutgoingEmail, dialogue: mail.Transcript) -> bool:
    """Send one email and store the outcome; return whether the connection can be used for another."""
    dialogue.begin_message()
    try:
        answer = connection.send(outgoing.sender, outgoing.recipient, outgoing.message)
    except DeliveryFailed as failure:
        log.warning("email %s was refused: %s", outgoing.email_id, failure.answer)
        _not_sent(outgoing, failure, dialogue, was_tried=True)
        return not failure.is_about_server
    run_in_transaction_with_retry(partial(outbox.mark_sent, outgoing.email_id, answer))
    if outgoing.kind == EmailKind.TEST:
        _explain(outgoing.email_id, dialogue)
    return True


def _not_sent(
    outgoing: outbox.OutgoingEmail, failure: DeliveryFailed, dialogue: mail.Transcript, *, was_tried: bool
) -> None:
    for email_id in db.run_in_transaction(partial(outbox.postpone, outgoing.email_id, failure, was_tried=was_tried)):
        _explain(email_id, dialogue, failure)


def _explain(email_id: int, dialogue: mail.Transcript, failure: DeliveryFailed | None = None) -> None:
    """Store the dialogue of a test email for its sender, with hints."""
    hints = deliverability.hints(failure)
    db.run_in_transaction(partial(outbox.note_dialogue, email_id, dialogue.lines, hints))


def read_mailbox() -> int:
    """Process what is in the mailbox. Return 0, so that it is read again only after the pause."""
    if not settings.current().mail_inbox:
        return 0
    try:
        with mailbox.connect() as folder:
            for uid in folder.unread(BATCH_SIZE):
                receive(folder.read(uid))
                folder.mark(uid)
    except mailbox.MailboxError as error:
        log.warning("the mailbox cannot be read: %s", error)
    return 0


def receive(raw: bytes) -> str:
    """Process one incoming email and return the outcome. Database errors propagate, so that it is retried.

    Any other error is logged, as one bad email must not block the others.
    """
    try:
        email = incoming.read(raw)  # before anything is locked: strangers send anything
        outcome = db.run_in_transaction(partial(by_mail.process, email))
    except incoming.Unreadable as error:
        log.warning("an incoming email cannot be read: %s", error)
        return f"ignored: {error}"
    except SQLAlchemyError:
        raise
    except Exception:
        db.session.rollback()
        log.exception("processing an incoming email failed")
        return "ignored: it could not be understood"
    log.info("an incoming email was processed: %s", outcome)
    return outcome
