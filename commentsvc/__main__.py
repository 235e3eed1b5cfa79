"""The command ``commentsvc``."""

import sys
from typing import TYPE_CHECKING

from commentsvc.cli import run

if TYPE_CHECKING:
    from flask import Flask


def main() -> None:
    """Exit 0 when done, 1 with one sentence on stderr when not, 2 when the words were wrong."""
    sys.exit(run(_application))


def _application() -> "Flask":
    from commentsvc.app import create_app  # `serve` listens in another process and does not load it here

    return create_app()


if __name__ == "__main__":
    main()
