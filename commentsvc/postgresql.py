"""PostgreSQL connections: dead ones are noticed without a question, and what needs no answer is sent together.

Each question costs a round trip, which takes longer than most statements.
"""

import select
import time
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InvalidatePoolError

from commentsvc import driver

MAX_IDLE = 10.0  # seconds; what is between may drop a connection that was idle for longer, and tell nobody
IDLE_SINCE = "idle since"
UNSENT = "unsent statements"


def prepare(engine: Engine) -> None:
    """Set up an engine's connections."""

    def check_alive(connection: Any, record: Any, _fairy: Any) -> None:
        """Raise ``InvalidatePoolError`` if the server has closed the connection; another one is then made."""
        try:
            idle_since = record.info.get(IDLE_SINCE)
            is_quiet = not select.select([connection], [], [], 0)[0]  # else there is an end of file, or a last message
            if not is_quiet or (idle_since is not None and time.monotonic() - idle_since > MAX_IDLE):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("the server has closed the connection") from error

    event.listen(engine, "checkout", check_alive)
    event.listen(engine, "reset", _note_idle)
    event.listen(engine, "before_cursor_execute", send)
    event.listen(engine, "commit", send)
    event.listen(engine, "savepoint", send)
    event.listen(engine, "release_savepoint", send)
    event.listen(engine, "rollback_savepoint", _forget)
    event.listen(engine, "rollback", _forget)


def execute_later(connection: Connection, statement: str, parameters: Any) -> None:
    """Execute a statement together with others before the next one whose rows are needed, or before the commit.

    It belongs to the present transaction. Its errors come then.
    """
    connection.info.setdefault(UNSENT, []).append((statement, parameters))


def send(connection: Connection, *_: Any) -> None:
    """Send what was put off, in one round trip.

    Raises:
        DBAPIError: the database refuses a statement, or does not answer.
    """
    unsent = connection.info.pop(UNSENT, None)
    if not unsent:
        return
    own: Any = connection.connection.driver_connection
    with driver.errors_of(connection, unsent[0][0]), own.pipeline(), own.cursor() as cursor:
        for statement, parameters in unsent:
            cursor.execute(statement, parameters)


def _forget(connection: Connection, *_: Any) -> None:
    if not connection.invalidated:  # then what was put off is gone with the connection
        connection.info.pop(UNSENT, None)


def _note_idle(_connection: Any, record: Any, _state: Any) -> None:
    record.info.pop(UNSENT, None)
    record.info[IDLE_SINCE] = time.monotonic()
