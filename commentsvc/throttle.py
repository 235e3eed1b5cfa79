"""Limits on how often something may happen per address; counted in this process, or in Redis for all processes.

Without ``REDIS_URL`` each process counts for itself, and a restart forgets: with N workers a limit is up to N times as
wide.
"""

import ipaddress
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from commentsvc import settings, tokens
from commentsvc.errors import TooMany
from commentsvc.hosts import ip_of

if TYPE_CHECKING:  # loaded when something is counted: the library brings asyncio along
    from limits import RateLimitItem
    from limits.storage import Storage
    from limits.strategies import MovingWindowRateLimiter

UNKNOWN = "unknown"  # what an invalid address counts as
DAY = 24 * 60  # minutes
FORGETS_EVERY = 5.0  # seconds
TIMEOUT = 0.2  # seconds that Redis has for an answer
SKIPPED_FOR = 5.0  # seconds for which it is not asked after it failed
Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """``amount`` times within so many minutes; ``namespace`` is what is limited."""

    amount: int
    minutes: int
    namespace: str


# For one address, and for its whole neighbourhood: a few hundred addresses must not get a few hundred times as many.
PICTURES = Limit(40, 10, "pictures")
PICTURES_NEARBY = Limit(400, 10, "pictures-nearby")
WRONG_ANSWERS = Limit(10, 10, "wrong-answers")
WRONG_ANSWERS_NEARBY = Limit(60, 10, "wrong-answers-nearby")
WRONG_ANSWERS_A_DAY = Limit(30, DAY, "wrong-answers-a-day")
# A sound is easier for programs than a picture is.
SOUNDS = Limit(5, 10, "sounds")
SOUNDS_NEARBY = Limit(50, 10, "sounds-nearby")
SOUNDS_PLAYED = Limit(200, 10, "sounds-played")
WRONG_SOUNDS = Limit(3, 10, "wrong-sounds")
UNSOLVED = Limit(3, DAY, "unsolved")  # sent to a moderator without an answer
UNSOLVED_NEARBY = Limit(20, DAY, "unsolved-nearby")
UNSUSPICIOUS = Limit(3, 10, "unsuspicious")  # comments at a human pace
ONCE = Limit(1, 10, "once")
SIGN_INS = Limit(10, 10, "sign-ins")
SIGN_INS_NEARBY = Limit(60, 10, "sign-ins-nearby")
SIGN_INS_OF_ONE = Limit(100, 60, "sign-ins-of-one")  # to one account, from unknown browsers
PINGS = Limit(60, 10, "pings")
PREVIEWS = Limit(60, 1, "previews")
FOLLOWS = Limit(10, 10, "follows")  # asked for without a comment
MAILS = Limit(100, 10, "mails")  # of one person to us
RETURNED = Limit(10, 10, "returned")  # of those that are given back
DATA_ASKED_FOR = Limit(2, DAY, "data-asked-for")  # by address
CHECKS = Limit(1, 1, "checks")  # whether anything can be counted
LINKS_ASKED_FOR = Limit(5, 60, "links-asked-for")  # to sign in, by address


def comments_per_minute(count: int) -> Limit:
    """Return the limit of a site with ``count`` comments a minute from one address."""
    return Limit(count, 1, "comments")


def hit(limit: Limit, *who: str) -> None:
    """Count one attempt of ``who``; raise ``TooMany`` with the seconds to wait if it was one too many.

    While Redis does not answer, this process counts for itself: a lost limit must not become a lost comment.
    """
    _require(lambda limiter: limiter.hit(_item(limit), *who), limit, *who)


def hit_once(limit: Limit, what: str, *who: str) -> None:
    """Count like ``hit``, but each ``what`` of ``who`` only once."""
    if has_remaining(ONCE, limit.namespace, what, *who):
        hit(limit, *who)
        hit(ONCE, limit.namespace, what, *who)


def check_remaining(limit: Limit, *who: str) -> None:
    """Raise ``TooMany`` if ``hit`` would, and count nothing."""
    _require(lambda limiter: limiter.test(_item(limit), *who), limit, *who)


def has_remaining(limit: Limit, *who: str) -> bool:
    """Return whether ``hit`` would pass, and count nothing."""
    try:
        check_remaining(limit, *who)
    except TooMany:
        return False
    return True


def used(limit: Limit, *who: str) -> int:
    """Return how much of the limit ``who`` has used."""
    left, _ = _query(lambda limiter: limiter.get_window_stats(_item(limit), *who).remaining)
    return limit.amount - left


def _require(whether: Callable[["MovingWindowRateLimiter"], bool], limit: Limit, *who: str) -> None:
    passed, limiter = _query(whether)
    if passed:
        return
    item = _item(limit)
    try:
        until = limiter.get_window_stats(item, *who).reset_time
        seconds = until - time.time()  # noqa: TID251 - the library counts by the wall clock
        if seconds > item.get_expiry() + 1:  # the clock was set back: nobody should wait until it is there again
            limiter.clear(item, *who)
            whether(limiter)
            return
    except Exception as error:
        if limiter is _limiter(""):
            raise
        _redis.skip(error)  # which went away between two questions
        seconds = item.get_expiry()
    raise TooMany(max(1, round(seconds)))


def _query(question: Callable[["MovingWindowRateLimiter"], Answer]) -> "tuple[Answer, MovingWindowRateLimiter]":
    """Return the answer of Redis, or of this process if Redis does not answer; and which of them."""
    url = settings.current().redis_url
    if url and not _redis.is_skipped:
        try:
            limiter = _limiter(url)
            return question(limiter), limiter
        except Exception as error:
            _redis.skip(error)
    limiter = _limiter("")
    return question(limiter), limiter


def is_shared() -> bool:
    """Return whether Redis counts, so that all processes count together; one that is full does not."""
    url = settings.current().redis_url
    try:
        return bool(url) and _limiter(url).hit(_item(CHECKS), secrets.token_hex(8))
    except Exception as error:
        _redis.skip(error)
        return False


def redis_time() -> datetime | None:
    """Return what Redis takes for now; None without one that answers."""
    if not is_shared():
        return None
    from redis import Redis

    try:
        seconds, millionths = Redis.from_url(settings.current().redis_url, socket_timeout=TIMEOUT).time()
    except Exception as error:
        _redis.skip(error)
        return None
    return datetime.fromtimestamp(seconds + millionths / 1e6, UTC)


class _CircuitBreaker:
    """Skips Redis for some seconds after it failed, so that not every request waits for it."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_skipped(self) -> bool:
        return time.monotonic() < self._until

    def skip(self, error: Exception) -> None:
        if not self.is_skipped:
            log.warning("Redis does not answer, limits are counted in this process for %d s: %s", SKIPPED_FOR, error)
        self._until = time.monotonic() + SKIPPED_FOR

    def retry(self) -> None:
        self._until = 0.0


_redis = _CircuitBreaker()


def connect() -> None:
    """Create the counters before many threads need them at once."""
    if settings.current().redis_url:
        _query(lambda limiter: limiter.storage)


@lru_cache(maxsize=1024)
def source_of(address: str) -> str:
    """Return whom an address counts as: itself for IPv4, its /64 network for IPv6."""
    try:
        one = ip_of(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    return str(one) if one.version == 4 else str(ipaddress.ip_network((one, 64), strict=False))


def hash_of(address: str) -> str:
    """Return what is stored of an address: a keyed hash of whom it counts as."""
    return tokens.keyed_hash("address", source_of(address))


@lru_cache(maxsize=1024)
def neighbourhood_of(address: str) -> str:
    """Return the /24 network of an IPv4 address, the /48 of an IPv6 one: what one customer may have."""
    one = source_of(address)
    if one == UNKNOWN:
        return one
    network = ipaddress.ip_network(one)
    return str(network.supernet(new_prefix=24 if network.version == 4 else 48))


def forget() -> None:
    """Start counting again."""
    _redis.retry()
    _query(lambda limiter: limiter.storage.reset())


@cache
def _item(limit: Limit) -> "RateLimitItem":
    from limits import RateLimitItemPerMinute

    return RateLimitItemPerMinute(limit.amount, limit.minutes, namespace=limit.namespace)


def _storage(redis_url: str) -> "Storage":
    if not redis_url:
        return _memory()
    from limits.storage import storage_from_string
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    timeouts = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
    return storage_from_string(redis_url, **timeouts)  # type: ignore[return-value,arg-type]


def _memory() -> "Storage":
    """The library's memory storage. It starts a thread to expire entries after nearly every hit; here less often.

    Its ``timer`` says whether such a thread is still to come.
    """
    from limits.storage import MemoryStorage

    class Memory(MemoryStorage):
        @property
        def timer(self) -> Any:
            return self._pause

        @timer.setter
        def timer(self, timer: Any) -> None:
            self._pause = _Pause(timer)

    return Memory()


class _Pause:
    """A timer that counts as running for some seconds after it started."""

    def __init__(self, timer: threading.Timer) -> None:
        self._timer = timer
        self._until = time.monotonic() + FORGETS_EVERY

    def start(self) -> None:
        self._timer.start()

    def is_alive(self) -> bool:
        return time.monotonic() < self._until


_limiters: dict[str, "MovingWindowRateLimiter"] = {}
_making = threading.Lock()


def _limiter(redis_url: str) -> "MovingWindowRateLimiter":
    """Return this process's limiter; one thread creates it."""
    if redis_url not in _limiters:
        from limits.strategies import MovingWindowRateLimiter

        with _making:
            if redis_url not in _limiters:
                _limiters[redis_url] = MovingWindowRateLimiter(_storage(redis_url))
    return _limiters[redis_url]
