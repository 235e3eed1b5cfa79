"""An outside checker that speaks Akismet's protocol, over real HTTP: it may move what waits, and nothing else."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc import settings as all_settings
from commentsvc.db import db
from commentsvc.models import SecondOpinion
from commentsvc.models.comment import State
from tests.cast import BLOG, BOB, MALLORY
from tests.jobs import run_job
from tests.servers import Web, web
from tests.time import FrozenClock
from tests.visitors import Visitor, row

CHECK = "/1.1/comment-check"
Rules = Callable[..., None]


@pytest.fixture
def checker(app: Flask, rules: Rules) -> Iterator[Web]:
    """The checker, and a site that holds everything and asks it."""
    with web() as site:
        before = all_settings.current()
        all_settings.use(before.model_copy(update={"fetch_allow": frozenset({site.address})}))
        rules("blog", moderation="all", akismet_key="123abc", akismet_url=site.url + CHECK)
        yield site
        all_settings.use(before)


def opinion() -> SecondOpinion:
    db.session.rollback()
    return db.session.scalars(select(SecondOpinion)).one()


def test_what_it_calls_spam_is_moved_and_says_so(bob: Visitor, checker: Web, ada: Visitor) -> None:
    checker.page(CHECK, "true")
    comment = bob.comment(MALLORY, email=MALLORY.email)
    assert run_job("ask for second opinions") == 1
    assert row(comment).state == State.SPAM
    assert "an external service considers it spam" in row(comment).reasons
    assert row(comment).learned_as is None
    assert "an external service considers it spam" in ada.client.get("/admin/log?of=decisions").text
    assert run_job("ask for second opinions") == 0


def test_what_it_is_told(bob: Visitor, checker: Web) -> None:
    checker.page(CHECK, "false")
    bob.comment(BOB, email=BOB.email, website="https://bob.example")
    run_job("ask for second opinions")
    sent = checker.posted[0]
    assert sent["api_key"] == "123abc"
    assert sent["blog"] == BLOG
    assert sent["comment_type"] == "comment"
    assert (sent["comment_author"], sent["comment_author_email"]) == (BOB.name, BOB.email)
    assert sent["comment_content"] == BOB.says
    assert sent["permalink"].startswith(BLOG)
    assert sent["user_ip"] == "0.0.0.0"


def test_what_it_likes_goes_on_waiting(bob: Visitor, checker: Web) -> None:
    checker.page(CHECK, "false")
    comment = bob.comment()
    run_job("ask for second opinions")
    assert row(comment).state == State.PENDING
    assert opinion().state == "ham"


def test_what_a_moderator_decided_meanwhile_stays(bob: Visitor, checker: Web, ada: Visitor) -> None:
    checker.page(CHECK, "true")
    comment = bob.comment()
    ada.decide(comment, "approval")
    run_job("ask for second opinions")
    assert row(comment).state == State.APPROVED
    assert opinion().state == "moot"


def test_what_is_published_at_once_is_never_asked_about(bob: Visitor, checker: Web, rules: Rules) -> None:
    rules("blog", moderation="none")
    bob.comment()
    assert run_job("ask for second opinions") == 0
    assert checker.posted == []


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [("invalid", 200, "invalid"), ("true", 500, "status 500"), ("", 302, "status 302"), ("<html>", 200, "html")],
)
def test_no_answer_leaves_it_waiting_and_is_asked_again(
    bob: Visitor, checker: Web, time: FrozenClock, body: str, status: int, says: str
) -> None:
    checker.page(CHECK, body, status=status, Location="/elsewhere")
    comment = bob.comment()
    for _ in range(6):
        assert run_job("ask for second opinions") == 1
        assert run_job("ask for second opinions") == 0
        assert row(comment).state == State.PENDING
        assert says in opinion().answer
        time.pass_(days=2)
    assert opinion().state == "failed"
    assert {path for path, _ in checker.asked} == {CHECK}


def test_it_may_not_be_a_private_address(bob: Visitor, checker: Web, rules: Rules) -> None:
    rules("blog", akismet_url="http://127.0.0.1/check")
    bob.comment()
    run_job("ask for second opinions")
    assert "private address" in opinion().answer
