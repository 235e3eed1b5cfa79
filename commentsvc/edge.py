"""Caches in front of the service (nginx, Varnish, a CDN): how long they may keep an answer, and what they must drop.

An answer carries tags of what it shows. After a commit, the tags of what changed are sent to ``EDGE_PURGE_URL``, in the
background: if that fails, the answer's lifetime ends it all the same.
"""

import hashlib
import json
import logging
import queue
import threading
import time
from collections.abc import Iterator

from commentsvc import content_versions, safe_http, settings

STALE_IF_ERROR = 86_400  # seconds for which a cache may serve what it has while the service is away (RFC 5861)
TRIES = 3
GAP = 0.2  # seconds in which changes are collected
SNAPSHOT_MAX_STALE = 1.2  # seconds after which every process has looked whether its snapshots are current
MAX_TAGS = 100  # in one request

log = logging.getLogger(__name__)
_changed: "queue.SimpleQueue[str]" = queue.SimpleQueue()
_starting = threading.Lock()
_senders: list[threading.Thread] = []


def headers(site_id: int, key: str | None) -> Iterator[tuple[str, str]]:
    """Yield what an answer says to caches about itself; ``key`` is None if it shows several threads of the site.

    Browsers ask each time, as their reader may just have written. ``CDN-Cache-Control`` (RFC 9213) is for shared caches
    alone.
    """
    config = settings.current()
    kept = config.edge_seconds
    yield "Cache-Control", f"public, max-age=0, s-maxage={kept}, stale-if-error={STALE_IF_ERROR}"
    if kept > 1:
        stale = f"stale-while-revalidate={kept}, stale-if-error={STALE_IF_ERROR}"
        yield "CDN-Cache-Control", f"public, max-age={kept}, {stale}"
    if config.edge_purge_url:
        tags = (of_site(site_id), of_thread(site_id, key) if key is not None else of_activity(site_id))
        yield "Cache-Tag", ",".join(tags)
        yield "Surrogate-Key", " ".join(tags)


def of_site(site_id: int) -> str:
    """Return the tag of every answer about a site."""
    return f"site-{site_id}"


def of_activity(site_id: int) -> str:
    """Return the tag of answers about several threads of a site, such as feeds and counts."""
    return f"site-{site_id}-activity"


def of_thread(site_id: int, key: str) -> str:
    """Return the tag of answers about a thread."""
    return f"site-{site_id}-thread-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def watch() -> None:
    """Purge what commits of this process change, if ``EDGE_PURGE_URL`` is set."""
    if settings.current().edge_purge_url:
        content_versions.thread_changed.connect(_purge_thread)
        content_versions.site_changed.connect(_purge_site)


def _purge_thread(site_id: int, key: str) -> None:
    _purge(of_thread(site_id, key), of_activity(site_id))


def _purge_site(site_id: int) -> None:
    _purge(of_site(site_id))


def _purge(*tags: str) -> None:
    if not settings.current().edge_purge_url:
        return
    for tag in tags:
        _changed.put(tag)
    with _starting:
        if not any(one.is_alive() for one in _senders):  # none yet, or the process was forked
            _senders[:] = [threading.Thread(target=_send_all, name="edge purges")]
            _senders[0].start()


def _send_all() -> None:
    """Send what is waiting until nothing is; not a daemon, so that a command ends only after its purges.

    Everything is sent twice: until the second time, another process may still have given out what it had in memory.
    """
    again: list[str] = []
    while True:
        fresh = _collected()
        if tags := [*dict.fromkeys([*again, *fresh])]:
            _send(tags)
        again = fresh
        if again:
            time.sleep(SNAPSHOT_MAX_STALE)
            continue
        with _starting:
            if _changed.empty():
                _senders.clear()
                return


def _collected() -> list[str]:
    tags: dict[str, None] = {}
    deadline = time.monotonic() + GAP
    try:
        while len(tags) < MAX_TAGS:
            tags[_changed.get(timeout=max(0.0, deadline - time.monotonic()))] = None
    except queue.Empty:
        pass
    return list(tags)


def _send(tags: list[str]) -> None:
    problem = ""
    for number in range(TRIES):
        try:
            send_purge(tags)
        except safe_http.FetchRefused as refusal:
            problem = f"{refusal}; COMMENTSVC_FETCH_ALLOW may name it"
            break
        except safe_http.FetchFailed as failure:
            problem = str(failure)
            time.sleep(GAP * number)
        else:
            return
    log.warning("%d tags were not purged (%s)", len(tags), problem)


def send_purge(tags: list[str]) -> None:
    """POST one purge request to ``EDGE_PURGE_URL``; redirects are not followed.

    Raises:
        FetchRefused, FetchFailed: it was not accepted.
    """
    config = settings.current()
    further = {"Authorization": f"Bearer {config.edge_purge_token}"} if config.edge_purge_token else {}
    body = json.dumps({"tags": tags}).encode()
    page = safe_http.post(config.edge_purge_url, body, "application/json", headers=further, follows=False)
    if not page.is_success:
        raise safe_http.FetchFailed(f"status {page.status}")
