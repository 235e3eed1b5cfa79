"""The one door of Apprise, which knows how to reach some hundred push services; the extra ``push`` brings it.

Each message is sent by a process of its own, which is ended after a while: what the services' plugins do is theirs.
"""

import json
import subprocess
import sys
from datetime import timedelta
from functools import lru_cache
from typing import Any

PATIENCE = timedelta(seconds=20)


class PushUnavailable(Exception):
    """Apprise is not installed, or knows no such service; the text says what to do."""


class PushFailed(Exception):
    """The service did not take it."""


def check(url: str) -> None:
    """Raise ``PushUnavailable`` where ``url`` is none of Apprise's."""
    _service(url)


def send(url: str, title: str, body: str) -> None:
    """Tell the devices behind an address of Apprise (``ntfy://…``); raises ``PushUnavailable`` or ``PushFailed``."""
    check(url)
    run = [sys.executable, "-P", "-m", __name__]
    said = json.dumps({"url": url, "title": title, "body": body})
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            run, input=said, capture_output=True, text=True, timeout=PATIENCE.total_seconds(), check=False
        )
    except subprocess.TimeoutExpired:
        raise PushFailed("the service does not answer") from None
    if done.returncode:
        raise PushFailed("the service did not take it")


def _service(url: str) -> Any:
    service = _apprise().Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise PushUnavailable("is no address of Apprise; such as ntfy://ntfy.example/topic")
    return service


@lru_cache(maxsize=1)
def _apprise() -> Any:
    try:
        import apprise
    except ImportError:
        raise PushUnavailable("needs Apprise: pip install 'commentsvc[push]'") from None
    return apprise


if __name__ == "__main__":
    given = json.load(sys.stdin)
    sys.exit(0 if _service(given["url"]).send(body=given["body"], title=given["title"]) else 1)
