"""Push services through Apprise, which supports more than a hundred; the extra ``push`` installs it.

Apprise parses addresses in this process. Each message is sent by a process of its own, with a time limit.
"""

import json
import logging
import subprocess
import sys
from datetime import timedelta
from functools import lru_cache
from typing import Any

from commentsvc.errors import N_, Explained

TIMEOUT = timedelta(seconds=20)
INSTALL = "pip install 'commentsvc[push]'"
EXAMPLE = "ntfy://ntfy.example/topic"


class PushUnavailable(Explained):
    """Apprise is not installed, or does not know the service; the text says what to do."""


class PushFailed(Explained):
    """The push service refused the message or did not answer in time."""


def check(url: str) -> None:
    """Raise ``PushUnavailable`` if ``url`` is not one of Apprise's."""
    _service(url)


def send(url: str, title: str, body: str) -> None:
    """Send to the devices behind an Apprise URL (``ntfy://…``); raises ``PushUnavailable`` or ``PushFailed``."""
    check(url)
    run = [sys.executable, "-P", "-m", __name__]
    message = json.dumps({"url": url, "title": title, "body": body})
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the address goes through its input
            run, input=message, capture_output=True, text=True, timeout=TIMEOUT.total_seconds(), check=False
        )
    except subprocess.TimeoutExpired:
        raise PushFailed(N_("the service did not answer in time")) from None
    if done.returncode:
        if said := done.stderr.strip().rpartition("\n")[2]:
            raise PushFailed(N_("the service did not accept it: %(answer)s"), answer=said)
        raise PushFailed(N_("the service did not accept it"))


def _service(url: str) -> Any:
    service = _apprise().Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise PushUnavailable(N_("Apprise knows no such service; an address looks like %(example)s"), example=EXAMPLE)
    return service


@lru_cache(maxsize=1)
def _apprise() -> Any:
    try:
        import apprise
    except ImportError:
        raise PushUnavailable(N_("Apprise is not installed; run %(command)s"), command=INSTALL) from None
    return apprise


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)  # Apprise logs what a service said
    given = json.load(sys.stdin)
    sys.exit(0 if _service(given["url"]).send(body=given["body"], title=given["title"]) else 1)
