"""Time that passes only when told to."""

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """Stands at noon until somebody lets time pass."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **span: float) -> None:
        """Let time pass: ``time.pass_(minutes=5)``."""
        self.time += timedelta(**span)
