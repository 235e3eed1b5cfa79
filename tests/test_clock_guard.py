"""A clock that is ahead makes everything old; nothing is deleted for that before somebody could notice."""

import time as processor_time

import pytest
from flask import Flask

from commentsvc.jobs import schedule
from commentsvc.jobs.clock_guard import ClockGuard
from commentsvc.jobs.schedule import JOBS
from tests.time import FrozenClock
from tests.visitors import Visitor

FORGETTING = next(job for job in JOBS if job.name == "apply retention")


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how many hours the process has run."""
    passed = [0.0]
    monkeypatch.setattr(processor_time, "monotonic", lambda: passed[0] * 3600)
    return passed


def test_a_clock_that_is_ahead_is_believed_after_a_day(bob: Visitor, time: FrozenClock, hours: list[float]) -> None:
    bob.comment()
    guard = ClockGuard()
    assert not guard.pauses_deletion()
    time.pass_(days=365)
    assert guard.pauses_deletion()
    bob.comment(body="something that happens meanwhile, with the wrong date")
    assert guard.pauses_deletion()
    hours[0] = 25
    assert not guard.pauses_deletion()


def test_after_a_quiet_week_too(bob: Visitor, time: FrozenClock, hours: list[float]) -> None:
    """Nothing tells a clock that is ahead from a blog in which nobody wrote; a day more does no harm."""
    bob.comment()
    guard = ClockGuard()
    time.pass_(days=8)
    assert guard.pauses_deletion()
    hours[0] = 25
    assert not guard.pauses_deletion()


def test_an_empty_database_has_nothing_to_lose(app: Flask, time: FrozenClock) -> None:
    assert not ClockGuard().pauses_deletion()


def test_the_job_that_forgets_asks(ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
    comment = bob.comment()
    ada.decide(comment, "spam")
    time.pass_(days=365)
    assert FORGETTING.trusts_clock
    assert schedule._look_and_do(FORGETTING, ClockGuard()) == 0
    assert FORGETTING.do() > 0
