"""Run a job: claim a row, do the work without the database, store the outcome."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from commentsvc.db import db
from commentsvc.errors import UNEXPECTED, PermanentFailure
from commentsvc.safe_http import FetchFailed

ATTEMPTS = 3  # at storing an outcome that must not happen again

Task = TypeVar("Task")
Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Work(Protocol[Task, Result]):
    """A kind of job: a module with these functions. All but ``perform`` run in a transaction of their own."""

    def claim(self) -> Task | None:
        """Lease the next row that is due; return what ``perform`` needs."""

    def perform(self, task: Task, /) -> Result:
        """Do the work, without the database, as it may take long.

        Raises:
            PermanentFailure: it will not succeed.
            FetchFailed: it may succeed later.
        """

    def complete(self, task: Task, result: Result, /) -> None:
        """Store the result. It may raise ``PermanentFailure``, too."""

    def retry(self, task: Task, reason: str, /) -> None:
        """Schedule another attempt, or mark it as failed after the last one."""

    def give_up(self, task: Task, failure: PermanentFailure, /) -> None:
        """Mark it as failed."""


def run_next(work: Work[Task, Result]) -> int:
    """Run the job that is due next; return how many ran."""
    task = db.run_in_transaction(work.claim)
    if task is None:
        return 0
    run(work, task)
    return 1


def run(work: Work[Task, Result], task: Task) -> Exception | None:
    """Run a claimed job; return what it failed with.

    Database errors propagate: the lease expires, and it is retried.
    """
    try:
        result = work.perform(task)
        db.run_in_transaction(partial(work.complete, task, result))
    except SQLAlchemyError:
        raise
    except PermanentFailure as failure:
        log.debug("given up: %s (%s)", task, failure)
        db.run_in_transaction(partial(work.give_up, task, failure))
        return failure
    except FetchFailed as failure:
        log.debug("to be retried: %s (%s)", task, failure)
        db.run_in_transaction(partial(work.retry, task, failure.stored))
        return failure
    except Exception as failure:  # whatever a hostile page causes, it must not stop the jobs behind it
        log.exception("failed unexpectedly: %s", task)
        db.run_in_transaction(partial(work.retry, task, UNEXPECTED))
        return failure
    return None


def run_in_transaction_with_retry(use_case: Callable[[], None]) -> None:
    """Store what has happened and must not happen again: retry if the database is busy."""
    for _ in range(ATTEMPTS - 1):
        try:
            return db.run_in_transaction(use_case)
        except SQLAlchemyError as error:
            log.warning("the database is not available (%s)", error)
            db.session.rollback()
    return db.run_in_transaction(use_case)
