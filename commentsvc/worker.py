"""One loop: send letters that are due, verify pings that are due, forget what expired. Any number may run."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import DBAPIError

from commentsvc import accounts, mail, safe_http, settings
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.linkbacks import receiving, source_page
from commentsvc.mail import DeliveryFailed
from commentsvc.notifications import outbox

PAUSE = timedelta(seconds=1)
TIDY_PAUSE = timedelta(minutes=10)
ELSEWHERE = "_COMMENTSVC_WORKER_ELSEWHERE"  # set in the environment where another process does the work

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
    except DBAPIError as problem:
        log.warning("%s: the database is not available (%s)", do.__name__, problem.orig)
    except Exception:
        log.exception("%s failed", do.__name__)
    finally:
        db.session.remove()
    return 0


def send_letters() -> int:
    """One batch of due letters over one connection; the number tried."""
    if not settings.current().mail_url:
        return 0
    db.begin_write()
    waiting = outbox.claim()
    db.session.commit()
    if not waiting:
        return 0
    tried = len(waiting)
    try:
        with mail.connect() as connection:
            while waiting:
                _send(connection, waiting.pop(0))
    except _LineBroken:  # what is left may pass over another line
        _note(lambda: outbox.release([parcel.letter_id for parcel in waiting]))
    except DeliveryFailed as failure:  # nobody can be reached: every letter waits, none is at fault
        log.warning("the mail server is not available: %s", failure.answer)
        for parcel in waiting:
            _note(partial(outbox.postpone, parcel.letter_id, failure))
        return 0
    return tried


class _LineBroken(Exception):
    pass


def _send(connection: mail.Connection, parcel: outbox.Parcel) -> None:
    try:
        answer = connection.send(settings.current().sender, parcel.recipient, parcel.message)
    except DeliveryFailed as failure:
        log.warning("letter %s was not taken: %s", parcel.letter_id, failure.answer)
        _note(partial(outbox.postpone, parcel.letter_id, failure))
        if failure.is_about_server:
            raise _LineBroken from failure
    else:
        _note(partial(outbox.sent, parcel.letter_id, answer))


def _note(change: Callable[[], None]) -> None:
    db.begin_write()
    change()
    db.session.commit()


def verify_pings() -> int:
    """One batch of due pings; the number looked at."""
    db.begin_write()
    claims = receiving.claim()
    db.session.commit()
    for claim in claims:
        _verify(claim)
    return len(claims)


def _verify(claim: receiving.Claim) -> None:
    try:
        finding = receiving.look(claim)
    except (source_page.NoLink, safe_http.FetchRefused) as refusal:
        _note(partial(receiving.refuse, claim, str(refusal)))
    except safe_http.FetchFailed as failure:
        _note(partial(receiving.postpone, claim, str(failure)))
    else:
        _note(partial(receiving.accept, claim, finding))


def tidy() -> int:
    """Delete what expired; 0, as there is never more to do at once."""
    db.begin_write()
    challenge.forget_expired()
    accounts.forget_expired()
    db.session.commit()
    return 0


JOBS = (Job(send_letters, PAUSE), Job(verify_pings, PAUSE), Job(tidy, TIDY_PAUSE))
