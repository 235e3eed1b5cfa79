"""``python -m tests.journeys.ahead serve …``: the command, with a clock that is two minutes ahead."""

import sys
from datetime import UTC, datetime, timedelta

from commentsvc import clock
from commentsvc.cli import run

AHEAD = timedelta(minutes=2)

if __name__ == "__main__":
    with clock.override(lambda: datetime.now(UTC) + AHEAD):
        sys.exit(run())
