"""Durable SQLite connections with foreign keys, whose writers queue.

SQLite has one write lock per file. A connection that finds it taken sleeps up to a tenth of a second at a time, so
later ones may overtake it. Here the threads of a process queue before they ask for it, and between processes the waits
are short and random. Threads that queue may share a transaction (``group_commit``).
"""

import random
import sqlite3
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event

from commentsvc import clock, driver
from commentsvc.group_commit import SharedTransaction, WriterLock

BUSY_TIMEOUT = timedelta(seconds=8)
CACHE_KIB = 512  # KiB per connection; Linux caches the file's pages for all of them
MAX_WAL_SIZE = 64 * 1024 * 1024  # bytes of the log that stay on the disk once readers are through with it
FIRST_WAIT = 0.0002  # seconds until the lock is tried again; then more
MAX_WAIT = 0.0005
BEGIN = "BEGIN IMMEDIATE"
FAILURES = (sqlite3.Error, MemoryError)  # the driver's way to say that SQLite has no memory


class WriterConnection(sqlite3.Connection):
    """A connection that holds ``writer_lock`` while its transaction writes.

    In a shared transaction, cursors belong to the connection that began it.
    """

    writer_lock: WriterLock
    _holds_lock = False
    _shared: SharedTransaction | None = None
    _is_member = False

    def begin_writing(self, *, may_share: bool = False) -> None:
        """Begin a write transaction, or join the previous thread's transaction if both ``may_share`` it.

        Raises:
            sqlite3.OperationalError: the lock was not free within ``BUSY_TIMEOUT``.
        """
        deadline = time.monotonic() + BUSY_TIMEOUT.total_seconds()
        if not self.writer_lock.acquire(BUSY_TIMEOUT.total_seconds()):
            raise _busy()
        self._holds_lock = True
        try:
            transaction = self.writer_lock.take_over()
            if transaction is not None and may_share:
                self._join(transaction)
                return
            if transaction is not None:
                with suppress(*FAILURES):  # its members are told
                    transaction.commit()
            self._begin_until(deadline)
            self._shared = SharedTransaction(self) if may_share else None
        except BaseException:
            self._release_lock()
            raise

    def _join(self, transaction: SharedTransaction) -> None:
        try:
            transaction.join()
        except BaseException:
            with suppress(*FAILURES):
                transaction.commit()
            raise
        self._shared, self._is_member = transaction, True

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        """Return a cursor of the transaction."""
        if self._shared is not None and self._is_member:
            return self._shared.owner.cursor(factory)
        return super().cursor(factory)

    def _begin_until(self, deadline: float) -> None:
        self.execute("PRAGMA busy_timeout = 0")
        try:
            longest = FIRST_WAIT
            while not self._has_begun(is_last_try=time.monotonic() > deadline):
                time.sleep(random.uniform(FIRST_WAIT / 2, longest))  # noqa: S311 - so that two do not wait in step
                longest = min(longest * 1.5, MAX_WAIT)
        finally:
            self.execute(f"PRAGMA busy_timeout = {clock.milliseconds(BUSY_TIMEOUT)}")

    def _has_begun(self, *, is_last_try: bool) -> bool:
        try:
            self.execute(BEGIN)
        except sqlite3.OperationalError as error:
            if is_last_try or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def commit(self) -> None:
        """Commit, or wait until another thread has committed for all; if that fails, roll back, and raise."""
        try:
            if self._shared is None:
                super().commit()
            elif self._is_member:
                self._shared.keep_part()
        except BaseException:
            self.rollback()
            raise
        self._hand_over_or_commit()

    def rollback(self) -> None:
        """Roll back. A member undoes its own part; the owner can roll back only before others join."""
        if self._shared is not None and self._is_member:
            # If that fails, SQLite has rolled back everything; the other members are told.
            with suppress(*FAILURES):
                self._shared.undo_part()
            with suppress(*FAILURES):
                self._hand_over_or_commit()
            return
        self._shared = None
        try:
            super().rollback()
        finally:
            self._release_lock()

    def _hand_over_or_commit(self) -> None:
        """Let the next thread go on in the same transaction, or commit it for all members, the owner among them."""
        transaction, self._shared, self._is_member = self._shared, None, False
        if transaction is not None and transaction.has_room and self.writer_lock.hand_over(transaction):
            self._holds_lock = False
            transaction.wait()
            return
        try:
            if transaction is not None:
                transaction.commit()
        finally:
            self._release_lock()

    def close(self) -> None:
        """Close the connection."""
        try:
            if self._is_member:
                self.rollback()
            super().close()
        finally:
            self._release_lock()

    def _release_lock(self) -> None:
        if self._holds_lock:
            self._holds_lock = False
            self.writer_lock.release()


def prepare(engine: Engine) -> None:
    """Make the connections of an engine ``WriterConnection``."""
    writer_lock = WriterLock()

    def connect(_dialect: Any, _record: Any, _given: Any, named: dict[str, Any]) -> None:
        named.update(timeout=BUSY_TIMEOUT.total_seconds(), check_same_thread=False, factory=WriterConnection)

    def set_up(connection: WriterConnection, _record: Any) -> None:
        connection.writer_lock = writer_lock
        _configure(connection)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", _begin)


def _configure(connection: WriterConnection) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {clock.milliseconds(BUSY_TIMEOUT)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA journal_size_limit = {MAX_WAL_SIZE}")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.close()


def restart_as_write(connection: Connection) -> None:
    """End the transaction and begin one that writes, or join the previous thread's transaction."""
    with driver.errors_of(connection, "COMMIT"):
        connection.connection.commit()
    _begin_writing(connection, may_share=True)


def _begin(connection: Connection) -> None:
    """Begin the kind of transaction that the execution options ask for."""
    if connection.get_execution_options().get("writes", False):
        _begin_writing(connection)
    else:
        driver.execute(connection, "BEGIN", has_rows=False)


def _begin_writing(connection: Connection, *, may_share: bool = False) -> None:
    with driver.errors_of(connection, BEGIN):
        connection.connection.driver_connection.begin_writing(may_share=may_share)  # type: ignore[union-attr]


def _busy() -> sqlite3.OperationalError:
    """Return the error that SQLite itself would raise."""
    error = sqlite3.OperationalError("the write lock was not given in time")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error
