"""Read-only mode: readers are served, nobody's text is lost, and jobs rest."""

import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from commentsvc import read_only
from commentsvc.cli import checks
from commentsvc.db import db
from commentsvc.jobs import schedule
from commentsvc.linkbacks.page_check import OptionalMissing
from commentsvc.models import Comment, Email
from tests.cast import ADA, ARTICLE, BOB, GRACE
from tests.visitors import Visitor

WHY = "We are moving to a new server."


@pytest.fixture
def switch(app: Flask) -> Iterator[Callable[[str], None]]:
    """Begin the mode for a reason; end it with none."""

    def to(why: str) -> None:
        with read_only.ignored():
            db.begin_write()
            read_only.set_reason(why)
            db.session.commit()

    yield to
    to("")


def comments() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Comment.id))) or 0


def test_reading_goes_on_and_writing_says_why(bob: Visitor, switch: Callable[[str], None]) -> None:
    bob.comment(BOB)
    form = bob.fill(GRACE)
    switch(WHY)
    assert BOB.says in bob.client.get(f"/t/blog/{ARTICLE}").text
    assert bob.client.get(f"/embed/blog/{ARTICLE}").status_code == 200
    refused = bob.send(form)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "60"
    assert WHY in refused.text
    assert GRACE.says in refused.text, "what was typed is still there"
    assert comments() == 1
    switch("")
    assert bob.send(bob.fill(GRACE)).status_code == 303
    assert comments() == 2


def test_programs_are_told_in_their_way(bob: Visitor, switch: Callable[[str], None]) -> None:
    switch(WHY)
    body = json.dumps({"author": "Bob", "body": "x"})
    answer = bob.client.post(f"/api/v1/threads/blog/{ARTICLE}/comments", data=body, content_type="application/json")
    assert answer.status_code == 503
    assert answer.get_json()["type"] == "urn:commentsvc:refusal:read-only"


def test_owners_look_and_cannot_decide(ada: Visitor, bob: Visitor, switch: Callable[[str], None]) -> None:
    comment = bob.comment(BOB)
    assert ada.client.get("/admin/queue").status_code == 200
    switch(WHY)
    ada.time.pass_(minutes=30)
    assert ada.client.get("/admin/queue?state=any").status_code == 200
    assert ada.admin_post(f"/admin/comments/{comment}/spam").status_code == 503


def test_jobs_rest(app: Flask, bob: Visitor, switch: Callable[[str], None], caplog: pytest.LogCaptureFixture) -> None:
    bob.comment(BOB, email=ADA.email, notify="replies")
    switch(WHY)
    for job in schedule.JOBS:
        assert schedule._log_failures(job.do) == 0
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
    db.session.rollback()
    assert db.session.scalar(select(func.count(Email.id)).where(Email.state == "sent")) == 0


def test_doctor_says_so(switch: Callable[[str], None]) -> None:
    check = dict(checks.CHECKS)["Writing"]
    assert check() == "allowed"
    switch(WHY)
    with pytest.raises(OptionalMissing, match="read-only off"):
        check()
