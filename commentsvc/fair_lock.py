"""A fair lock: threads get it in the order in which they ask."""

import threading
from collections import deque


class FairLock:
    """A lock that threads get in the order in which they ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, seconds: float) -> bool:
        """Take the lock; return False if that takes longer than this."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._lock:
            if turn not in self._waiting:  # it was given at the last moment
                return True
            self._waiting.remove(turn)
        return False

    def release(self) -> None:
        """Give the lock to whoever has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
