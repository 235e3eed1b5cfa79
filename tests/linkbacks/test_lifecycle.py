"""A linkback after it was verified: its source is looked at again, changes, goes away, comes back."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.linkbacks import verifying
from commentsvc.linkbacks.source_page import NoLink
from commentsvc.models import Comment, Decision, Ping
from commentsvc.safe_http import FetchRefused
from tests.cast import ARTICLE, ARTICLE_URL
from tests.jobs import run_job
from tests.servers import Web
from tests.time import FrozenClock
from tests.visitors import Visitor

pytestmark = pytest.mark.usefixtures("allowed")
Shown = Callable[[], list[Comment]]


@pytest.fixture
def verified(client: FlaskClient, neighbour: Web, linking: Callable[[], str]) -> str:
    """A trackback that is shown; its source."""
    source = neighbour.page("/post", linking())
    client.post(f"/trackback/blog/{ARTICLE}", data={"url": source})
    run_job("verify pings")
    return source


def look_again(time: FrozenClock, **later: float) -> int:
    time.pass_(**later)
    return run_job("verify pings")


class TestGone:
    """What is gone twice, a day apart, is withdrawn."""

    @pytest.mark.parametrize(("html", "status"), [("gone", 404), ("gone", 410), ("<p>no link</p>", 200)])
    def test_gone_twice_is_gone(
        self, verified: str, neighbour: Web, time: FrozenClock, shown: Shown, html: str, status: int
    ) -> None:
        neighbour.page("/post", html, status=status)
        assert look_again(time, days=1) == 1
        assert shown()[0].state == "approved", "once is an accident"
        assert look_again(time, hours=23) == 0
        assert shown()[0].state == "approved"
        assert look_again(time, hours=1) == 1
        assert shown()[0].state == "trashed"

    def test_the_log_says_why(self, verified: str, neighbour: Web, time: FrozenClock, shown: Shown) -> None:
        neighbour.page("/post", "gone", status=404)
        for _ in range(2):
            look_again(time, days=1)
        decisions = db.session.scalars(select(Decision).order_by(Decision.id)).all()
        assert [(one.before, one.after, one.reasons) for one in decisions][-1] == (
            "approved",
            "trashed",
            [verifying.REASON_GONE],
        )

    def test_one_outage_is_not(
        self, verified: str, neighbour: Web, time: FrozenClock, shown: Shown, linking: Callable[[], str]
    ) -> None:
        neighbour.page("/post", "gone", status=404)
        look_again(time, days=1)
        neighbour.page("/post", linking())
        look_again(time, days=1)
        neighbour.page("/post", "gone", status=404)
        look_again(time, days=7)
        assert shown()[0].state == "approved", "it was there in between"

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_a_server_in_trouble_says_nothing(
        self, verified: str, neighbour: Web, time: FrozenClock, shown: Shown, status: int
    ) -> None:
        neighbour.page("/post", "trouble", status=status)
        for _ in range(12):
            look_again(time, days=1)
        assert shown()[0].state == "approved"

    def test_nobody_listens_for_a_week(self, verified: str, neighbour: Web, time: FrozenClock, shown: Shown) -> None:
        neighbour.pages["/post"] = lambda handler: handler.connection.close()
        for _ in range(12):
            look_again(time, days=1)
        assert shown()[0].state == "approved"

    def test_a_gone_page_that_pings_again_is_shown_again(
        self,
        verified: str,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        shown: Shown,
        linking: Callable[[], str],
    ) -> None:
        neighbour.page("/post", "gone", status=404)
        for _ in range(2):
            look_again(time, days=1)
        neighbour.page("/post", linking())
        assert b"<error>0</error>" in client.post(f"/trackback/blog/{ARTICLE}", data={"url": verified}).data
        look_again(time, minutes=10)
        assert [one.state for one in shown()] == ["approved"]
        assert "Why &amp; how" in client.get(f"/t/blog/{ARTICLE}").text


class TestRecheckSchedule:
    """How often."""

    def test_often_at_first_and_seldom_later(self, verified: str, neighbour: Web, time: FrozenClock) -> None:
        neighbour.asked.clear()
        for _ in range(100):
            look_again(time, days=1)
        assert len(neighbour.asked) == 5  # after 1, 8, 38, 68 and 98 days

    def test_what_waited_for_long_is_looked_at_when_it_is_approved(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        linking: Callable[[], str],
        rules: Callable[..., None],
        ada: Visitor,
        shown: Shown,
    ) -> None:
        rules("blog", trackbacks="hold")
        client.post(f"/trackback/blog/{ARTICLE}", data={"url": neighbour.page("/post", linking())})
        run_job("verify pings")
        time.pass_(hours=2)
        assert run_job("verify pings") == 0
        ada.decide(shown()[0].id, "approval")
        assert run_job("verify pings") == 1

    def test_what_did_not_change_is_not_touched(self, verified: str, time: FrozenClock, shown: Shown) -> None:
        look_again(time, days=1)
        assert shown()[0].edited_at is None
        assert len(db.session.scalars(select(Decision)).all()) == 1

    def test_what_changed_is_shown_as_it_is_now(
        self, verified: str, client: FlaskClient, neighbour: Web, time: FrozenClock
    ) -> None:
        neighbour.page("/post", f'<title>New</title><p>other words <a href="{ARTICLE_URL}">x</a></p>')
        look_again(time, days=1)
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert "other words" in page
        assert "liked it" not in page


class TestBudgets:
    """One page is asked for by one worker, one host at a time, and not too often."""

    def test_one_host_at_a_time(self, client: FlaskClient, neighbour: Web, linking: Callable[[], str]) -> None:
        for number in range(2):
            client.post(f"/trackback/blog/{ARTICLE}", data={"url": neighbour.page(f"/{number}", linking())})
        client.post(f"/trackback/blog/{ARTICLE}", data={"url": "https://elsewhere.example/"})
        claims = []
        for _ in range(3):
            db.begin_write()
            claims.append(verifying.claim())
            db.session.commit()
        assert [bool(claim) for claim in claims] == [True, True, False]
        assert {claim.source.partition("//")[2].partition("/")[0] for claim in claims if claim} == {
            neighbour.address,
            "elsewhere.example",
        }

    def test_a_host_over_its_limit_is_postponed(
        self, client: FlaskClient, neighbour: Web, linking: Callable[[], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verifying, "MAX_OF_HOST", 2)
        for number in range(3):
            client.post(f"/trackback/blog/{ARTICLE}", data={"url": neighbour.page(f"/{number}", linking())})
        assert [run_job("verify pings") for _ in range(3)] == [1, 1, 0]
        assert len(neighbour.asked) == 2

    def test_an_article_takes_so_many_in_an_hour(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        from commentsvc.linkbacks import receiving

        monkeypatch.setattr(receiving, "MAX_FOR_ARTICLE", 3)
        monkeypatch.setattr(receiving, "SHARE_OF_SENDER", 1)
        answers = [
            client.post("/webmention", data={"source": f"https://{n}.example/", "target": ARTICLE_URL}).status_code
            for n in range(4)
        ]
        assert answers == [201, 201, 201, 429]

    def test_rows_of_a_removed_site_are_no_trouble(self, verified: str, time: FrozenClock, site: object) -> None:
        db.begin_write()
        claimed = None
        time.pass_(days=1)
        claimed = verifying.claim()
        db.session.commit()
        assert claimed
        db.begin_write()
        db.session.delete(db.session.scalars(select(Ping)).one())
        db.session.commit()
        db.begin_write()
        verifying.give_up(claimed, NoLink("x"))
        verifying.retry(claimed, "x")
        verifying.give_up(claimed, FetchRefused("x"))
        db.session.commit()
