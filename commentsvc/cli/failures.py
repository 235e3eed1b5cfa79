"""What to print when a command fails."""

import os
import pwd
import sqlite3
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from commentsvc import i18n, schema, settings, storage_errors
from commentsvc.backups.archive import BackupFailed
from commentsvc.cli import NAME
from commentsvc.errors import InvalidFields, Refusal
from commentsvc.schema import MadeByNewer
from commentsvc.settings import WrongSetting
from commentsvc.storage_errors import Meaning

CHECK_DATABASE = "Check COMMENTSVC_DATABASE_URL or, where that is empty, COMMENTSVC_DATA_DIR."


def sentence(error: Exception) -> str | None:
    """Return one sentence about what went wrong; None for a bug, whose traceback says more."""
    match error:
        case InvalidFields():
            return " ".join(i18n.sentence(one) for one in error.fields.values())
        case Refusal():
            return i18n.sentence(error)
        case WrongSetting() | MadeByNewer() | BackupFailed():
            return str(error)
        case SQLAlchemyError() if storage_errors.meaning(error) == Meaning.CONFLICT:
            return "Somebody else changed the same data at that moment. Run the command again."
        case SQLAlchemyError() | sqlite3.Error():
            return _about_database(getattr(error, "orig", error))
        case OSError():
            said = f"{error.filename or NAME}: {error.strerror or error}"
            return f"{said}. {CHECK_DATABASE}" if _is_of_database(error.filename) else said
    return None


def _is_of_database(file: object) -> bool:
    """Return whether it is the file of the database, or a folder that it is in."""
    try:
        url = settings.current().database
    except RuntimeError:  # settings were not read so far
        return False
    path = schema.path_of(url) if schema.is_file(url) else None
    return path is not None and isinstance(file, str) and Path(file) in (path, *path.parents)


def _about_database(error: BaseException) -> str:
    try:
        url = settings.current().database
    except RuntimeError:  # settings were not read so far
        return f"The database cannot be used ({error}). {CHECK_DATABASE}"
    if storage_errors.is_damage(error):
        return f"The database {schema.display_url(url)} is damaged ({error}). Restore the most recent intact backup."
    path = schema.path_of(url)
    if schema.is_file(url) and path.exists() and not os.access(path, os.R_OK | os.W_OK):
        theirs, own = _name_of(path.stat().st_uid), _name_of(os.geteuid())
        if path.parent.stat().st_uid == os.geteuid():  # it was copied here by somebody else
            return f"The database {path} belongs to {theirs}. Make it {own}'s again: chown -R {own}: {path.parent}"
        return f"The database {path} belongs to {theirs}. Run this as {theirs}, not as {own}."
    return f"The database {schema.display_url(url)} cannot be used ({error}). {CHECK_DATABASE}"


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
