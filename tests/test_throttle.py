"""Limits: by address, by network for IPv6, and shared through Redis where there is one."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis as Client

from commentsvc import clock, settings, throttle
from commentsvc.errors import TooMany
from commentsvc.throttle import Limit
from tests.servers import free_port

TWICE = Limit(2, 1, "test")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path) -> None:
    """Counting in this process."""
    settings.use(settings.Settings(data_dir=tmp_path))
    throttle.forget()


def test_the_third_time_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2001, 1, 1, tzinfo=UTC))  # limits are not counted by it
    throttle.hit(TWICE, "bob")
    throttle.hit(TWICE, "bob")
    throttle.hit(TWICE, "grace")
    with pytest.raises(TooMany) as refusal:
        throttle.hit(TWICE, "bob")
    assert 1 <= (refusal.value.retry_after or 0) <= 60


@pytest.mark.parametrize("back", [3600, 366 * 86400])
def test_a_clock_that_was_set_back_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch, back: int) -> None:
    """Otherwise the limit would last until the clock is there again."""
    for _ in range(2):
        throttle.hit(TWICE, "bob")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - back)
    throttle.hit(TWICE, "bob")
    assert throttle.has_remaining(TWICE, "bob")
    throttle.hit(TWICE, "bob")
    with pytest.raises(TooMany) as refusal:
        throttle.hit(TWICE, "bob")
    assert (refusal.value.retry_after or 0) <= 61


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("fe80::1%eth0", "fe80::1%eth1", True),
    ],
)
def test_who_counts_as_one(one: str, other: str, same: bool) -> None:
    assert (throttle.source_of(one) == throttle.source_of(other)) is same


@pytest.mark.parametrize(
    ("address", "neighbourhood"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::1", "2001:db8:1::/48"),
        ("nonsense", "unknown"),
    ],
)
def test_who_lives_nearby(address: str, neighbourhood: str) -> None:
    assert throttle.neighbourhood_of(address) == neighbourhood


def test_asking_whether_something_is_left_counts_nothing() -> None:
    for _ in range(3):
        throttle.check_remaining(TWICE, "bob")
    throttle.hit(TWICE, "bob")
    throttle.hit(TWICE, "bob")
    with pytest.raises(TooMany):
        throttle.check_remaining(TWICE, "bob")


@dataclass(frozen=True)
class Redis:
    """A server and its address."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A real Redis, for this test only."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here, so shared limits are not tried")
    port = free_port()
    run = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(run, stdout=subprocess.DEVNULL) as server:
        time.sleep(0.5)
        yield Redis(f"redis://127.0.0.1:{port}/0", server)
        server.send_signal(signal.SIGCONT)
        server.terminate()


def test_a_full_redis_shares_nothing(redis: Redis, tmp_path: Path) -> None:
    """It answers and counts nothing: limits are counted here, and ``doctor`` says so."""
    settings.use(settings.Settings(data_dir=tmp_path, redis_url=redis.url))
    assert throttle.is_shared()
    with Client.from_url(redis.url) as client:
        client.config_set("maxmemory", 1)
    assert not throttle.is_shared()
    for _ in range(2):
        throttle.hit(TWICE, "bob")
    with pytest.raises(TooMany):
        throttle.hit(TWICE, "bob")


def test_processes_share_their_limits_through_redis(redis: Redis, tmp_path: Path) -> None:
    """What one process counted, the other knows."""
    settings.use(settings.Settings(data_dir=tmp_path, redis_url=redis.url))
    throttle.hit(TWICE, "bob")
    program = (
        "from pathlib import Path; from commentsvc.throttle import Limit; "
        "from commentsvc import settings, throttle; "
        f"settings.use(settings.Settings(data_dir=Path({str(tmp_path)!r}), redis_url={redis.url!r})); "
        "throttle.hit(Limit(2, 1, 'test'), 'bob')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(TooMany):
        throttle.hit(TWICE, "bob")


def test_a_frozen_redis_costs_one_moment_and_is_asked_again_later(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes the connection and never answers: limits are counted here for a while."""
    settings.use(settings.Settings(data_dir=tmp_path, redis_url=redis.url))
    throttle.hit(TWICE, "bob")
    redis.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(2):
        throttle.hit(TWICE, "bob")
    with pytest.raises(TooMany):
        throttle.hit(TWICE, "bob")
    assert time.monotonic() - began < 2 * throttle.TIMEOUT + 0.5
    assert "Redis does not answer" in caplog.text
    assert not throttle.is_shared()
    redis.process.send_signal(signal.SIGCONT)
    monkeypatch.setattr(time, "monotonic", lambda: began + throttle.SKIPPED_FOR + 10)
    assert throttle.is_shared()
    assert throttle.used(TWICE, "bob") >= 1  # as Redis counted before


def test_many_threads_at_the_start_count_together(redis: Redis, tmp_path: Path) -> None:
    settings.use(settings.Settings(data_dir=tmp_path, redis_url=redis.url))

    def passes(_: int) -> bool:
        try:
            throttle.hit(Limit(40, 1, "start"), "bob")
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(passes, range(48))) == 40


def test_without_redis_each_process_counts_for_itself(tmp_path: Path) -> None:
    """Redis that went away opens no gate and closes none."""
    settings.use(settings.Settings(data_dir=tmp_path, redis_url="redis://127.0.0.1:1/0"))
    throttle.hit(TWICE, "bob")
    throttle.hit(TWICE, "bob")
    with pytest.raises(TooMany):
        throttle.hit(TWICE, "bob")
