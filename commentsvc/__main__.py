"""The command ``commentsvc``."""

import signal
import sys

from commentsvc import signals

SERVICES = ("serve", "work", "demo")  # which run until they are told to end


def main() -> None:
    """Exit 0 when done, 1 with one sentence on stderr when not, 2 when the words were wrong."""
    for one in signals.OF_LOG_TOOLS:
        signal.signal(one, signal.SIG_IGN)
    signals.end_by(signal.SIG_DFL)  # without a traceback while modules are loaded
    from commentsvc.cli import run

    signals.end_by(_end_well if sys.argv[1:2] and sys.argv[1] in SERVICES else signal.default_int_handler)
    sys.exit(run())


def _end_well(*_: object) -> None:
    """End a service that is still starting."""
    sys.exit(0)


if __name__ == "__main__":
    main()
