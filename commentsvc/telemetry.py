"""Metrics that all processes of ``serve`` share, in memory that they inherit from the listening process.

Each process adds to its own row, so that none waits for another; a reader sums the rows. Under another WSGI server
nothing is shared, and each process counts for itself.
"""

import bisect
import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

ROWS = 256  # processes; later ones share a row with an earlier one, which has ended by then
CELLS = 512  # numbers in a row
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds

_cells = memoryview(mmap.mmap(-1, ROWS * CELLS * 8)).cast("d")  # anonymous and shared: what is forked inherits it
_lock = threading.Lock()


class _Process:
    """The row of this process; the parent assigns it before each fork."""

    row = 0
    forks = 0


def _before_fork() -> None:
    _Process.forks += 1


def _in_child() -> None:
    _Process.row = _Process.forks % ROWS


os.register_at_fork(before=_before_fork, after_in_child=_in_child)
_free = iter(range(CELLS))


@dataclass
class Counter:
    """Counts by label. Create it when the module is imported, so that all processes use the same cells."""

    labels: Sequence[str]
    _cells_of: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._cells_of = {label: next(_free) for label in self.labels}

    def add(self, label: str, more: float = 1.0) -> None:
        """Add to a label's count; to the last label's if the label is unknown."""
        cell = self._cells_of.get(label, self._cells_of[self.labels[-1]])
        with _lock:
            _cells[_Process.row * CELLS + cell] += more

    def values(self) -> dict[str, float]:
        """Return the sums of all processes."""
        return {label: _sum(cell) for label, cell in self._cells_of.items()}


@dataclass
class Histogram:
    """Durations by label, in seconds."""

    labels: Sequence[str]
    _sums: Counter = field(init=False)
    _counts: dict[str, Counter] = field(init=False)

    def __post_init__(self) -> None:
        self._sums = Counter(self.labels)
        self._counts = {label: Counter([*map(str, BUCKETS), "+Inf"]) for label in self.labels}

    def observe(self, label: str, seconds: float) -> None:
        """Record one duration."""
        bucket = bisect.bisect_left(BUCKETS, seconds)
        counts = self._counts.get(label, self._counts[self.labels[-1]])
        counts.add(counts.labels[bucket])
        self._sums.add(label, seconds)

    def values(self) -> Iterator[tuple[str, dict[str, float], float]]:
        """Yield each label with its cumulative counts by bucket, and the sum of its durations."""
        for label, total in self._sums.values().items():
            so_far, cumulative = 0.0, {}
            for bucket, count in self._counts[label].values().items():
                so_far += count
                cumulative[bucket] = so_far
            yield label, cumulative, total


def _sum(cell: int) -> float:
    return sum(_cells[row * CELLS + cell] for row in range(ROWS))
