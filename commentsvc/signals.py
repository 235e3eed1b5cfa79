"""Signals that end a command, wherever they come from."""

import signal

# Ctrl+C, Ctrl+\, a service manager, a lost connection.
ENDING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
OF_LOG_TOOLS = (signal.SIGUSR1, signal.SIGUSR2)  # sent by some that rotate logs


def end_by(handler: "signal._HANDLER") -> None:
    """Handle what ends a command, but for what ``nohup`` ignores."""
    for one in ENDING:
        if signal.getsignal(one) != signal.SIG_IGN:
            signal.signal(one, handler)
