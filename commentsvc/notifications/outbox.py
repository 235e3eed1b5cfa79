"""The outbox: claim and render emails, store what the mail server said, retry with growing gaps."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import clock, settings
from commentsvc.db import db
from commentsvc.errors import N_, ChangedMeanwhile, Reason
from commentsvc.mail import DeliveryFailed
from commentsvc.models.daily_count import DailyCount, Event
from commentsvc.models.email import Email, EmailKind, EmailState
from commentsvc.notifications import bounces, emails, enqueue, return_address
from commentsvc.notifications.emails import RenderedEmail

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
FIRST_GAP = timedelta(minutes=1)
MAX_GAP = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=5)
OVERDUE_AFTER = timedelta(minutes=10)  # after which somebody should look into it
# A server may refuse because of us or our content, which is not the address's fault.
NO_SUCH_ADDRESS = re.compile(
    r"\b5\.(?:1\.[1-6]|1\.10|2\.\d)\b|^(?!.*\b5\.\d+\.\d).*(?:no such|unknown user|not exist)", re.I
)
SIGNED_PATHS = ("/confirm/", "/unsubscribe/", "/subscriptions/", "/moderate/")  # of ours, whose links are secret
SIGNED = re.compile(rf"({'|'.join(SIGNED_PATHS)})[\w.-]+")
MIN_REFUSED_RECIPIENTS = 2  # recipients refused in a row
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_SIZE = 100
NOTHING_LEFT = N_("nothing left to report, or no recipients")
BY_MODERATOR = N_("cancelled by a moderator")


class _Verbatim(UnstructuredHeader, BaseHeader):
    """A header of ids or addresses. The library would encode a long one, which mail programs do not understand."""

    def fold(self, *, policy: Policy) -> str:
        """Break lines between two ids only."""
        return f"{self.name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


def _wire_policy() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in ("list-unsubscribe", "list-id", "in-reply-to", "references", "reply-to"):
        registry.map_to_type(name, _Verbatim)
    return SMTP.clone(header_factory=registry)


WIRE = _wire_policy()


@dataclass(frozen=True)
class OutgoingEmail:
    """A claimed email, ready to be sent."""

    email_id: int
    kind: EmailKind
    sender: str
    recipient: str
    message: EmailMessage


@dataclass(frozen=True)
class DeliveryProblem:
    """Since when emails have not been delivered, and the mail server's last answer."""

    since: datetime
    answer: str


def claim() -> OutgoingEmail | None:
    """Lease and render the email that is due next.

    If it cannot be rendered, mark it as failed; if nothing is left to report, as cancelled. Neither blocks the others.
    """
    while rows := Email.claim(1, LEASE):
        email = rows[0]
        try:
            with db.session.begin_nested():
                outgoing = _prepare(email)
        except SQLAlchemyError:
            raise
        except Exception as error:  # one broken email must not block the others
            log.exception("email %s cannot be written out", email.id)
            _finish(email, EmailState.FAILED, f"{type(error).__name__}: {error}")
            continue
        if outgoing:
            return outgoing
    return None


def _prepare(email: Email) -> OutgoingEmail | None:
    written = emails.render_email(email)
    if written is None:
        _finish(email, EmailState.CANCELLED, NOTHING_LEFT)
        enqueue.forget_notified(email)
        return None
    # The stored copy is for others than its recipient: signed links are removed.
    kept = "" if written.is_secret else SIGNED.sub(r"\1…", written.text)
    email.subject, email.text = written.subject, kept
    sender = return_address.of_bounces(email)
    return OutgoingEmail(email.id, email.kind, sender, email.recipient, message(email, written))


def _finish(email: Email, state: EmailState, answer: str) -> None:
    email.state, email.last_answer, email.leased_until = state, answer[:500], None
    email.waits_for_server = False


def mark_sent(email_id: int, answer: str) -> None:
    """Mark an email as sent, and release those that only waited for the server."""
    email = db.session.get_one(Email, email_id)
    _finish(email, EmailState.SENT, answer)
    email.sent_at = clock.now()
    DailyCount.add(Event.EMAIL_SENT)
    email.tries += 1
    waiting = update(Email).where(Email.state == EmailState.QUEUED, Email.waits_for_server)
    db.session.execute(waiting.values(due_at=clock.now(), waits_for_server=False))


def postpone(email_id: int, failure: DeliveryFailed, *, was_tried: bool = True) -> list[int]:
    """Retry later with growing gaps; give up on a permanent failure or after five days.

    An email that ``was_tried`` waits by itself, as it may be the reason. Otherwise all others that are due wait with
    it. Returns the ids of emails whose senders want to see the outcome.
    """
    email, now = db.session.get_one(Email, email_id), clock.now()
    email.tries += 1
    email.last_answer = failure.answer
    email.leased_until = None
    if was_tried:
        DailyCount.add(Event.EMAIL_FAILED)
    email.waits_for_server = not was_tried
    if failure.is_final or now - email.created_at > GIVE_UP_AFTER:
        _finish(email, EmailState.FAILED, failure.answer)
        if failure.is_about_recipient and NO_SUCH_ADDRESS.search(failure.answer):
            bounces.count_bounce(email.recipient, failure.answer)
    else:
        email.due_at = now + min(FIRST_GAP * 2 ** min(email.tries - 1, 20), MAX_GAP)
    reported = [email.id] if email.kind == EmailKind.TEST else []
    return reported + (_defer_others(email) if email.waits_for_server else [])


def _defer_others(email: Email) -> list[int]:
    """Postpone all other due emails, so that only this one probes the server; return the test emails among them."""
    due = (Email.state == EmailState.QUEUED, Email.due_at <= clock.now(), Email.leased_until.is_(None))
    others = (*due, Email.id != email.id)
    tests = list(db.session.scalars(select(Email.id).where(*others, Email.kind == EmailKind.TEST)))
    waiting = {"due_at": email.due_at, "waits_for_server": True, "last_answer": email.last_answer}
    db.session.execute(update(Email).where(*others).values(waiting))
    return tests


def note_dialogue(email_id: int, lines: Sequence[str], hints: Sequence[Reason]) -> None:
    """Store the dialogue of a test email, and what to fix."""
    email = db.session.get_one(Email, email_id)
    email.facts = email.facts | {"dialogue": list(lines), "hints": list(hints)}


def cancel(email: Email) -> None:
    """Cancel an email. Raises ``ChangedMeanwhile`` if it is being sent, or was."""
    if email.state != EmailState.QUEUED or _is_on_its_way(email):
        raise ChangedMeanwhile
    _finish(email, EmailState.CANCELLED, BY_MODERATOR)


def send_again(email: Email) -> None:
    """Send an email now, whatever happened before, with five more days to succeed.

    Raises ``ChangedMeanwhile`` if it is being sent.
    """
    if email.state == EmailState.QUEUED and _is_on_its_way(email):
        raise ChangedMeanwhile
    email.requeue()
    email.created_at, email.last_answer = email.due_at, ""


def _is_on_its_way(email: Email) -> bool:
    return email.leased_until is not None and email.leased_until > clock.now()


def latest(state: EmailState | None = None, before: int | None = None) -> list[Email]:
    """Return the newest emails, of one state if given, with ids below ``before``."""
    rows = select(Email).order_by(Email.id.desc()).limit(PAGE_SIZE)
    if state is not None:
        rows = rows.where(Email.state == state)
    return list(db.session.scalars(rows.where(Email.id < before) if before else rows))


def counts() -> dict[EmailState, int]:
    """Return the number of emails in each state."""
    found = dict(db.session.execute(select(Email.state, func.count()).group_by(Email.state)).all())
    return {state: found.get(state, 0) for state in EmailState}


def oldest_waiting() -> timedelta | None:
    """Return for how long the oldest overdue email has waited; digests wait for their time."""
    waiting = select(func.min(Email.created_at)).where(Email.state == EmailState.QUEUED)
    since = db.session.scalar(waiting.where(Email.created_at <= clock.now()))
    return clock.now() - since if since else None


def delivery_problem() -> DeliveryProblem | None:
    """Return what keeps emails from getting out; None if nothing does, or no server is set.

    It is trouble if one was due for a while and not tried; or if one has failed for a while, or several were refused,
    and none was accepted since.
    """
    if not settings.current().mail_url:
        return None
    last = db.session.scalar(select(func.max(Email.sent_at))) or EPOCH
    since = select(Email).where(Email.tries > 0, Email.created_at > last).order_by(Email.created_at)
    late = (Email.state == EmailState.QUEUED) & (Email.created_at < clock.now() - OVERDUE_AFTER)
    untouched = select(Email).where(Email.state == EmailState.QUEUED, Email.tries == 0)
    if (
        waits := db.session.scalars(untouched.where(Email.due_at < clock.now() - OVERDUE_AFTER).limit(1)).first()
    ) is not None:
        return DeliveryProblem(waits.created_at, "")  # no worker is running
    if (waits := db.session.scalars(since.where(late).limit(1)).first()) is not None:
        return DeliveryProblem(waits.created_at, waits.last_answer)
    refused = list(db.session.scalars(since.where(Email.state == EmailState.FAILED).limit(PAGE_SIZE)))
    if len({email.recipient for email in refused}) < MIN_REFUSED_RECIPIENTS:
        return None
    return DeliveryProblem(refused[0].created_at, refused[-1].last_answer)


def message(email: Email, written: RenderedEmail) -> EmailMessage:
    """Return the email as sent (RFC 5322, 2369, 2919, 3834, 8058)."""
    config = settings.current()
    mail = EmailMessage(policy=WIRE)
    # The library decodes encoded words in its input, including line breaks.
    mail["Subject"] = written.subject.replace("=?", "= ?")
    mail["From"] = Address(_header_safe(written.sender_name or config.host), addr_spec=config.sender)
    local, _, domain = email.recipient.encode("ascii").decode().rpartition("@")  # not every server takes others
    mail["To"] = Address("", local, domain)
    mail["Date"] = format_datetime(email.created_at)
    mail["Message-ID"] = email.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"  # what Exchange heeds
    if written.reply_to:
        mail["Reply-To"] = written.reply_to
    if written.references:
        mail["In-Reply-To"] = written.references[-1]
        mail["References"] = " ".join(written.references)
    if written.list_id:
        mail["List-ID"] = f"<{written.list_id}.{config.host}>"
    if written.stop_url:
        mail["List-Unsubscribe"] = f"<{written.stop_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(written.text)
    mail.add_alternative(written.html, subtype="html")
    return mail


def _header_safe(name: str) -> str:
    """Return a blog's name, safe in a header."""
    return " ".join(name.replace("=?", "= ?").split())[:100]
