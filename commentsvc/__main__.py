"""The command ``commentsvc``."""

import sys

from commentsvc.cli import run


def main() -> None:
    """Exit 0 when done, 1 with one sentence on stderr when not, 2 when the words were wrong."""
    sys.exit(run())


if __name__ == "__main__":
    main()
