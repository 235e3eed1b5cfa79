"""The one door of Apprise, which knows how to reach some hundred push services; the extra ``push`` brings it."""

from functools import lru_cache
from typing import Any


class PushUnavailable(Exception):
    """Apprise is not installed, or knows no such service; the text says what to do."""


class PushFailed(Exception):
    """The service did not take it."""


def check(url: str) -> None:
    """Raise ``PushUnavailable`` where ``url`` is none of Apprise's."""
    _service(url)


def send(url: str, title: str, body: str) -> None:
    """Tell the devices behind an address of Apprise (``ntfy://…``); raises ``PushUnavailable`` or ``PushFailed``."""
    service = _service(url)
    try:
        was_taken = service.send(body=body, title=title)
    except Exception as problem:  # services raise whatever their libraries do
        raise PushFailed(str(problem)[:300] or type(problem).__name__) from problem
    if not was_taken:
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
