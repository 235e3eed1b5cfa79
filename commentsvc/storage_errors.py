"""What database errors mean for the caller, by the codes of both databases, never by their messages.

SQLite: result codes, https://sqlite.org/rescode.html. PostgreSQL: SQLSTATE, appendix A of its manual.
"""

import errno
import sqlite3
import threading
from enum import StrEnum, auto

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Meaning(StrEnum):
    """What to do about an error."""

    OUT_OF_SERVICE = auto()  # the database cannot do this now: locked, full, read-only, gone, too busy
    CONFLICT = auto()  # two transactions conflicted: repeat the whole transaction
    MISTAKE = auto()  # ours


OF_SQLITE = {  # by primary code
    sqlite3.SQLITE_ABORT: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_PERM: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_BUSY: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_LOCKED: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_NOMEM: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_READONLY: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_INTERRUPT: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_IOERR: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_CORRUPT: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_FULL: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_CANTOPEN: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_PROTOCOL: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_NOTADB: Meaning.OUT_OF_SERVICE,
    sqlite3.SQLITE_SCHEMA: Meaning.CONFLICT,
}
OF_POSTGRESQL = {  # by class, or by a state that differs from its class
    "08": Meaning.OUT_OF_SERVICE,  # connection
    "53": Meaning.OUT_OF_SERVICE,  # resources: disk, memory, connections
    "57": Meaning.OUT_OF_SERVICE,  # an operator's or a timeout's intervention
    "58": Meaning.OUT_OF_SERVICE,  # the system beneath
    "25006": Meaning.OUT_OF_SERVICE,  # read-only, as a replica is
    "55P03": Meaning.OUT_OF_SERVICE,  # a lock was not to be had in time
    "40001": Meaning.CONFLICT,  # serialization
    "40P01": Meaning.CONFLICT,  # deadlock
}


DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
damage_found = threading.Event()  # by this process
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})


def is_no_room(error: BaseException) -> bool:
    """Return whether a file could not be written for want of space or of open files, be it by SQLite."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return isinstance(error, OSError) and error.errno in NO_ROOM


def is_damage(error: BaseException) -> bool:
    """Return whether SQLite found the file damaged."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF in DAMAGED


def meaning(error: SQLAlchemyError) -> Meaning:
    """Return what ``error`` means."""
    if isinstance(error, PoolTimeout):
        return Meaning.OUT_OF_SERVICE
    if not isinstance(error, DBAPIError):
        return Meaning.MISTAKE
    if error.connection_invalidated:
        return Meaning.OUT_OF_SERVICE
    code, state = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT:
        return Meaning.CONFLICT
    if is_damage(error):
        damage_found.set()
    if code is not None:
        return OF_SQLITE.get(code & 0xFF, Meaning.MISTAKE)
    if state is not None:
        return OF_POSTGRESQL.get(state, OF_POSTGRESQL.get(state[:2], Meaning.MISTAKE))
    # It never reached a statement that could be wrong.
    return Meaning.OUT_OF_SERVICE if isinstance(error, OperationalError) else Meaning.MISTAKE
