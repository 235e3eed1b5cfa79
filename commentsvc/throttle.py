"""How often something may happen, by address; counted in this process, or in Redis for all of them.

Without ``REDIS_URL`` each process counts for itself and a restart forgets: with N workers a limit is up to N times
as wide. ``docs/settings.md`` says so too.
"""

import ipaddress
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from commentsvc import settings, tokens
from commentsvc.errors import TooMany

UNKNOWN = "unknown"  # what an address counts as that is none
Limit = RateLimitItem
Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

# Of one address, and of its whole neighbourhood: a few hundred addresses get not a few hundred times as many tries.
PICTURES = RateLimitItemPerMinute(40, 10, namespace="pictures")
PICTURES_NEARBY = RateLimitItemPerMinute(400, 10, namespace="pictures-nearby")
WRONG_ANSWERS = RateLimitItemPerMinute(10, 10, namespace="wrong-answers")
WRONG_ANSWERS_NEARBY = RateLimitItemPerMinute(60, 10, namespace="wrong-answers-nearby")
WRONG_ANSWERS_A_DAY = RateLimitItemPerDay(30, namespace="wrong-answers-a-day")
# A sound is easier for programs than a picture is.
SOUNDS = RateLimitItemPerMinute(5, 10, namespace="sounds")
SOUNDS_NEARBY = RateLimitItemPerMinute(50, 10, namespace="sounds-nearby")
SOUNDS_PLAYED = RateLimitItemPerMinute(200, 10, namespace="sounds-played")
WRONG_SOUNDS = RateLimitItemPerMinute(3, 10, namespace="wrong-sounds")
UNSOLVED = RateLimitItemPerDay(3, namespace="unsolved")  # sent to a moderator without any answer
UNSOLVED_NEARBY = RateLimitItemPerDay(20, namespace="unsolved-nearby")
UNSUSPICIOUS = RateLimitItemPerMinute(3, 10, namespace="unsuspicious")  # comments that look like a person's pace
ONCE = RateLimitItemPerMinute(1, 10, namespace="once")
SIGN_INS = RateLimitItemPerMinute(10, 10, namespace="sign-ins")
SIGN_INS_OF_ONE = RateLimitItemPerMinute(100, 60, namespace="sign-ins-of-one")  # to one account, from unknown browsers
PINGS = RateLimitItemPerMinute(60, 10, namespace="pings")
PREVIEWS = RateLimitItemPerMinute(60, 1, namespace="previews")
FOLLOWS = RateLimitItemPerMinute(10, 10, namespace="follows")  # asked for without a comment
MAILS = RateLimitItemPerMinute(100, 10, namespace="mails")  # of one person to us
RETURNED = RateLimitItemPerMinute(10, 10, namespace="returned")  # of those that are given back
DATA_ASKED_FOR = RateLimitItemPerDay(2, namespace="data-asked-for")  # by address
LINKS_ASKED_FOR = RateLimitItemPerMinute(5, 60, namespace="links-asked-for")  # to sign in, by address


def comments_per_minute(count: int) -> Limit:
    """The limit for a site whose rule is ``count`` comments a minute from one address."""
    return RateLimitItemPerMinute(count, 1, namespace="comments")


def hit(limit: Limit, *who: str) -> None:
    """Count one try of ``who``; raises ``TooMany`` with the seconds to wait where it was one too many.

    While Redis does not answer, this process counts for itself: a lost limit must not become a lost comment.
    """
    _ask(lambda limiter: limiter.hit(limit, *who), limit, *who)


def hit_once(limit: Limit, what: str, *who: str) -> None:
    """Count as ``hit`` does, but each ``what`` of ``who`` only the first time."""
    if is_left(ONCE, limit.namespace, what, *who):
        hit(limit, *who)
        hit(ONCE, limit.namespace, what, *who)


def must_be_left(limit: Limit, *who: str) -> None:
    """Raise ``TooMany`` where ``hit`` would, and count nothing."""
    _ask(lambda limiter: limiter.test(limit, *who), limit, *who)


def is_left(limit: Limit, *who: str) -> bool:
    """Whether ``hit`` would pass; counts nothing."""
    return _asked(lambda limiter: limiter.test(limit, *who))[0]


def used(limit: Limit, *who: str) -> int:
    """How much of the limit ``who`` has used up."""
    left, _ = _asked(lambda limiter: limiter.get_window_stats(limit, *who).remaining)
    return limit.amount - left


def _ask(whether: Callable[[MovingWindowRateLimiter], bool], limit: Limit, *who: str) -> None:
    passed, limiter = _asked(whether)
    if not passed:
        until = limiter.get_window_stats(limit, *who).reset_time
        raise TooMany(max(1, round(until - time.time())))  # noqa: TID251 - the library counts by the wall clock


def _asked(question: Callable[[MovingWindowRateLimiter], Answer]) -> tuple[Answer, MovingWindowRateLimiter]:
    """What Redis says, or what this process counted where it does not answer; and which of them it was."""
    limiter = _limiter(settings.current().redis_url)
    try:
        return question(limiter), limiter
    except limiter.storage.base_exceptions as problem:
        log.warning("Redis does not answer, limits are counted in this process: %s", problem)
        return question(_limiter("")), _limiter("")


def is_shared() -> bool:
    """Whether Redis answers, so that all processes count together."""
    try:
        return bool(settings.current().redis_url) and _storage(settings.current().redis_url).check()
    except Exception:
        log.warning("Redis does not answer", exc_info=True)
        return False


def source_of(address: str) -> str:
    """Who an address counts as: itself for IPv4, its /64 network for IPv6."""
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(one, ipaddress.IPv6Address):
        if one.ipv4_mapped:
            return str(one.ipv4_mapped)
        return str(ipaddress.ip_network((one, 64), strict=False))
    return str(one)


def hash_of(address: str) -> str:
    """What is stored of an address: a keyed hash of who it counts as."""
    return tokens.keyed_hash("address", source_of(address))


def neighbourhood_of(address: str) -> str:
    """The /24 network of an IPv4 address, the /48 of an IPv6 one: what one customer may have."""
    one = source_of(address)
    if one == UNKNOWN:
        return one
    network = ipaddress.ip_network(one)
    return str(network.supernet(new_prefix=24 if network.version == 4 else 48))


def forget() -> None:
    """Start counting anew."""
    _storage(settings.current().redis_url).reset()


@lru_cache(maxsize=2)
def _storage(redis_url: str) -> Storage:
    return storage_from_string(redis_url or "memory://")  # type: ignore[return-value]


@lru_cache(maxsize=2)
def _limiter(redis_url: str) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(_storage(redis_url))
