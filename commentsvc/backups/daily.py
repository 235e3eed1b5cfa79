"""One backup a day, by one of all nodes; old ones go after a new one was checked. The job is in ``jobs/backups.py``."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, literal, or_, select

from commentsvc import clock, files, schema, settings
from commentsvc.backups import making
from commentsvc.backups.archive import BackupFailed
from commentsvc.db import db
from commentsvc.errors import N_
from commentsvc.models.backup import Backup
from commentsvc.models.site import Site

INTERVAL = timedelta(days=1)
RETRY_AFTER = timedelta(hours=1)  # after one that failed
MAX_TIME = timedelta(hours=6)  # for one, before its node counts as dead
LATE_AFTER = timedelta(hours=36)
SKEW = timedelta(hours=1)  # what is dated later was made while the clock was ahead
RETENTION = timedelta(days=90)  # rows of those that failed
NAME = "commentsvc-%Y%m%dT%H%M%S.backup"
NOT_WRITABLE = N_("%(folder)s cannot be written to.")
NO_SPACE = N_("There is no space left in %(folder)s.")
GONE = N_("%(file)s is no longer in %(folder)s.")
LEFTOVER = re.compile(
    rf"{re.escape(making.PREFIX)}[0-9a-f]{{8}}(?:-wal|-shm|-journal)?|\.commentsvc-\d{{8}}T\d{{6}}\.backup\.[0-9a-f]{{8}}"
)


@dataclass(frozen=True)
class Status:
    """``made_at`` and ``age`` are those of the last good one.

    ``problem`` is that of a later one that failed, for ``i18n.stored_reason``.
    """

    made_at: datetime | None
    age: timedelta | None
    problem: str
    is_late: bool


def status() -> Status | None:
    """Return how the daily backups are; None if there is no folder for them."""
    if not settings.current().backup_dir:
        return None
    good, last = Backup.last_good(before=clock.now() + SKEW), Backup.last()
    if good and _is_gone(good):
        gone = BackupFailed(GONE, file=good.name, folder=settings.current().backup_dir)
        return Status(None, None, gone.stored, is_late=True)
    age = clock.now() - good.ended_at if good and good.ended_at else None
    first = db.session.scalar(select(Backup.began_at).order_by(Backup.id).limit(1))
    first = first or db.session.scalar(select(func.min(Site.created_at)))  # nothing makes any, perhaps no worker runs
    since = age if age is not None else clock.now() - (first or clock.now())
    return Status(good.ended_at if good else None, age, last.problem if last else "", since > LATE_AFTER)


def must_be_possible() -> None:
    """Raise ``BackupFailed`` if the folder cannot be written to, or a program is missing."""
    folder = Path(settings.current().backup_dir)
    place = next(one for one in (folder, *folder.parents) if _is_there(one))
    if not os.access(place, os.W_OK | os.X_OK):
        raise BackupFailed(NOT_WRITABLE, folder=folder)
    if not files.free_space(place):
        raise BackupFailed(NO_SPACE, folder=folder)
    if not schema.is_file(settings.current().database):
        from commentsvc.backups import of_postgresql  # its driver is loaded where it is used

        of_postgresql.must_have_programs()


def is_due() -> bool:
    """Return whether it is time for another one."""
    if not settings.current().backup_dir:
        return False
    now = clock.now()
    good = Backup.last_good(before=now + SKEW)
    made = Backup.is_good() & (Backup.began_at > now - INTERVAL) & literal(good is not None and not _is_gone(good))
    failed = (Backup.problem != "") & (Backup.began_at > now - RETRY_AFTER)
    under_way = Backup.ended_at.is_(None) & (Backup.began_at > now - MAX_TIME)
    others = select(Backup.id).where(or_(made, failed, under_way), Backup.began_at < now + SKEW)
    return db.session.scalar(others.limit(1)) is None


def _is_gone(backup: Backup) -> bool:
    """Return whether somebody took its file away. With several nodes, it may be on another one."""
    is_sqlite = schema.is_file(settings.current().database)
    return is_sqlite and not _is_there(Path(settings.current().backup_dir) / backup.name)


def _is_there(path: Path) -> bool:
    """Return whether it can be seen: not in a folder that may not be entered, or on a disk that does not answer."""
    try:
        return path.exists()
    except OSError:
        return False


def claim() -> int | None:
    """Begin one, unless another node has just done that; return its id."""
    db.advisory_lock("daily backup")
    if not is_due():
        return None
    row = Backup(name=f"{clock.now():{NAME}}")
    db.session.add(row)
    db.session.flush()
    return row.id


def perform(name: str) -> int:
    """Make it and check it; return its size in bytes.

    Raises:
        BackupFailed: the copy is damaged, or a program is missing; the file is gone then.
        OSError: it cannot be written.
    """
    folder = Path(settings.current().backup_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_leftovers(folder)
    file = folder / name
    try:
        making.make(file)
        making.check(file)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return file.stat().st_size


def end(backup_id: int, size: int, problem: str = "") -> None:
    """Store the outcome; ``problem`` as ``errors.reason_to_store``. Files and rows that are more than are kept go."""
    row = db.session.get(Backup, backup_id)
    if row is not None:
        row.ended_at, row.size, row.problem = clock.now(), size, problem
    db.session.flush()
    newest = select(Backup).where(Backup.is_good()).order_by(Backup.id.desc())
    for one in db.session.scalars(newest.offset(settings.current().backup_keep)):
        db.on_commit(_remove, one.name)
        db.session.delete(one)
    is_old = Backup.began_at < clock.now() - RETENTION
    db.session.execute(delete(Backup).where(is_old, Backup.problem != ""))


def _remove(name: str) -> None:
    """Remove an old backup where this node keeps its own."""
    with suppress(OSError):
        (Path(settings.current().backup_dir) / name).unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what a backup left that was killed; nobody else's files."""
    old = (clock.now() - INTERVAL).timestamp()
    for path in folder.iterdir():
        if LEFTOVER.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
