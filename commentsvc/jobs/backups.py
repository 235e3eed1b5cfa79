"""The job of a daily backup."""

import logging
from functools import partial

from commentsvc.backups import daily
from commentsvc.backups.archive import BackupFailed
from commentsvc.db import db
from commentsvc.errors import reason_to_store
from commentsvc.models.backup import Backup

log = logging.getLogger(__name__)


def make_daily() -> int:
    """Make the backup of the day if it is due. Return 0, so that it is due again only after the pause."""
    if not daily.is_due() or (backup_id := db.run_in_transaction(daily.claim)) is None:
        return 0
    name = db.session.get_one(Backup, backup_id).name
    db.session.rollback()  # it may take long
    try:
        size = daily.perform(name)
    except Exception as error:  # whatever it is, the owner hears of it, and it is tried again
        is_known = isinstance(error, BackupFailed | OSError)
        log.error("the daily backup failed: %s", error, exc_info=None if is_known else error)
        db.session.rollback()
        db.run_in_transaction(partial(daily.end, backup_id, 0, reason_to_store(error) or type(error).__name__))
    else:
        log.info("backed up to %s, %s bytes", name, size)
        db.run_in_transaction(partial(daily.end, backup_id, size))
    return 0
