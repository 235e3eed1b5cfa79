"""What to print when a command fails."""

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from commentsvc import i18n, schema, settings
from commentsvc.backups.archive import BackupFailed
from commentsvc.cli import NAME
from commentsvc.errors import InvalidFields, Refusal
from commentsvc.schema import MadeByNewer
from commentsvc.settings import WrongSetting

CHECK_DATABASE = "Check COMMENTSVC_DATABASE_URL or, where that is empty, COMMENTSVC_DATA_DIR."


def sentence(problem: Exception) -> str | None:
    """Return one sentence about what went wrong; None for a bug, whose traceback says more."""
    match problem:
        case InvalidFields():
            return " ".join(i18n.sentence(one) for one in problem.fields.values())
        case Refusal():
            return i18n.sentence(problem)
        case WrongSetting() | MadeByNewer() | BackupFailed():
            return str(problem)
        case SQLAlchemyError() | sqlite3.Error():
            return f"The database{_place()} cannot be used ({getattr(problem, 'orig', problem)}). {CHECK_DATABASE}"
        case OSError():
            return f"{problem.filename or NAME}: {problem.strerror or problem}"
    return None


def _place() -> str:
    try:
        return f" {schema.place(settings.current().database)}"
    except RuntimeError:  # settings were not read so far
        return ""
