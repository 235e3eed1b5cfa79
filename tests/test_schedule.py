"""When the worker looks for work, and that it takes no lock in vain."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from commentsvc.db import db
from commentsvc.jobs import schedule, upkeep
from commentsvc.jobs.runner import Work
from commentsvc.linkbacks import announcing, page_check_queue, watching
from commentsvc.models import Announcement, Channel, Delivery, PageCheck, Ping, SecondOpinion, WatchedFeed
from commentsvc.models.channel import ChannelKind
from commentsvc.models.leased import Leased, new_work
from commentsvc.moderation import second_opinion
from commentsvc.notifications import channels
from tests.cast import ARTICLE, ARTICLE_URL
from tests.time import FrozenClock
from tests.visitors import Visitor, row

SOURCE = "https://exchange.example/rotary"


def mention(client: FlaskClient) -> None:
    assert client.post("/webmention", data={"source": SOURCE, "target": ARTICLE_URL}).status_code == 201


@pytest.fixture
def begun(app: Flask) -> Iterator[list[str]]:
    """How transactions begin."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("BEGIN"):
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which jobs were woken."""
    woken: list[str] = []
    monkeypatch.setattr(schedule.Job, "wake_threads", lambda job: woken.append(job.name))
    return woken


class TestWaking:
    """A commit that makes work is heard of at once; what another process wrote, at the next look."""

    def test_a_ping_is_looked_at_at_once(self, client: FlaskClient, rung: list[str]) -> None:
        new_work.clear()
        mention(client)
        assert new_work.is_set()
        schedule._wake_due_jobs()
        assert rung == ["verify pings"]

    def test_what_is_leased_wakes_nobody_until_its_lease_is_over(
        self, client: FlaskClient, rung: list[str], time: FrozenClock
    ) -> None:
        mention(client)
        db.begin_write()
        Ping.claim(1, schedule.MAX_PAUSE)
        db.session.commit()
        schedule._wake_due_jobs()
        assert rung == []
        time.pass_(seconds=11)
        schedule._wake_due_jobs()
        assert rung == ["verify pings"]

    def test_what_gathers_for_a_moment_is_found_when_it_is_due(
        self, bob: Visitor, ada: Visitor, rules: Callable[..., None], rung: list[str], time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        bob.comment()
        schedule._wake_due_jobs()
        assert rung == []
        time.pass_(seconds=6)
        schedule._wake_due_jobs()
        assert rung == ["send emails"]

    def test_reading_wakes_nobody_nor_does_what_was_rolled_back(self, client: FlaskClient, site: object) -> None:
        new_work.clear()
        client.get(f"/t/blog/{ARTICLE}")
        db.begin_write()
        db.session.add(
            Ping(site=site, protocol="webmention", source=SOURCE, source_host="exchange.example", target="x")
        )
        db.session.rollback()
        db.begin_write()
        db.session.commit()
        assert not new_work.is_set()

    def test_a_loop_that_waits_is_woken(self, app: Flask, client: FlaskClient) -> None:
        done, stop = threading.Event(), threading.Event()
        job = schedule.Job("verify pings", lambda: done.set() or 0, Ping)  # type: ignore[func-returns-value]

        def work() -> None:
            with app.app_context():
                schedule.loop(job, stop)

        loop = threading.Thread(target=work)
        loop.start()
        try:
            assert not done.wait(0.2), "there is nothing to do yet"
            mention(client)
            job.wake_threads()
            assert done.wait(20)
        finally:
            stop.set()
            job.wake_threads()
            loop.join(20)


def test_where_there_is_nothing_to_do_nobody_waits_for_the_lock(
    app: Flask, begun: list[str], database_name: str
) -> None:
    for job in schedule.JOBS:
        if job.do is not upkeep.delete_expired:
            assert schedule._log_failures(lambda one=job: schedule._look_and_do(one)) == 0  # type: ignore[misc]
    schedule._wake_due_jobs()
    assert "BEGIN IMMEDIATE" not in begun
    assert begun or database_name == "postgresql"


def leased_row(kind: str, site_id: int, comment_id: int) -> Leased:
    url = "https://exchange.example/rotary"
    if kind == "delivery":
        channel = Channel(kind=ChannelKind.WEBHOOK, url=url, secret="c2VjcmV0")
        db.session.add(channel)
        db.session.flush()
        return Delivery(channel_id=channel.id, message_id="msg_1", event="comment.held", payload={"data": {}})
    rows = {
        "announcement": lambda: Announcement(site_id=site_id, url=url, url_hash="x"),
        "feed": lambda: WatchedFeed(site_id=site_id, url=url),
        "page check": lambda: PageCheck(site_id=site_id, url=url),
        "second opinion": lambda: SecondOpinion(comment_id=comment_id),
    }
    return rows[kind]()


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        ("announcement", announcing),
        ("feed", watching),
        ("page check", page_check_queue),
        ("second opinion", second_opinion),
        ("delivery", channels),
    ],
)
def test_a_job_that_ends_its_process_each_time_is_given_up(
    bob: Visitor, time: FrozenClock, kind: str, work: Work[object, object]
) -> None:
    comment = row(bob.comment())
    db.begin_write()
    job = leased_row(kind, comment.site_id, comment.id)
    db.session.add(job)
    db.session.commit()
    claims = []
    for _ in range(20):
        db.begin_write()
        claims.append(work.claim())
        db.session.commit()
        time.pass_(minutes=6)
    assert any(claims)
    assert None in claims, "it is left alone for a while"
    assert kind == "feed" or claims[-1] is None
