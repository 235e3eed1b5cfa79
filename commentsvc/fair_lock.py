"""A fair semaphore: threads get a permit in the order in which they ask."""

import threading
from collections import deque


class FairSemaphore:
    """A semaphore whose permits threads get in the order in which they ask."""

    def __init__(self, permits: int = 1) -> None:
        self._lock = threading.Lock()
        self._free = permits
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, seconds: float) -> bool:
        """Take a permit; return False if that takes longer than this."""
        with self._lock:
            if self._free:
                self._free -= 1
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
        """Give one's permit to whoever has waited longest."""
        with self._lock:
            if not self._give_to_next():
                self._free += 1

    def release_to_next(self) -> bool:
        """Give one's permit to whoever has waited longest; keep it and return False if nobody waits."""
        with self._lock:
            return self._give_to_next()

    def _give_to_next(self) -> bool:
        if self._waiting:
            self._waiting.popleft().release()
            return True
        return False
