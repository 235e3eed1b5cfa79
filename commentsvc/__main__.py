"""The command ``commentsvc``."""

import sys

from commentsvc.app import create_app
from commentsvc.cli import run


def main() -> None:
    """Exit 0 when done, 1 with one sentence on stderr when not, 2 when the words were wrong."""
    sys.exit(run(create_app))


if __name__ == "__main__":
    main()
