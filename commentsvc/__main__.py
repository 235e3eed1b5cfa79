"""The command ``commentsvc``."""

import signal
import sys

# Ctrl+C, Ctrl+\, a service manager, a lost connection.
ENDING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
OF_LOG_TOOLS = (signal.SIGUSR1, signal.SIGUSR2)  # sent by some that rotate logs
SERVICES = ("serve", "work", "demo")  # which run until they are told to end


def main() -> None:
    """Exit 0 when done, 1 with one sentence on stderr when not, 2 when the words were wrong."""
    for one in OF_LOG_TOOLS:
        signal.signal(one, signal.SIG_IGN)
    _end_by(signal.SIG_DFL)  # without a traceback while modules are loaded
    from commentsvc.cli import run

    _end_by(_end_well if sys.argv[1:2] and sys.argv[1] in SERVICES else signal.default_int_handler)
    sys.exit(run())


def _end_well(*_: object) -> None:
    """End a service that is still starting."""
    sys.exit(0)


def _end_by(handler: "signal._HANDLER") -> None:
    for one in ENDING:
        if signal.getsignal(one) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(one, handler)


if __name__ == "__main__":
    main()
