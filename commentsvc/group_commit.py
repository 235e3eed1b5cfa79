"""Group commit: threads that wait for SQLite's write lock share one transaction, each in its own savepoint.

Whoever is ready to commit hands the open transaction to the next thread instead; the last one commits for all. No
thread goes on before that, so nothing is acknowledged that is not on the disk.
"""

import sqlite3
import threading
from contextlib import suppress

from commentsvc.fair_lock import FairSemaphore

MAX_MEMBERS = 8
GROUP_SAVEPOINT = "SAVEPOINT shared"
MEMBER_SAVEPOINT = "SAVEPOINT member"


class SharedTransaction:
    """A write transaction of the connection ``owner``, which its members use one after the other."""

    def __init__(self, owner: sqlite3.Connection) -> None:
        self.owner = owner
        self._members = 1
        self._is_broken = False
        self._done = threading.Lock()  # held until then; an Event would cost 5 % of a comment
        self._done.acquire()
        self._failure: int | None = sqlite3.SQLITE_ABORT  # SQLite's code, until all is on the disk

    @property
    def has_room(self) -> bool:
        """Whether another member may join."""
        return self._members < MAX_MEMBERS and self.owner.in_transaction and not self._is_broken

    def join(self) -> None:
        """Add a member; what it does can be undone by itself."""
        if self._members == 1:
            self.owner.execute(GROUP_SAVEPOINT)
        self._members += 1
        self.owner.execute(MEMBER_SAVEPOINT)

    def keep_part(self) -> None:
        """Keep what the current member did."""
        self.owner.execute(f"RELEASE {MEMBER_SAVEPOINT}")

    def undo_part(self) -> None:
        """Undo what the current member did. If that fails, nobody can commit."""
        self._is_broken = True
        self.owner.execute(f"ROLLBACK TO {MEMBER_SAVEPOINT}")
        self.keep_part()
        self._is_broken = False

    def commit(self) -> None:
        """Commit for all members. If that fails, roll back, and let each of them raise the error.

        Raises:
            sqlite3.Error, MemoryError: the commit failed; nothing was kept.
        """
        try:
            self._release_group()
            sqlite3.Connection.commit(self.owner)
            self._failure = None
        except BaseException as error:  # a MemoryError, too
            self._failure = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ABORT)
            with suppress(sqlite3.Error, MemoryError):
                sqlite3.Connection.rollback(self.owner)
            raise
        finally:
            self._done.release()

    def _release_group(self) -> None:
        """Release the group's savepoint; raise if it is gone, as SQLite rolls back by itself after some errors."""
        try:
            if self._members > 1:
                self.owner.execute(f"RELEASE {GROUP_SAVEPOINT}")
        except sqlite3.OperationalError:
            raise _error(sqlite3.SQLITE_ABORT_ROLLBACK) from None
        if self._is_broken or not self.owner.in_transaction:
            raise _error(sqlite3.SQLITE_ABORT_ROLLBACK)

    def wait(self) -> None:
        """Wait until another member has committed; raises ``sqlite3.Error`` if that failed."""
        with self._done:
            pass
        if self._failure is not None:
            raise _error(self._failure)


class WriterLock(FairSemaphore):
    """The right of one thread of this process to write, with an open transaction if the one before left it."""

    def __init__(self) -> None:
        super().__init__()
        self._open_transaction: SharedTransaction | None = None

    def hand_over(self, transaction: SharedTransaction) -> bool:
        """Leave the lock and the open transaction to the next thread; return False if nobody waits."""
        self._open_transaction = transaction
        if self.release_to_next():
            return True
        self._open_transaction = None
        return False

    def take_over(self) -> SharedTransaction | None:
        """Return the transaction that was left open, which is then the caller's to end."""
        transaction, self._open_transaction = self._open_transaction, None
        return transaction


def _error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the shared transaction was rolled back")
    error.sqlite_errorcode = code
    return error
