"""The process's log on stderr, for people or for log collectors."""

import json
import logging
import sys

from commentsvc import clock


def configure(form: str) -> None:
    """Write one line per event, as ``text`` or as ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    plain = _OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if form == "json" else plain)
    root = logging.getLogger("commentsvc")
    root.handlers = [handler]
    root.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": clock.now().isoformat(),
            "level": record.levelname,
            "from": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _OneLine(logging.Formatter):
    """Escapes control characters, so that nothing from strangers can begin a new line."""

    def format(self, record: logging.LogRecord) -> str:
        record.msg = record.getMessage().translate({code: f"\\x{code:02x}" for code in range(32)})
        record.args = ()
        return super().format(record)
