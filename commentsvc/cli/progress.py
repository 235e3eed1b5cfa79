"""How far a long command is."""

import sys
import time
from datetime import timedelta

import click


class Progress:
    """Say how far it is, to stderr: in one line of a terminal, else in a line every ten seconds."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what, self._total, self._is_terminal = what, total, sys.stderr.isatty()
        self._began = self._last = time.monotonic()

    def __call__(self, done: int) -> None:
        """Say that so much is done, now and then."""
        now = time.monotonic()
        if now - self._last < (0.2 if self._is_terminal else 10):
            return
        self._last, rate = now, done / (now - self._began)
        line = f"{self._what} {done:,}"
        if self._total and rate:
            left = timedelta(seconds=round(max(self._total - done, 0) / rate))
            line += f" of {self._total:,} ({done / self._total:.0%}), {left} left"
        click.echo(
            f"\r{line}, {rate:,.0f} a second\x1b[K" if self._is_terminal else line, err=True, nl=not self._is_terminal
        )

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            click.echo("\r\x1b[K", err=True, nl=False)
