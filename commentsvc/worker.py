"""A loop for each job: send emails, read answers, tell channels, verify pings, tell other blogs, and so on.

Any number of workers may run beside each other.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import mail, mailbox, safe_http, settings
from commentsvc.accounts import sessions
from commentsvc.captcha import challenge
from commentsvc.comments import by_mail, retention, site_removal
from commentsvc.db import db
from commentsvc.errors import PingRefused
from commentsvc.linkbacks import announcing, page_check_queue, sending, source_page, verifying, watching
from commentsvc.mail import DeliveryFailed
from commentsvc.models.announcement import Announcement
from commentsvc.models.delivery import Delivery
from commentsvc.models.email import Email, EmailKind
from commentsvc.models.leased import Leased, new_work
from commentsvc.models.page_check import PageCheck
from commentsvc.models.ping import Ping
from commentsvc.models.second_opinion import SecondOpinion
from commentsvc.models.sent_linkback import SentLinkback
from commentsvc.models.watched_feed import WatchedFeed
from commentsvc.moderation import second_opinion
from commentsvc.notifications import channels, deliverability, incoming, outbox

LOOK = timedelta(seconds=1)  # how often it is looked for rows that became due
MAX_PAUSE = timedelta(seconds=10)
FIRST_PAUSE = timedelta(seconds=60)  # for what need not be done while everything starts
BATCH = 50  # emails over one connection
NOTES = 3  # times that it is tried to write down what was done
MAILBOX_PAUSE = timedelta(seconds=15)
TIDY_PAUSE = timedelta(minutes=10)
NOT_MODIFIED = 304

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Something to do over and over; ``do`` gives how much it did.

    It is done whenever a row of ``rows`` is due, and where that is not said or known, after each ``pause``. What is in
    no hurry is not done while the service starts. ``at_once`` loops do it beside each other, where one may take long.
    """

    do: Callable[[], int]
    rows: type[Leased] | None = None
    pause: timedelta = MAX_PAUSE
    at_once: int = 1
    is_in_a_hurry: bool = True
    bell: threading.Condition = field(default_factory=threading.Condition, compare=False)

    def has_work(self) -> bool:
        """A plain look, so that nobody takes the lock for writing in vain."""
        return self.rows is None or bool(db.session.scalar(select(self.rows.are_there())))

    def ring(self) -> None:
        """Wake its loops."""
        with self.bell:
            self.bell.notify_all()

    def wait(self, span: timedelta) -> None:
        """Until it is rung for, or so much time is over."""
        with self.bell:
            self.bell.wait(span.total_seconds())


def start(context: Callable[[], AbstractContextManager[object]]) -> threading.Event:
    """Do all jobs in threads of this process, each inside ``context()``, until the returned event is set."""
    stop = threading.Event()

    def run(work: Callable[[], None]) -> None:
        with context():
            work()

    loops = [("look-out", partial(look_out, stop))]
    loops += [(job.do.__name__, partial(loop, job, stop)) for job in JOBS for _ in range(job.at_once)]
    for name, work in loops:
        threading.Thread(target=run, args=(work,), name=f"worker {name}", daemon=True).start()
    return stop


def look_out(stop: threading.Event) -> None:
    """Look for due rows of every job in one question, and wake whose there are: each second, and when some are made.

    Rows may come from other processes, and become due by the passing of time.
    """
    while not stop.is_set():
        _carefully(_wake)
        new_work.wait(LOOK.total_seconds())
        new_work.clear()


def _wake() -> int:
    jobs = [job for job in JOBS if job.rows is not None]
    found = db.session.execute(select(*(job.rows.are_there() for job in jobs if job.rows))).one()
    due = [job for job, is_due in zip(jobs, found, strict=True) if is_due]
    for job in due:
        job.ring()
    return len(due)


def loop(job: Job, stop: threading.Event) -> None:
    """Do ``job`` until ``stop`` is set; trouble in one round is logged and does not end the loop.

    Each job has loops and threads of its own, so that a slow mail server keeps no ping waiting.
    """
    if job.rows is not None or not job.is_in_a_hurry:
        job.wait(FIRST_PAUSE)
    while not stop.is_set():
        if not _carefully(partial(_look_and_do, job)):
            job.wait(job.pause)


def _look_and_do(job: Job) -> int:
    return job.do() if job.has_work() else 0


def _carefully(do: Callable[[], int]) -> int:
    try:
        return do()
    except SQLAlchemyError as problem:
        log.warning("%s: the database is not available (%s)", threading.current_thread().name, problem)
    except Exception:
        log.exception("%s failed", threading.current_thread().name)
    finally:
        db.session.remove()
    return 0


def send_emails() -> int:
    """Due emails over one connection, each claimed when its turn comes; the number taken by the server."""
    if not settings.current().mail_url:
        return 0
    parcel = _written(outbox.claim)
    if parcel is None:
        return 0
    taken, dialogue = 0, mail.Transcript()
    try:
        with mail.connect(dialogue) as connection:
            while parcel is not None and _sent(connection, parcel, dialogue):
                taken += 1
                parcel = _written(outbox.claim) if taken < BATCH else None
    except DeliveryFailed as failure:  # nobody can be reached: the email waits, and is not at fault
        log.warning("the mail server is not available: %s", failure.answer)
        if parcel is not None:
            _not_sent(parcel, failure, dialogue, was_tried=False)
    return taken


def _sent(connection: mail.Connection, parcel: outbox.Parcel, dialogue: mail.Transcript) -> bool:
    """Hand over one email and note how that went; whether the line may be used for another."""
    dialogue.begin_message()
    try:
        answer = connection.send(parcel.sender, parcel.recipient, parcel.message)
    except DeliveryFailed as failure:
        log.warning("email %s was not taken: %s", parcel.email_id, failure.answer)
        _not_sent(parcel, failure, dialogue, was_tried=True)
        return not failure.is_about_server
    _noted(partial(outbox.sent, parcel.email_id, answer))
    if parcel.kind == EmailKind.TEST:
        _explain(parcel.email_id, answer, dialogue, is_taken=True)
    return True


def _not_sent(parcel: outbox.Parcel, failure: DeliveryFailed, dialogue: mail.Transcript, *, was_tried: bool) -> None:
    for email_id in _written(partial(outbox.postpone, parcel.email_id, failure, was_tried=was_tried)):
        _explain(email_id, failure.answer, dialogue, is_taken=False)


def _explain(email_id: int, answer: str, dialogue: mail.Transcript, *, is_taken: bool) -> None:
    """A test email tells its sender what was said, and what there is to mend."""
    hints = deliverability.hints(answer, is_taken=is_taken)
    _written(partial(outbox.note_dialogue, email_id, dialogue.lines, hints))


def read_mailbox() -> int:
    """What came to the mailbox of answers and bounces; 0, as it is looked into from time to time."""
    if not settings.current().mail_inbox:
        return 0
    try:
        with mailbox.connect() as folder:
            for sequence in folder.unread(BATCH):
                receive(folder.read(sequence))
                folder.mark(sequence)
    except mailbox.MailboxTrouble as trouble:
        log.warning("the mailbox cannot be read: %s", trouble)
    return 0


def receive(raw: bytes) -> str:
    """Do what one mail asks for; what became of it. Trouble with the database comes up: it is to be tried again.

    Whatever else a mail brings up, it must not keep those behind it waiting.
    """
    try:
        mail = incoming.read(raw)  # before anything is locked: strangers send what they like
        outcome = _written(partial(by_mail.take, mail))
    except incoming.Unreadable as problem:
        log.warning("a mail could not be read: %s", problem)
        return f"ignored: {problem}"
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("a mail could not be taken")
        return "ignored: it could not be understood"
    log.info("a mail came: %s", outcome)
    return outcome


def deliver_to_channels() -> int:
    """The delivery to a webhook or a push service that is due first; the number made."""
    message = _written(channels.claim)
    if message is None:
        return 0
    try:
        _written(partial(channels.settle, message, channels.make(message)))
    except safe_http.FetchRefused as refusal:
        _written(partial(channels.give_up, message, str(refusal)))
    except safe_http.FetchFailed as failure:
        _written(partial(channels.postpone, message, str(failure)))
    except SQLAlchemyError:
        raise
    except Exception:  # whatever a receiver brings up, it must not keep the others waiting
        log.exception("delivery %s could not be made", message.delivery_id)
        _written(partial(channels.postpone, message, "could not be told"))
    return 1


def _written(story: Callable[[], Result]) -> Result:
    """What comes of something that writes, in a transaction of its own."""
    db.begin_write()
    result = story()
    db.session.commit()
    return result


def _noted(story: Callable[[], None]) -> None:
    """What has happened and must not happen again is written down, also by a database that is busy at first."""
    for _ in range(NOTES - 1):
        try:
            return _written(story)
        except SQLAlchemyError as problem:
            log.warning("the database is not available (%s)", problem)
            db.session.rollback()
    return _written(story)


def verify_pings() -> int:
    """The ping that is due first; the number looked at."""
    claim = _written(verifying.claim)
    if claim is None:
        return 0
    try:
        finding = verifying.look(claim)
        _written(partial(verifying.accept, claim, finding))
    except source_page.NoLink as refusal:
        _written(partial(verifying.refuse, claim, str(refusal), is_certain=refusal.is_certain))
    except PingRefused as refusal:
        _written(partial(verifying.refuse, claim, str(refusal)))
    except safe_http.FetchRefused as refusal:
        _written(partial(verifying.give_up, claim, str(refusal)))
    except safe_http.FetchFailed as failure:
        _written(partial(verifying.postpone, claim, str(failure)))
    except Exception:  # whatever a hostile page brings up, it must not come up for ever
        log.exception("ping %s could not be verified", claim.ping_id)
        _written(partial(verifying.postpone, claim, "could not be read"))
    return 1


def ask_second_opinions() -> int:
    """The held comment that an outside checker is to be asked about first; the number asked about."""
    question = _written(second_opinion.claim)
    if question is None:
        return 0
    try:
        is_spam = second_opinion.put(question)
    except (safe_http.FetchRefused, safe_http.FetchFailed) as failure:
        log.warning("the outside checker of spam gives no answer: %s", failure)
        _written(partial(second_opinion.postpone, question, str(failure)))
    else:
        _written(partial(second_opinion.settle, question, is_spam=is_spam))
    return 1


def watch_feeds() -> int:
    """The feed that is to be looked at first; the number looked at."""
    watched = _written(watching.claim)
    if watched is None:
        return 0
    try:
        page = watching.look(watched)
        found = watching.entries(page) if page.status != NOT_MODIFIED else []
        _written(partial(watching.note, watched, page, found))
    except (safe_http.FetchRefused, safe_http.FetchFailed) as failure:
        log.warning("the feed %s could not be read: %s", watched.url, failure)
        _written(partial(watching.postpone, watched, str(failure)))
    except Exception:  # as with pings
        log.exception("the feed %s could not be read", watched.url)
        _written(partial(watching.postpone, watched, "could not be read"))
    return 1


def announce_articles() -> int:
    """The links of the article that is to be announced first; the number read."""
    asked = _written(announcing.claim)
    if asked is None:
        return 0
    with suppress(safe_http.FetchRefused, safe_http.FetchFailed):
        read_article(asked)
    return 1


def read_article(asked: announcing.Reading, *, leased: bool = False) -> list[int]:
    """Queue what is to be told of a claimed article, or lease it to the caller; the numbers of the links.

    Raises:
        safe_http.FetchRefused, safe_http.FetchFailed: it could not be read, and is tried again later.
    """
    try:
        article = announcing.read(asked)
    except (safe_http.FetchRefused, safe_http.FetchFailed) as failure:
        log.warning("the article %s could not be read: %s", asked.url, failure)
        _written(partial(announcing.postpone, asked, str(failure)))
        raise
    except Exception as problem:  # as with pings
        log.exception("the article %s could not be read", asked.url)
        _written(partial(announcing.postpone, asked, "could not be read"))
        raise safe_http.FetchFailed("could not be read") from problem
    return _written(partial(announcing.note_links, asked, article, leased=leased))


def send_linkbacks() -> int:
    """The page that is to be told first that an article links to it; the number told."""
    message = _written(sending.claim)
    if message is None:
        return 0
    send(message)
    return 1


def send(message: sending.Message) -> None:
    """Tell of one link that is leased to the caller, and take down how it went."""
    try:
        _written(partial(sending.settle, message, sending.send(message)))
    except (sending.NotTaken, safe_http.FetchRefused) as refusal:
        _written(partial(sending.give_up, message, str(refusal)))
    except safe_http.FetchFailed as failure:
        _written(partial(sending.postpone, message, str(failure)))
    except Exception:  # as with pings
        log.exception("%s could not be told", message.target)
        _written(partial(sending.give_up, message, "could not be read"))


def check_pages() -> int:
    """The article's page that is to be looked at first; the number looked at."""
    asked = _written(page_check_queue.claim)
    if asked is None:
        return 0
    try:
        found = page_check_queue.look(asked)
    except Exception as problem:  # as with pings
        log.warning("the article %s could not be page_check: %s", asked.url, problem)
        found = page_check_queue.unreadable(asked, problem)
    _written(partial(page_check_queue.settle, asked, found))
    return 1


def tidy() -> int:
    """Delete what expired; 0, as there is never more to do at once."""
    db.begin_write()
    challenge.forget_expired()
    sessions.forget_expired()
    db.session.commit()
    return 0


def forget_old() -> int:
    """What the sites' rules say is not to be kept any longer, a little at a time; how much that was."""
    old = retention.due()
    return _written(partial(retention.forget, old)) if len(old) else 0


def remove_sites() -> int:
    """The next rows of blogs that were removed; how many those were."""
    if not site_removal.is_left():
        return 0
    return _written(site_removal.go_on)


JOBS = (
    Job(send_emails, Email, at_once=2),
    Job(read_mailbox, pause=MAILBOX_PAUSE),
    Job(deliver_to_channels, Delivery, at_once=2),
    Job(verify_pings, Ping, at_once=3),
    Job(ask_second_opinions, SecondOpinion),
    Job(announce_articles, Announcement),
    Job(send_linkbacks, SentLinkback),
    Job(watch_feeds, WatchedFeed),
    Job(tidy, pause=TIDY_PAUSE, is_in_a_hurry=False),
    Job(forget_old, pause=TIDY_PAUSE, is_in_a_hurry=False),
    Job(check_pages, PageCheck),
    Job(remove_sites, is_in_a_hurry=False),
)
