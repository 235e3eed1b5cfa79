"""Import jobs: the runs that owners request, and imports that are taken back."""

import logging
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from commentsvc import settings, storage_errors
from commentsvc.comments import import_undo
from commentsvc.db import db
from commentsvc.errors import Refusal, or_404
from commentsvc.models.site import Site
from commentsvc.transfer import import_runs, importing, opening, reading, staging
from commentsvc.transfer.conversion import Converter
from commentsvc.transfer.conversion_pool import converting
from commentsvc.transfer.import_runs import ClaimedRun
from commentsvc.transfer.report import Report

GAP = 1.0  # seconds between two signs of progress

log = logging.getLogger(__name__)


def import_next() -> int:
    """Do the run that is due next; return how many were done.

    Database errors propagate: the lease expires, and it goes on where it broke off.
    """
    task = db.run_in_transaction(import_runs.claim)
    if task is None:
        return 0
    try:
        report = _perform(task)
        db.run_in_transaction(partial(import_runs.complete, task, report))
    except SQLAlchemyError:
        raise
    except importing.Cancelled:
        db.session.rollback()
        db.run_in_transaction(partial(import_runs.stop, task))
    except Refusal as refusal:
        db.run_in_transaction(partial(import_runs.fail, task, [refusal.sentence, refusal.values]))
    except Exception as error:  # whatever a strange file causes
        if storage_errors.is_no_room(error):
            raise
        log.exception("the import of %s failed", task.path)
        db.run_in_transaction(partial(import_runs.fail, task, opening.NotReadable.sentence))
    return 1


def _perform(task: ClaimedRun) -> Report:
    """Read the file and, unless it is a dry run, write what it holds, some comments at a time."""
    options, on_progress = task.choices.import_options, _Progress(task)
    site = or_404(db.session.get(Site, task.site_id))
    folder, converter = settings.current().data_dir, Converter(site, options)
    with staging.staged(folder) as staged, converting(converter, workers=0) as convert:
        records = reading.records(task.path, task.choices.format, task.choices.parse_options)
        report = importing.stage(staged, records, site, options, on_progress)
        action_id = None if task.is_dry else db.run_in_transaction(partial(import_runs.begin, task, report))
        steps = importing.load(staged, site, options, report, action_id, convert)
        if task.is_dry:
            for done in importing.prepared(steps):
                on_progress(done)
        else:
            for _ in db.commit_each(partial(_step, task, step) for step in steps):
                pass
    return report


def _step(task: ClaimedRun, step: Callable[[], int]) -> int:
    done = step()
    import_runs.renew(task, done)
    return done


class _Progress:
    """Reports progress once a second. That also ends the read transaction, so that the database can clean up."""

    def __init__(self, task: ClaimedRun) -> None:
        self._task, self._last = task, time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self._last >= GAP:
            db.run_in_transaction(partial(import_runs.renew, self._task, done))
            self._last = time.monotonic()


def revert_imports() -> int:
    """Revert imports that were undone; return how many rows were processed."""
    action_id = import_undo.next_to_revert()
    return sum(db.in_batches(partial(import_undo.revert_batch, action_id))) if action_id else 0
