"""Times as other systems write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SQL = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)


def of_sql(text: str, zone: str) -> datetime | None:
    """Return a date and time without a zone, as of this zone; None for zeros and nonsense."""
    for form in SQL:
        try:
            return _plausible(datetime.strptime(text.strip(), form).replace(tzinfo=ZoneInfo(zone)))
        except (ValueError, OverflowError):
            continue
    return None


def of_iso(text: str, zone: str = "UTC") -> datetime | None:
    """Return an ISO 8601 time; a time without a zone is taken to be in ``zone``."""
    try:
        found = datetime.fromisoformat(text.strip())
        return _plausible(found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, OverflowError):
        return None


def of_epoch(seconds: object) -> datetime | None:
    """Return seconds since 1970 as a time."""
    try:
        return _plausible(datetime.fromtimestamp(float(str(seconds)), UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _plausible(time: datetime) -> datetime | None:
    return time if time.astimezone(UTC) > EARLIEST else None
