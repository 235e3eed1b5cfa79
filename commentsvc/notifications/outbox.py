"""The letters that wait: claimed with a lease, handed to the mail server, tried again with growing gaps."""

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
from commentsvc.errors import N_, ChangedMeanwhile
from commentsvc.mail import DeliveryFailed
from commentsvc.models.daily_count import DailyCount, Event
from commentsvc.models.letter import Letter, LetterKind, LetterState
from commentsvc.notifications import bounces, letters, return_address
from commentsvc.notifications.letters import Written

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
FIRST_GAP = timedelta(minutes=1)
MAX_GAP = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=5)
LATE = timedelta(minutes=10)  # from when somebody should look why
# A server may refuse for what we are or what we say, which is no fault of the address.
NO_SUCH_ADDRESS = re.compile(
    r"\b5\.(?:1\.[1-6]|1\.10|2\.\d)\b|^(?!.*\b5\.\d+\.\d).*(?:no such|unknown user|not exist)", re.I
)
SIGNED = re.compile(r"(/(?:confirm|unsubscribe|subscriptions|moderate)/)[\w.-]+")
SEVERAL = 2  # recipients that were refused one after the other
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = 100
NOTHING_LEFT = N_("nothing is left to tell, or nobody wants to hear it")
BY_MODERATOR = N_("cancelled by a moderator")


class _Verbatim(UnstructuredHeader, BaseHeader):
    """A header of identities or addresses: the library would encode a long one, and no mail program would know it."""

    def fold(self, *, policy: Policy) -> str:
        """Lines that are broken between two identities only."""
        return f"{self.name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


def _wire_policy() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in ("list-unsubscribe", "list-id", "in-reply-to", "references", "reply-to"):
        registry.map_to_type(name, _Verbatim)
    return SMTP.clone(header_factory=registry)


WIRE = _wire_policy()


@dataclass(frozen=True)
class Parcel:
    """A claimed letter, packed: what is needed to send it without the database."""

    letter_id: int
    kind: LetterKind
    sender: str
    recipient: str
    message: EmailMessage


@dataclass(frozen=True)
class Trouble:
    """Since when letters do not get out, and the mail server's last words."""

    since: datetime
    answer: str


def claim() -> Parcel | None:
    """The letter that is due first, written out and leased to the caller, so that no other worker takes it; writes.

    A letter that cannot be packed is marked as failed, and one with nothing left to tell as cancelled: neither keeps
    another from being sent.
    """
    while rows := Letter.claim(1, LEASE):
        letter = rows[0]
        try:
            with db.session.begin_nested():
                parcel = _packed(letter)
        except SQLAlchemyError:
            raise
        except Exception as problem:  # whatever is wrong with one letter is wrong with that one only
            log.exception("letter %s cannot be written out", letter.id)
            _end(letter, LetterState.FAILED, f"{type(problem).__name__}: {problem}")
            continue
        if parcel:
            return parcel
    return None


def _packed(letter: Letter) -> Parcel | None:
    written = letters.write_out(letter)
    if written is None:
        _end(letter, LetterState.CANCELLED, NOTHING_LEFT)
        return None
    # Who looks at the letter later is not who got it: the links that speak for them are not kept.
    kept = "" if written.is_secret else SIGNED.sub(r"\1…", written.text)
    letter.subject, letter.text = written.subject, kept
    sender = return_address.of_bounces(letter)
    return Parcel(letter.id, LetterKind(letter.kind), sender, letter.recipient, message(letter, written))


def _end(letter: Letter, state: LetterState, answer: str) -> None:
    letter.state, letter.last_answer, letter.leased_until = state, answer[:500], None
    letter.waits_for_server = False


def sent(letter_id: int, answer: str) -> None:
    """Note that the server took the letter, and let those go now that waited for nothing but it; writes."""
    letter = db.session.get_one(Letter, letter_id)
    _end(letter, LetterState.SENT, answer)
    letter.sent_at = clock.now()
    DailyCount.add(Event.LETTER_SENT)
    letter.tries += 1
    waiting = update(Letter).where(Letter.state == LetterState.QUEUED, Letter.waits_for_server)
    db.session.execute(waiting.values(due_at=clock.now(), waits_for_server=False))


def postpone(letter_id: int, failure: DeliveryFailed, *, was_tried: bool = True) -> list[int]:
    """Try again later, a little later each time; give up on a final answer or after five days; writes.

    What ``was_tried`` has itself to wait for: it may be what the server stumbles over. Where it was not, the others
    that are due wait with it. The letters, by number, whose senders want to hear how that went.
    """
    letter, now = db.session.get_one(Letter, letter_id), clock.now()
    letter.tries += 1
    letter.last_answer = failure.answer
    letter.leased_until = None
    if was_tried:
        DailyCount.add(Event.LETTER_FAILED)
    letter.waits_for_server = not was_tried
    if failure.is_final or now - letter.created_at > GIVE_UP_AFTER:
        _end(letter, LetterState.FAILED, failure.answer)
        if failure.is_about_recipient and NO_SUCH_ADDRESS.search(failure.answer):
            bounces.count(letter.recipient, failure.answer)
    else:
        letter.due_at = now + min(FIRST_GAP * 2 ** min(letter.tries - 1, 20), MAX_GAP)
    told = [letter.id] if letter.kind == LetterKind.TEST else []
    return told + (_let_others_wait(letter) if letter.waits_for_server else [])


def _let_others_wait(letter: Letter) -> list[int]:
    """Of all that are due, one asks a server that is away whether it is back; the tests among the others."""
    due = (Letter.state == LetterState.QUEUED, Letter.due_at <= clock.now(), Letter.leased_until.is_(None))
    others = (*due, Letter.id != letter.id)
    tests = list(db.session.scalars(select(Letter.id).where(*others, Letter.kind == LetterKind.TEST)))
    waiting = {"due_at": letter.due_at, "waits_for_server": True, "last_answer": letter.last_answer}
    db.session.execute(update(Letter).where(*others).values(waiting))
    return tests


def note_dialogue(letter_id: int, lines: Sequence[str], hints: Sequence[str]) -> None:
    """Keep what was said about a test letter, and what there is to mend; writes."""
    letter = db.session.get_one(Letter, letter_id)
    letter.facts = letter.facts | {"dialogue": list(lines), "hints": list(hints)}


def cancel(letter: Letter) -> None:
    """Do not send it; writes. Raises ``ChangedMeanwhile`` where it is on its way, or gone, already."""
    if letter.state != LetterState.QUEUED or _is_on_its_way(letter):
        raise ChangedMeanwhile
    _end(letter, LetterState.CANCELLED, BY_MODERATOR)


def send_again(letter: Letter) -> None:
    """Send it now, whatever became of it, with five days to get through; writes.

    Raises ``ChangedMeanwhile`` where it is on its way already.
    """
    if letter.state == LetterState.QUEUED and _is_on_its_way(letter):
        raise ChangedMeanwhile
    letter.state, letter.leased_until, letter.tries, letter.last_answer = LetterState.QUEUED, None, 0, ""
    letter.due_at = letter.created_at = clock.now()


def _is_on_its_way(letter: Letter) -> bool:
    return letter.leased_until is not None and letter.leased_until > clock.now()


def latest(state: LetterState | None = None, before: int | None = None) -> list[Letter]:
    """The last letters written, newest first; of one state, with numbers below ``before``."""
    rows = select(Letter).order_by(Letter.id.desc()).limit(PAGE)
    if state is not None:
        rows = rows.where(Letter.state == state)
    return list(db.session.scalars(rows.where(Letter.id < before) if before else rows))


def counts() -> dict[LetterState, int]:
    """How many letters are in each state."""
    found = dict(db.session.execute(select(Letter.state, func.count()).group_by(Letter.state)).all())
    return {state: found.get(state, 0) for state in LetterState}


def oldest_waiting() -> timedelta | None:
    """How long the oldest letter that should be out has been waiting; digests wait for their time."""
    waiting = select(func.min(Letter.created_at)).where(Letter.state == LetterState.QUEUED)
    since = db.session.scalar(waiting.where(Letter.created_at <= clock.now()))
    return clock.now() - since if since else None


def trouble() -> Trouble | None:
    """Whether letters get out: None where any did of late, or where no server is set.

    It is trouble where one has been tried in vain for a while, or several were refused, and none was taken since.
    """
    if not settings.current().mail_url:
        return None
    last = db.session.scalar(select(func.max(Letter.sent_at))) or FIRST_MOMENT
    since = select(Letter).where(Letter.tries > 0, Letter.created_at > last).order_by(Letter.created_at)
    late = (Letter.state == LetterState.QUEUED) & (Letter.created_at < clock.now() - LATE)
    untouched = select(Letter).where(Letter.state == LetterState.QUEUED, Letter.tries == 0)
    if (waits := db.session.scalars(untouched.where(Letter.due_at < clock.now() - LATE).limit(1)).first()) is not None:
        return Trouble(waits.created_at, "")  # nobody works
    if (waits := db.session.scalars(since.where(late).limit(1)).first()) is not None:
        return Trouble(waits.created_at, waits.last_answer)
    refused = list(db.session.scalars(since.where(Letter.state == LetterState.FAILED).limit(PAGE)))
    if len({letter.recipient for letter in refused}) < SEVERAL:
        return None
    return Trouble(refused[0].created_at, refused[-1].last_answer)


def message(letter: Letter, written: Written) -> EmailMessage:
    """The letter as it goes over the wire (RFC 5322, 2369, 2919, 3834, 8058)."""
    config = settings.current()
    mail = EmailMessage(policy=WIRE)
    # The library decodes encoded words in what it is given, line breaks in them included.
    mail["Subject"] = written.subject.replace("=?", "= ?")
    mail["From"] = Address(_harmless(written.sender_name), addr_spec=config.sender)
    local, _, domain = letter.recipient.encode("ascii").decode().rpartition("@")  # not every server takes others
    mail["To"] = Address("", local, domain)
    mail["Date"] = format_datetime(letter.created_at)
    mail["Message-ID"] = letter.message_id
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


def _harmless(name: str) -> str:
    """A blog's name in a header."""
    return " ".join(name.replace("=?", "= ?").split())[:100]
