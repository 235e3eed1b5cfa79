"""Run a statement by the database's driver itself, within SQLAlchemy's transaction and with SQLAlchemy's errors.

For texts that are run so often that SQLAlchemy's own way, which prepares for every kind of result, would take longer
than the database.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Rows = Sequence[tuple[Any, ...]]


def execute(connection: Connection, statement: str, parameters: Any = (), *, has_rows: bool = True) -> Rows:
    """Execute a statement; return all its rows as the driver does.

    Raises:
        DBAPIError: the database refuses the statement, or does not answer.
    """
    with errors_of(connection, statement), closing(connection.connection.cursor()) as cursor:
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, statement, parameters, None, False)
        cursor.execute(statement, parameters)
        return cursor.fetchall() if has_rows else []


@contextmanager
def errors_of(connection: Connection, statement: str) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy's, and drop a connection that died."""
    dialect = connection.dialect
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        is_gone = dialect.is_disconnect(error, connection.connection.driver_connection, None)
        if is_gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_gone,
            dialect=dialect,
        ) from error
