"""Group commit: threads that wait for SQLite's write lock share one transaction, each in its own savepoint.

Whoever is ready to commit hands the open transaction to the next thread instead; the last one commits for all. No
thread goes on before that, so nothing is acknowledged that is not on the disk.
"""

import sqlite3
import threading

from commentsvc.fair_lock import FairSemaphore

MAX_MEMBERS = 8
OF_ALL = "SAVEPOINT shared"
OF_MEMBER = "SAVEPOINT member"


class SharedTransaction:
    """A write transaction of the connection ``host``, which its members use one after the other."""

    def __init__(self, host: sqlite3.Connection) -> None:
        self.host = host
        self._members = 1
        self._is_open = threading.Lock()  # released at the end; an Event takes a twentieth of all time
        self._is_open.acquire()
        self._failure: int | None = None  # SQLite's code

    @property
    def has_room(self) -> bool:
        """Whether another member may join."""
        return self._members < MAX_MEMBERS and self.host.in_transaction

    def join(self) -> None:
        """Add a member; what it does can be undone by itself."""
        if self._members == 1:
            self.host.execute(OF_ALL)
        self._members += 1
        self.host.execute(OF_MEMBER)

    def keep_part(self) -> None:
        """Keep what the current member did."""
        self.host.execute(f"RELEASE {OF_MEMBER}")

    def undo_part(self) -> None:
        """Undo what the current member did."""
        self.host.execute(f"ROLLBACK TO {OF_MEMBER}")
        self.keep_part()

    def commit(self) -> None:
        """Commit for all members. If that fails, roll back, and let each of them raise the error.

        Raises:
            sqlite3.Error: the commit failed; nothing was kept.
        """
        try:
            self._must_be_whole()
            sqlite3.Connection.commit(self.host)
        except sqlite3.Error as error:
            self._failure = error.sqlite_errorcode
            sqlite3.Connection.rollback(self.host)
            raise
        finally:
            self._is_open.release()

    def _must_be_whole(self) -> None:
        """Raise if SQLite rolled back by itself, as it does after some errors: what was done since is only a part."""
        try:
            if self._members > 1:
                self.host.execute(f"RELEASE {OF_ALL}")
        except sqlite3.OperationalError:
            raise _error(sqlite3.SQLITE_ABORT_ROLLBACK) from None
        if not self.host.in_transaction:
            raise _error(sqlite3.SQLITE_ABORT_ROLLBACK)

    def wait(self) -> None:
        """Wait until another member has committed; raises ``sqlite3.Error`` if that failed."""
        with self._is_open:
            pass
        if self._failure is not None:
            raise _error(self._failure)


class WriterLock(FairSemaphore):
    """The right of one thread of this process to write, with an open transaction if the one before left it."""

    def __init__(self) -> None:
        super().__init__()
        self._left: SharedTransaction | None = None

    def hand_on(self, transaction: SharedTransaction) -> bool:
        """Leave the lock and the open transaction to the next thread; return False if nobody waits."""
        self._left = transaction
        if self.release_to_next():
            return True
        self._left = None
        return False

    def take_over(self) -> SharedTransaction | None:
        """Return the transaction that was left open, which is then the caller's to end."""
        transaction, self._left = self._left, None
        return transaction


def _error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the shared transaction was rolled back")
    error.sqlite_errorcode = code
    return error
