"""A lock that is fair: threads get it in the order in which they ask for it."""

import threading
from collections import deque


class Line:
    """A lock that is given to threads in the order in which they ask for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def wait(self, seconds: float) -> bool:
        """Take the lock; False where it was not given within this time."""
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

    def leave(self) -> None:
        """Give the lock to who waits longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
