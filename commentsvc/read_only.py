"""Read-only mode: readers are served, and nothing is written, for instance while the database moves.

Every process looks once a second, when it is about to write.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, update

from commentsvc.db import db
from commentsvc.errors import N_, StorageUnavailable
from commentsvc.models.configuration import Configuration

REREAD_INTERVAL = 1.0  # seconds
QUESTION = "SELECT read_only FROM configuration"

_known: "WeakKeyDictionary[Engine, tuple[float, str]]" = WeakKeyDictionary()  # when it was read, and the reason


class ReadOnly(StorageUnavailable):
    """An operator decided that nothing is written for a while."""

    retry_after = 60
    sentence = N_("Nothing can be saved for now: %(why)s Your text is still here; please try again later.")


def watch() -> None:
    """Ask before every write from now on."""
    db.before_writing = guard


def guard() -> None:
    """Raise ``ReadOnly`` in that mode; called on a connection that may write."""
    why = reason()
    if why and not db.session().info.get(guard):
        db.session.rollback()
        raise ReadOnly(why=why)


def reason() -> str:
    """Return why nothing is written, as of a second ago; empty if that is not so."""
    read_at, why = _known.get(db.engine, (0.0, ""))
    if time.monotonic() - read_at > REREAD_INTERVAL:
        # Asked by the driver itself, as it is part of no use case.
        driver = db.session.connection().connection.driver_connection
        row = driver.execute(QUESTION).fetchone() if driver else None
        why = (row[0] or "") if row else ""
        _known[db.engine] = time.monotonic(), why
    return why


def set_reason(why: str) -> None:
    """Begin the mode, or with an empty reason end it."""
    db.session.execute(update(Configuration).values(read_only=why or None))
    db.on_commit(_known.pop, db.engine, None)


@contextmanager
def ignored() -> Iterator[None]:
    """Let this session write all the same."""
    db.session().info[guard] = True
    try:
        yield
    finally:
        db.session().info.pop(guard, None)
