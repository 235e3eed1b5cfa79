"""Imports that owners request in the dashboard. A worker does the dry run, and after a look at it, the import.

The job is in ``jobs/imports.py``.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from sqlalchemy import and_, exists, or_, select, update

from commentsvc import clock, settings
from commentsvc.db import db
from commentsvc.errors import N_, Reason, Refusal
from commentsvc.models.import_run import CHECKED, DONE, FAILED, ImportRun
from commentsvc.models.imported import Imported
from commentsvc.models.leased import QUEUED, note_lease
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.site import Site
from commentsvc.moderation.actions import Operator
from commentsvc.transfer import importing
from commentsvc.transfer.choices import Choices
from commentsvc.transfer.importing import AlreadyRunning, Cancelled
from commentsvc.transfer.report import Report

PREFIX = "upload-"  # of uploaded files
MAX_UPLOAD = 200 * 1024 * 1024  # bytes
LEASE = timedelta(minutes=2)  # renewed with each sign of progress
RETENTION = timedelta(days=1)
MAX_TRIES = 3
UNFINISHED = N_("The import was interrupted several times. See the service log.")


class FileGone(Refusal):
    """Uploaded files are kept for a day."""

    status = 410
    sentence = N_("The uploaded file was deleted after a day. Please upload it again.")


@dataclass(frozen=True)
class ClaimedRun:
    """A claimed run."""

    run_id: int
    site_id: int
    moderator_id: int | None
    action_id: int | None
    path: Path
    choices: Choices
    is_dry: bool


@contextmanager
def receiving() -> Iterator[IO[bytes]]:
    """Yield a temporary file in the data directory for an upload, for its owner only; it is removed on exit."""
    with NamedTemporaryFile(dir=settings.current().data_dir, prefix=PREFIX) as file:
        yield file


def enqueue(site: Site, by: Moderator, upload: Path, name: str, choices: Choices) -> ImportRun:
    """Keep an upload, and enqueue its dry run. It replaces the site's earlier run.

    Raises:
        AlreadyRunning: that one is at work.
        InvalidFields: a choice is not possible.
    """
    choices.check()
    if earlier := last_of(site):
        if earlier.is_running:
            raise AlreadyRunning
        cancel(earlier)
    kept = upload.with_name(f"{upload.name}-kept")
    try:
        os.link(upload, kept)
    except OSError:  # a file system without links
        shutil.copyfile(upload, kept)
        kept.chmod(0o600)
    run = ImportRun(site_id=site.id, moderator_id=by.id, file=kept.name, name=name[:200], choices=choices.as_json())
    db.session.add(run)
    db.session.flush()
    return run


def last_of(site: Site) -> ImportRun | None:
    """Return the site's run, whatever became of it."""
    rows = select(ImportRun).where(ImportRun.site_id == site.id).order_by(ImportRun.id.desc())
    return db.session.scalar(rows.limit(1))


def proceed(run: ImportRun, by: Moderator, choices: Choices, *, is_dry: bool) -> None:
    """Enqueue another dry run or, after the same choices were checked, the import.

    Raises:
        AlreadyRunning: a worker is at it.
        FileGone: there is nothing to import any longer.
        InvalidFields: a choice is not possible.
    """
    choices.check()
    db.session.refresh(run, with_for_update=True)
    if run.state == DONE:  # pressed twice
        return
    if run.is_running:
        raise AlreadyRunning
    if run.state == FAILED:
        raise FileGone
    run.is_dry = is_dry or Choices.stored(run.choices) != choices
    run.choices, run.moderator_id = choices.as_json(), by.id
    run.requeue()
    run.done = 0


def cancel(run: ImportRun) -> None:
    """Forget a run and its file. What it imported so far stays; the log offers to undo it."""
    db.on_commit(_remove, run.file)
    db.session.delete(run)
    db.session.flush()


def claim() -> ClaimedRun | None:
    """Lease the next run whose file is on this machine."""
    files = [path.name for path in settings.current().data_dir.glob(f"{PREFIX}*")]
    for run in ImportRun.claim(1, LEASE, but_not=ImportRun.file.not_in(files)):
        if run.tries >= MAX_TRIES:
            _fail(run, UNFINISHED)
            return None
        path, choices = settings.current().data_dir / run.file, Choices.stored(run.choices)
        return ClaimedRun(run.id, run.site_id, run.moderator_id, run.action_id, path, choices, run.is_dry)
    return None


def renew(task: ClaimedRun, done: int) -> None:
    """Note how far it is, and keep the lease; raises ``Cancelled``."""
    undone = exists().where(ModeratorAction.id == ImportRun.action_id, ModeratorAction.undone_at.is_not(None))
    mine = update(ImportRun).where(ImportRun.id == task.run_id, ~undone)
    until = clock.now() + LEASE
    row = mine.values(done=done, leased_until=until)
    if not db.session.execute(row).rowcount:  # type: ignore[attr-defined]
        raise Cancelled
    note_lease(ImportRun, task.run_id, until)


def begin(task: ClaimedRun, report: Report) -> int:
    """Return the action of an import that broke off, or log a new one."""
    run = _of(task)
    if task.action_id is not None:
        if db.session.get_one(ModeratorAction, task.action_id).undone_at is not None:
            raise Cancelled
        return task.action_id
    by = db.session.get(Moderator, task.moderator_id) if task.moderator_id else None
    run.action_id = importing.begin(run.site, by or Operator(), report)
    return run.action_id


def complete(task: ClaimedRun, report: Report) -> None:
    """Store the report; the file of an import is not needed any longer."""
    run = _of(task)
    run.state, run.leased_until, run.report, run.problem = CHECKED, None, report.as_json(), None
    run.total = report.total
    if run.action_id is not None:
        run.state, run.total = DONE, Imported.brought_by(run.action_id)
        db.on_commit(_remove, run.file)


def stop(task: ClaimedRun) -> None:
    """Store that the import ended early, as somebody undid it; nothing if somebody cancelled it."""
    run = db.session.get(ImportRun, task.run_id)
    if run is not None:
        run.state, run.leased_until = DONE, None
        db.on_commit(_remove, run.file)


def fail(task: ClaimedRun, why: Reason) -> None:
    """Store why the run failed."""
    run = db.session.get(ImportRun, task.run_id)
    if run is not None:
        _fail(run, why)


def forget_old() -> None:
    """Forget files that were not imported within a day, and what was left behind by a crash."""
    old = clock.now() - RETENTION
    is_lost = and_(ImportRun.state == QUEUED, ImportRun.leased_until.is_(None))  # its machine is gone
    abandoned = select(ImportRun).where(ImportRun.created_at < old, or_(ImportRun.state == CHECKED, is_lost))
    for run in db.session.scalars(abandoned):
        _fail(run, FileGone.sentence)
    db.session.flush()
    queued = select(ImportRun.file).where(ImportRun.state == QUEUED)
    needed = set(db.session.scalars(queued))
    folder = settings.current().data_dir
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # another process was faster
            if path.name not in needed and path.stat().st_mtime < old.timestamp():
                path.unlink()


def _of(task: ClaimedRun) -> ImportRun:
    run = db.session.get(ImportRun, task.run_id)
    if run is None:
        raise Cancelled
    return run


def _fail(run: ImportRun, why: Reason) -> None:
    run.state, run.leased_until, run.problem = FAILED, None, why
    db.on_commit(_remove, run.file)


def _remove(name: str) -> None:
    (settings.current().data_dir / name).unlink(missing_ok=True)
