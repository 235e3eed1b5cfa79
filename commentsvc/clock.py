"""The time, in one place, so that tests and the demo can set it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


def _wall_clock() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _wall_clock


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return _source()


def milliseconds(span: timedelta) -> int:
    """Return a length of time as databases want it."""
    return int(span.total_seconds() * 1000)


@contextmanager
def override(source: Callable[[], datetime]) -> Iterator[None]:
    """Let ``now()`` read from ``source`` inside the block."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
