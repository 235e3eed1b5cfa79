"""A loop for each job: send letters, verify pings, ask for second opinions, forget what expired. Any number may run."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from commentsvc import accounts, mail, safe_http, settings
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.errors import PingRefused
from commentsvc.linkbacks import receiving, source_page
from commentsvc.mail import DeliveryFailed
from commentsvc.moderation import second_opinion
from commentsvc.notifications import outbox

PAUSE = timedelta(seconds=1)
BATCH = 50  # letters over one connection
TIDY_PAUSE = timedelta(minutes=10)

Work = TypeVar("Work")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Something to do over and over; ``do`` gives how much it did, and ``pause`` follows when that was nothing."""

    do: Callable[[], int]
    pause: timedelta


def start(context: Callable[[], AbstractContextManager[object]]) -> threading.Event:
    """Do all jobs in threads of this process, each inside ``context()``, until the returned event is set."""
    stop = threading.Event()

    def work(job: Job) -> None:
        with context():
            loop(job, stop)

    for job in JOBS:
        threading.Thread(target=work, args=(job,), name=f"worker {job.do.__name__}", daemon=True).start()
    return stop


def loop(job: Job, stop: threading.Event) -> None:
    """Do ``job`` until ``stop`` is set; trouble in one round is logged and does not end the loop.

    Each job has a loop and a thread of its own, so that a slow mail server keeps no ping waiting.
    """
    while not stop.is_set():
        if not _carefully(job.do):
            stop.wait(job.pause.total_seconds())


def _carefully(do: Callable[[], int]) -> int:
    try:
        return do()
    except SQLAlchemyError as problem:
        log.warning("%s: the database is not available (%s)", do.__name__, problem)
    except Exception:
        log.exception("%s failed", do.__name__)
    finally:
        db.session.remove()
    return 0


def send_letters() -> int:
    """Due letters over one connection, each claimed when its turn comes; the number taken by the server."""
    if not settings.current().mail_url:
        return 0
    parcel = _claimed(outbox.claim)
    if parcel is None:
        return 0
    taken = 0
    try:
        with mail.connect() as connection:
            while parcel is not None and _sent(connection, parcel):
                taken += 1
                parcel = _claimed(outbox.claim) if taken < BATCH else None
    except DeliveryFailed as failure:  # nobody can be reached: the letter waits, and is not at fault
        log.warning("the mail server is not available: %s", failure.answer)
        if parcel is not None:
            _note(partial(outbox.postpone, parcel.letter_id, failure))
    return taken


def _sent(connection: mail.Connection, parcel: outbox.Parcel) -> bool:
    """Hand over one letter and note how that went; whether the line may be used for another."""
    try:
        answer = connection.send(settings.current().sender, parcel.recipient, parcel.message)
    except DeliveryFailed as failure:
        log.warning("letter %s was not taken: %s", parcel.letter_id, failure.answer)
        _note(partial(outbox.postpone, parcel.letter_id, failure))
        return not failure.is_about_server
    _note(partial(outbox.sent, parcel.letter_id, answer))
    return True


def _claimed(claim: Callable[[], Work | None]) -> Work | None:
    db.begin_write()
    work = claim()
    db.session.commit()
    return work


def _note(change: Callable[[], None]) -> None:
    db.begin_write()
    change()
    db.session.commit()


def verify_pings() -> int:
    """The ping that is due first; the number looked at."""
    claim = _claimed(receiving.claim)
    if claim is None:
        return 0
    try:
        finding = receiving.look(claim)
        _note(partial(receiving.accept, claim, finding))
    except (source_page.NoLink, safe_http.FetchRefused, PingRefused) as refusal:
        _note(partial(receiving.refuse, claim, str(refusal)))
    except safe_http.FetchFailed as failure:
        _note(partial(receiving.postpone, claim, str(failure)))
    except Exception:  # whatever a hostile page brings up, it must not come up for ever
        log.exception("ping %s could not be verified", claim.ping_id)
        _note(partial(receiving.postpone, claim, "could not be read"))
    return 1


def ask_second_opinions() -> int:
    """The held comment that an outside checker is to be asked about first; the number asked about."""
    question = _claimed(second_opinion.claim)
    if question is None:
        return 0
    try:
        is_spam = second_opinion.put(question)
    except (safe_http.FetchRefused, safe_http.FetchFailed) as failure:
        log.warning("the outside checker of spam gives no answer: %s", failure)
        _note(partial(second_opinion.postpone, question, str(failure)))
    else:
        _note(partial(second_opinion.settle, question, is_spam=is_spam))
    return 1


def tidy() -> int:
    """Delete what expired; 0, as there is never more to do at once."""
    db.begin_write()
    challenge.forget_expired()
    accounts.forget_expired()
    db.session.commit()
    return 0


JOBS = (
    Job(send_letters, PAUSE),
    Job(verify_pings, PAUSE),
    Job(ask_second_opinions, PAUSE),
    Job(tidy, TIDY_PAUSE),
)
