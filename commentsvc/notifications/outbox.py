"""The letters that wait: claimed with a lease, handed to the mail server, tried again with growing gaps."""

from dataclasses import dataclass
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sqlalchemy import func, select

from commentsvc import clock, settings
from commentsvc.db import db
from commentsvc.mail import DeliveryFailed
from commentsvc.models.letter import Letter, LetterState

LEASE = timedelta(minutes=5)
FIRST_GAP = timedelta(minutes=1)
LONGEST_GAP = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=5)


@dataclass(frozen=True)
class Parcel:
    """A claimed letter, packed: what is needed to send it without the database."""

    letter_id: int
    recipient: str
    message: EmailMessage


def claim() -> Parcel | None:
    """The letter that is due first, leased to the caller so that no other worker takes it; writes.

    A letter that cannot be packed is marked as failed and keeps no other from being sent.
    """
    for letter in Letter.claim(1, LEASE):
        try:
            return Parcel(letter.id, letter.recipient, message(letter))
        except (ValueError, MessageError) as problem:
            letter.state, letter.last_answer, letter.leased_until = LetterState.FAILED, str(problem)[:500], None
    return None


def sent(letter_id: int, answer: str) -> None:
    """Note that the server took the letter; writes."""
    letter = db.session.get_one(Letter, letter_id)
    letter.state, letter.last_answer, letter.sent_at = LetterState.SENT, answer, clock.now()
    letter.tries += 1
    letter.leased_until = None


def postpone(letter_id: int, failure: DeliveryFailed) -> None:
    """Try again later, a little later each time; give up on a final answer or after five days; writes."""
    letter, now = db.session.get_one(Letter, letter_id), clock.now()
    letter.tries += 1
    letter.last_answer = failure.answer
    letter.leased_until = None
    if failure.is_final or now - letter.created_at > GIVE_UP_AFTER:
        letter.state = LetterState.FAILED
    else:
        letter.due_at = now + min(FIRST_GAP * 2 ** min(letter.tries - 1, 20), LONGEST_GAP)


def latest(limit: int = 100) -> list[Letter]:
    """The last letters written, newest first."""
    return list(db.session.scalars(select(Letter).order_by(Letter.id.desc()).limit(limit)))


def oldest_waiting() -> timedelta | None:
    """How long the oldest unsent letter has been waiting."""
    since = db.session.scalar(select(func.min(Letter.created_at)).where(Letter.state == LetterState.QUEUED))
    return clock.now() - since if since else None


def message(letter: Letter) -> EmailMessage:
    """The letter as it goes over the wire (RFC 5322, 2369, 3834, 8058)."""
    mail = EmailMessage(policy=SMTP)
    # The library decodes encoded words in what it is given, line breaks in them included.
    mail["Subject"] = letter.subject.replace("=?", "= ?")
    mail["From"] = Address("", addr_spec=settings.current().sender)
    mail["To"] = Address("", addr_spec=letter.recipient)
    mail["Date"] = format_datetime(letter.created_at)
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"
    if letter.references:
        mail["In-Reply-To"] = letter.references
        mail["References"] = letter.references
    if letter.list_id:
        mail["List-ID"] = f"<{letter.list_id}>"
    if letter.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail
