"""Every job, and the threads that run them. Any number of processes may run them beside each other."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from commentsvc.db import db
from commentsvc.jobs import backups, email, imports, upkeep
from commentsvc.jobs.clock_guard import ClockGuard
from commentsvc.jobs.runner import run_next
from commentsvc.linkbacks import announcing, page_check_queue, sending, verifying, watching
from commentsvc.models import leased
from commentsvc.models.announcement import Announcement
from commentsvc.models.delivery import Delivery
from commentsvc.models.email import Email
from commentsvc.models.import_run import ImportRun
from commentsvc.models.leased import Leased, new_work
from commentsvc.models.page_check import PageCheck
from commentsvc.models.ping import Ping
from commentsvc.models.second_opinion import SecondOpinion
from commentsvc.models.sent_linkback import SentLinkback
from commentsvc.models.watched_feed import WatchedFeed
from commentsvc.moderation import second_opinion
from commentsvc.notifications import channels
from commentsvc.read_only import ReadOnly

POLL_INTERVAL = timedelta(seconds=1)  # between two checks for due rows
MAX_PAUSE = timedelta(seconds=10)
FIRST_PAUSE = timedelta(seconds=60)  # for what need not be done at the start
MAILBOX_PAUSE = timedelta(seconds=15)
UPKEEP_PAUSE = timedelta(minutes=10)
STOP_TIMEOUT = timedelta(seconds=4)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Something to do over and over; ``do`` returns how much it did.

    It is done whenever a row of ``rows`` is due or, without ``rows``, after each ``pause``. Jobs that are not urgent
    wait until the service has started. ``at_once`` is the number of threads. Jobs that trust the clock pause while it
    is in doubt.
    """

    name: str
    do: Callable[[], int]
    rows: type[Leased] | None = None
    pause: timedelta = MAX_PAUSE
    at_once: int = 1
    is_urgent: bool = True
    trusts_clock: bool = False
    wakeup: threading.Condition = field(default_factory=threading.Condition, compare=False)

    def has_work(self) -> bool:
        """Whether there may be anything to do; asked without the lock for writing."""
        return self.rows is None or bool(db.session.scalar(select(self.rows.any_due())))

    def wake_threads(self) -> None:
        """Wake its threads."""
        with self.wakeup:
            self.wakeup.notify_all()

    def wait(self, span: timedelta, stop: threading.Event) -> None:
        """Sleep until ``wake_threads`` or for ``span``; not at all once ``stop`` is set."""
        with self.wakeup:
            if not stop.is_set():
                self.wakeup.wait(span.total_seconds())


JOBS = (
    Job("send emails", email.send_emails, Email, at_once=2),
    Job("read the mailbox", email.read_mailbox, pause=MAILBOX_PAUSE),
    Job("deliver to channels", partial(run_next, channels), Delivery, at_once=2),
    Job("verify pings", partial(run_next, verifying), Ping, at_once=3),
    Job("ask for second opinions", partial(run_next, second_opinion), SecondOpinion),
    Job("announce articles", partial(run_next, announcing), Announcement),
    Job("send linkbacks", partial(run_next, sending), SentLinkback),
    Job("watch feeds", partial(run_next, watching), WatchedFeed),
    Job("check pages", partial(run_next, page_check_queue), PageCheck),
    Job("import comments", imports.import_next, ImportRun),
    Job("revert imports", imports.revert_imports),
    Job("back up", backups.make_daily, pause=UPKEEP_PAUSE, is_urgent=False),
    Job("delete expired rows", upkeep.delete_expired, pause=UPKEEP_PAUSE, is_urgent=False),
    Job("apply retention", upkeep.apply_retention, pause=UPKEEP_PAUSE, is_urgent=False, trusts_clock=True),
    Job("remove sites", upkeep.remove_sites, is_urgent=False),
)


class Schedule:
    """All jobs, each in threads of this process, until ``end``. Each runs inside ``context()``."""

    def __init__(self, context: Callable[[], AbstractContextManager[object]]) -> None:
        self._context, self._stop = context, threading.Event()
        loops = [("poller", partial(poll_due_jobs, self._stop))]
        loops += [(job.name, partial(loop, job, self._stop)) for job in JOBS for _ in range(job.at_once)]
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=f"jobs: {name}", daemon=True) for name, work in loops
        ]
        for thread in self._threads:
            thread.start()

    def end(self, timeout: timedelta = STOP_TIMEOUT) -> None:
        """Let every job finish what it is doing, and give the leases of what it cannot finish back."""
        self._stop.set()
        new_work.set()
        for job in JOBS:
            job.wake_threads()
        deadline = time.monotonic() + timeout.total_seconds()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._context():
            _log_failures(lambda: db.run_in_transaction(leased.release_leases))

    def _run(self, work: Callable[[], None]) -> None:
        with self._context():
            work()


def poll_due_jobs(stop: threading.Event) -> None:
    """Each second, and when this process commits one, look for due rows of every job, and wake their threads."""
    while not stop.is_set():
        _log_failures(_wake_due_jobs)
        new_work.wait(POLL_INTERVAL.total_seconds())
        new_work.clear()


def _wake_due_jobs() -> int:
    jobs = [job for job in JOBS if job.rows is not None]
    found = db.session.execute(select(*(job.rows.any_due() for job in jobs if job.rows))).one()
    due = [job for job, is_due in zip(jobs, found, strict=True) if is_due]
    for job in due:
        job.wake_threads()
    return len(due)


def loop(job: Job, stop: threading.Event) -> None:
    """Do ``job`` until ``stop`` is set. A failure is logged and does not end the loop.

    Each job has threads of its own, so that a slow mail server keeps no ping waiting.
    """
    guard = ClockGuard() if job.trusts_clock else None
    if guard is not None:
        _log_failures(guard.pauses_deletion)  # before anything happens that the clock dates
    if job.rows is not None or not job.is_urgent:
        job.wait(FIRST_PAUSE, stop)
    while not stop.is_set():
        if not _log_failures(partial(_look_and_do, job, guard)):
            job.wait(job.pause, stop)


def _look_and_do(job: Job, guard: ClockGuard | None) -> int:
    if guard is not None and guard.pauses_deletion():
        return 0
    return job.do() if job.has_work() else 0


def _log_failures(do: Callable[[], int]) -> int:
    try:
        return do()
    except ReadOnly as pause:
        log.debug("%s rests: %s", threading.current_thread().name, pause)
    except SQLAlchemyError as error:
        log.warning("%s: the database is not available (%s)", threading.current_thread().name, error)
    except Exception:
        log.exception("%s failed", threading.current_thread().name)
    finally:
        db.session.remove()
    return 0
