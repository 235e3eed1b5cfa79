"""The numbers: counted when things happen, drawn for eyes, told in a table."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from commentsvc.db import db
from commentsvc.models import Site
from commentsvc.models.daily_count import DailyCount
from commentsvc.web import charts
from tests.cast import BOB
from tests.post import work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor


def tallies(site: str = "blog") -> dict[str, int]:
    db.session.rollback()
    number = Site.named(site).id
    total: Counter[str] = Counter()
    for one in db.session.query(DailyCount).where(DailyCount.site_id.in_((number, 0))):
        total[one.event] += one.count  # there may be several days
    return total


def waited() -> timedelta:
    """How long all that was approved had waited."""
    return timedelta(seconds=sum(one.seconds for one in db.session.query(DailyCount)))


def test_what_happens_is_counted(
    ada: Visitor, bob: Visitor, rules: Callable[..., None], time: FrozenClock, post_office: MailServer
) -> None:
    assert bob.send(bob.fill() | {"challenge_answer": "wrong"}).status_code == 403
    bob.comment(BOB, body="shown at once", email=BOB.email, notify="on")  # an email asks whether he means it
    rules("blog", moderation="all")
    held = bob.comment(BOB, body="waits")
    time.pass_(hours=3)
    ada.decide(held, "approval")
    rules("blog", disallowed_words="casino")
    bob.comment(BOB, body="casino")
    work(time)
    found = tallies()
    assert {name: found[name] for name in ("posted", "held", "spam", "approved", "failed")} == {
        "posted": 3,
        "held": 1,
        "spam": 1,
        "approved": 1,
        "failed": 1,
    }
    assert found["solved"] >= 1
    assert found["email-sent"] == 1
    page = ada.client.get("/admin/stats").text
    assert "3 · held: 1 · pending now: 0" in page
    assert "approved manually: 1" in page
    assert "<td>3</td>" in page
    assert page.count("<svg") == 5


def test_an_approval_that_was_undone_was_none(
    ada: Visitor, bob: Visitor, rules: Callable[..., None], time: FrozenClock
) -> None:
    rules("blog", moderation="all")
    held = bob.comment(BOB, body="waits")
    time.pass_(hours=3)
    ada.decide(held, "approval")
    time.pass_(hours=11)  # less than a session
    ada.undo_last()
    assert (tallies()["approved"], waited()) == (0, timedelta())
    ada.decide(held, "approval")
    assert (tallies()["approved"], waited()) == (1, timedelta(hours=14))


def test_each_sees_their_own(ada: Visitor, hedy: Visitor, bob: Visitor) -> None:
    bob.comment(BOB)
    assert "1 · held: 0" in ada.client.get("/admin/stats").text
    assert "0 · held: 0" in hedy.client.get("/admin/stats").text
    foreign = Site.named("blog").id
    assert "0 · held: 0" in hedy.client.get(f"/admin/stats?site={foreign}").text


def test_a_year_is_told_by_week(ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
    bob.comment(BOB)
    for weeks, told in ((51, 1), (52, 0)):
        db.begin_write()
        db.session.execute(update(DailyCount).values(day=time().date() - timedelta(weeks=weeks)))
        db.session.commit()
        page = ada.client.get("/admin/stats?days=364").text
        assert page.count('<th scope="row">') == 52 * 5
        assert f"{told} · held: 0" in page
        assert 'aria-current="page">1 year</a>' in page


def test_what_a_wrong_clock_counted_for_tomorrow_is_left_out(ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
    bob.comment(BOB)
    db.begin_write()
    db.session.execute(update(DailyCount).values(day=time().date() + timedelta(days=1)))
    db.session.commit()
    assert "0 · held: 0" in ada.client.get("/admin/stats").text


@pytest.mark.every_value
@pytest.mark.parametrize("query", ["days=0", "days=x", "days=999999", "site=99999"])
def test_nonsense_shows_a_month(ada: Visitor, query: str) -> None:
    page = ada.client.get(f"/admin/stats?{query}")
    assert page.status_code == 200
    assert page.text.count('<th scope="row">') == 30 * 5


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=60))
def test_drawings_stay_in_their_frame(values: list[float | None]) -> None:
    days = [date(2026, 1, 1) + timedelta(days=at) for at in range(len(values))]
    for drawn in (
        charts.bars(days, [charts.Line("a", values), charts.Line("b", values)], is_stacked=True),
        charts.points(days, charts.Line("a", values)),
    ):
        for y in re.findall(r'\b(?:y|cy)="([-\d.]+)"', str(drawn)):
            assert 0 <= float(y) <= charts.HEIGHT
