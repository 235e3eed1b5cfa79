"""Threads in the admin pages: opened and closed, ruled, pinned, renamed, moved, merged, and taken back."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import ModeratorAction, Site, Subscription, Thread
from tests.cast import ADA, ADAS_PASSWORD, ARTICLE, BLOG, BOB, GRACE
from tests.time import FrozenClock
from tests.visitors import Visitor, row

CATS = "about-cats"


@pytest.fixture
def thread(bob: Visitor) -> str:
    """The address of the phone's thread in the admin pages; Bob wrote in it."""
    return f"/admin/threads/{row(bob.comment(BOB)).thread_id}"


def rule(ada: Visitor, thread: str, **values: str) -> int:
    given = {"title": "The phone", "access": "open", "captcha": "", "moderation": "", "close_after_days": ""}
    status = ada.admin_post(thread, **given | values).status_code
    db.session.rollback()
    return status


def counts(reader: Visitor, *keys: str) -> dict[str, int]:
    answer = reader.client.get("/api/v1/counts", query_string=[("site", "blog"), *(("key", key) for key in keys)])
    return dict(json.loads(answer.text)["counts"])


class TestList:
    """The last active ones first."""

    def test_it_tells_how_lively_they_are(self, ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
        bob.comment(BOB, key="first")
        time.pass_(days=1)
        bob.comment(BOB, key="second")
        time.pass_(days=1)
        bob.comment(GRACE, key="first")
        ada.sign_in(ADA.email, ADAS_PASSWORD)
        page = ada.client.get("/admin/threads").text
        assert page.index(">first<") < page.index(">second<")
        assert 'data-label="Comments">2<' in page
        assert ">second<" not in ada.client.get("/admin/threads?q=fir").text

    def test_long_lists_have_pages(self, ada: Visitor, app: object) -> None:
        db.begin_write()
        site = Site.named("blog").id
        db.session.add_all(Thread(site_id=site, key=f"k{number:03}", url=f"{BLOG}/k{number}") for number in range(41))
        db.session.commit()
        page = ada.client.get("/admin/threads").text
        assert ">k040<" in page
        assert ">k000<" not in page
        after = page.partition("after=")[2].partition('"')[0]
        assert ">k000<" in ada.client.get(f"/admin/threads?after={after}").text
        assert ada.client.get("/admin/threads?after=nonsense").status_code == 200

    def test_a_moderator_sees_their_own(self, hedy: Visitor, thread: str) -> None:
        assert ARTICLE not in hedy.client.get("/admin/threads").text
        assert hedy.client.get(thread).status_code == 404
        assert hedy.admin_post(thread, access="closed", title="").status_code == 404


class TestRules:
    """A thread's own rules go before the blog's."""

    def test_closed_takes_nothing_new_but_lets_writers_change(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        form = bob.fill(body="one more")
        rule(ada, thread, access="closed")
        page = bob.client.get(f"/t/blog/{ARTICLE}").text
        assert "Comments on this article closed on November 23, 2026." in page
        assert "Edit or delete" in page
        assert bob.send(form).status_code == 403
        ada.undo_last()
        assert bob.send(form).status_code == 303

    def test_read_only_changes_no_more(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        rule(ada, thread, access="read-only")
        assert "Edit or delete" not in bob.client.get(f"/t/blog/{ARTICLE}").text

    def test_whose_comments_wait(self, ada: Visitor, visit: Callable[[], Visitor], thread: str) -> None:
        rule(ada, thread, moderation="all")
        assert row(visit().comment(GRACE)).state == "pending"
        assert row(visit().comment(GRACE, key="elsewhere")).state == "approved"
        assert "Send for approval" in visit().client.get(f"/t/blog/{ARTICLE}").text

    def test_who_is_asked(self, ada: Visitor, visit: Callable[[], Visitor], thread: str) -> None:
        rule(ada, thread, captcha="never")
        grace = visit()
        form = grace.fill(GRACE) | {"challenge_answer": ""}
        assert grace.send(form).status_code == 303
        stranger = visit()
        other = stranger.fill(GRACE, key="elsewhere") | {"challenge_answer": ""}
        assert stranger.send(other, key="elsewhere").status_code == 403

    def test_when_it_closes(
        self, ada: Visitor, bob: Visitor, thread: str, time: FrozenClock, rules: Callable[..., None]
    ) -> None:
        rules("blog", close_after_days=30)
        time.pass_(days=31)
        ada.sign_in(ADA.email, ADAS_PASSWORD)
        assert "closed on" in bob.client.get(f"/t/blog/{ARTICLE}").text
        rule(ada, thread, close_after_days="0")
        assert "are closed" not in bob.client.get(f"/t/blog/{ARTICLE}").text

    @pytest.mark.parametrize("wrong", [{"access": "ajar"}, {"moderation": "x"}, {"captcha": "x"}])
    def test_nonsense_changes_nothing(self, ada: Visitor, thread: str, wrong: dict[str, str]) -> None:
        assert rule(ada, thread, **wrong) == 400

    @pytest.mark.parametrize("days", ["soon", "-1", "99999999999"])
    def test_wrong_numbers_are_said_and_kept(self, ada: Visitor, thread: str, days: str) -> None:
        answer = ada.admin_post(thread, title="Kept", access="closed", close_after_days=days)
        assert answer.status_code == 422
        assert "Please enter a number from 0 to 36500." in answer.text
        assert f'value="{days}"' in answer.text
        assert 'value="Kept"' in answer.text

    def test_undoing_one_change_keeps_a_later_one(self, ada: Visitor, thread: str) -> None:
        rule(ada, thread, access="closed")
        rule(ada, thread, access="closed", title="A new title")
        rule(ada, thread, access="closed", title="A new title")
        actions = db.session.scalars(
            select(ModeratorAction.id).where(ModeratorAction.verb == "thread").order_by(ModeratorAction.id)
        ).all()
        assert len(actions) == 2, "the third changed nothing"
        ada.admin_post(f"/admin/actions/{actions[0]}/reversal")
        db.session.rollback()
        found = db.session.scalars(select(Thread)).one()
        assert (found.access, found.title, found.closed_at) == ("open", "A new title", None)

    def test_another_title(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        rule(ada, thread, title="The *old* phone <b>")
        page = bob.client.get(f"/t/blog/{ARTICLE}").text
        assert "The *old* phone &lt;b&gt;" in page


class TestPin:
    """What stands first."""

    def test_a_comment_stands_first_and_no_more(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        late = bob.comment(GRACE, body="Read *this* first.")
        ada.admin_post(f"/admin/comments/{late}/pin")
        page = bob.client.get(f"/embed/blog/{ARTICLE}").text
        assert page.index('class="pinned"') < page.index('<ol class="comments"')
        assert page.count("Read <strong>this</strong> first.") == 2
        ada.decide(late, "trash")
        assert "pinned" not in bob.client.get(f"/embed/blog/{ARTICLE}").text
        assert ada.admin_post(f"/admin/comments/{late}/pin").status_code == 303, "pinned no more"
        assert ada.admin_post(f"/admin/comments/{late}/pin").status_code == 409, "nobody sees it"


class TestAddresses:
    """Old addresses lead on."""

    def test_an_article_moves(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        assert bob.client.get(f"/embed/blog/{CATS}").status_code == 200  # nothing there so far, and kept as such
        ada.admin_post(f"{thread}/address", address=f"{BLOG}/{CATS}")
        assert "Bob" in bob.client.get(f"/embed/blog/{CATS}").text
        assert "Bob" in bob.client.get(f"/embed/blog/{ARTICLE}").text
        answer = bob.client.get(f"/t/blog/{ARTICLE}?lang=de")
        assert answer.headers["Location"].endswith(f"/t/blog/{CATS}?lang=de")
        assert counts(bob, ARTICLE, CATS, "none") == {ARTICLE: 1, CATS: 1, "none": 0}
        ada.undo_last()
        assert "Bob" not in bob.client.get(f"/embed/blog/{CATS}").text
        assert bob.client.get(f"/t/blog/{ARTICLE}").status_code == 200

    @pytest.mark.parametrize(
        ("typed", "key"),
        [("blog.example/np", "np"), ("//blog.example/np", "np"), ("c#/moved", "c%23/moved"), ("/np", "np")],
    )
    def test_an_address_may_be_typed_without_its_scheme(
        self, ada: Visitor, bob: Visitor, thread: str, typed: str, key: str
    ) -> None:
        ada.admin_post(f"{thread}/address", address=typed)
        moved = db.session.scalars(select(Thread)).one()
        assert (moved.key, moved.url) == (key, f"{BLOG}/{key}")

    def test_one_on_another_host_is_refused(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        assert "not on this blog" in ada.admin_post(f"{thread}/address", address="//cats.example/np").text

    def test_a_sign_in_a_key_is_no_fragment_anywhere(self, bob: Visitor) -> None:
        bob.comment(key="c%23/2020/intro")
        assert counts(bob, "c#/2020/intro", "c%23/2020/intro") == {"c#/2020/intro": 1, "c%23/2020/intro": 1}

    def test_what_is_written_at_an_old_address_stands_at_the_new_one(
        self, ada: Visitor, bob: Visitor, thread: str
    ) -> None:
        form = bob.fill(body="on its way while the article moved")
        ada.admin_post(f"{thread}/address", address=f"{BLOG}/{CATS}")
        answer = bob.send(form)
        assert answer.status_code == 303
        assert f"/t/blog/{CATS}" in answer.headers["Location"]
        assert db.session.scalars(select(Thread.key)).all() == [CATS]

    def test_another_address_beside_and_away_again(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        ada.admin_post(f"{thread}/aliases", address="/print/phone")
        assert "Bob" in bob.client.get("/embed/blog/print/phone").text
        page = ada.client.get(thread).text
        assert "print/phone" in page
        path = page.partition(f'action="{thread}/aliases/')[2].partition('"')[0]
        ada.admin_post(f"{thread}/aliases/{path}")
        assert "Bob" not in bob.client.get("/embed/blog/print/phone").text
        ada.undo_last()
        assert "Bob" in bob.client.get("/embed/blog/print/phone").text

    def test_who_follows_both_addresses_is_no_obstacle(
        self, ada: Visitor, visit: Callable[[], Visitor], thread: str
    ) -> None:
        for key in (ARTICLE, CATS, "print"):
            visit().client.post(f"/follow/blog/{key}", data={"email": "f@mail.example", "leave_empty": ""})
        visit().client.post("/follow/blog/print", data={"email": "g@mail.example", "leave_empty": ""})
        assert ada.admin_post(f"{thread}/address", address=f"{BLOG}/{CATS}").status_code == 303
        assert ada.admin_post(f"{thread}/aliases", address="/print").status_code == 303
        here = select(Subscription.key).where(Subscription.recipient.has(email="g@mail.example"))
        assert db.session.scalars(here).all() == [CATS], "whoever followed the other address hears of this thread"
        ada.undo_last()
        ada.undo_last()
        assert sorted(db.session.scalars(select(Subscription.key))) == sorted([ARTICLE, CATS, "print", "print"])

    @pytest.mark.parametrize("address", ["https://evil.example/x", "", f"{BLOG}/{CATS}"])
    def test_what_cannot_be_is_said(self, ada: Visitor, bob: Visitor, thread: str, address: str) -> None:
        bob.comment(GRACE, key=CATS)
        for resource in ("address", "aliases"):
            answer = ada.admin_post(f"{thread}/{resource}", address=address)
            assert answer.status_code == 422
            assert 'class="wrong"' in answer.text
            assert f'value="{address}"' in answer.text


@pytest.mark.parametrize(
    ("refused", "typed"), [("merger", {"address": "nowhere"}), ("address", {"address": "https://other.example/"})]
)
def test_after_a_refusal_the_other_forms_of_the_page_still_work(
    ada: Visitor, thread: str, refused: str, typed: dict[str, str]
) -> None:
    page = ada.admin_post(f"{thread}/{refused}", form_at=thread, **typed)
    assert page.status_code == 422
    assert f'<form method="post" action="{thread}">' in page.text


class TestMerging:
    """Two threads become one, and two again."""

    def test_everything_goes_over_and_comes_back(
        self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor], thread: str
    ) -> None:
        cats = bob.comment(GRACE, key=CATS, notify="on", email="grace@mail.example")
        follower = visit()
        follower.client.post(f"/follow/blog/{CATS}", data={"email": "f@mail.example", "leave_empty": ""})
        there = f"/admin/threads/{row(cats).thread_id}"
        ada.admin_post(f"{there}/merger", address=f"{BLOG}/{ARTICLE}")
        page = bob.client.get(f"/embed/blog/{CATS}").text
        assert "Bob" in page
        assert "Grace" in page
        assert "2 comments" in page
        assert row(cats).thread.key == ARTICLE
        assert set(db.session.scalars(select(Subscription.key))) == {ARTICLE}
        ada.undo_last()
        assert row(cats).thread.key == CATS
        assert counts(bob, ARTICLE, CATS) == {ARTICLE: 1, CATS: 1}
        assert "Bob" not in bob.client.get(f"/embed/blog/{CATS}").text
        assert set(db.session.scalars(select(Subscription.key))) == {CATS}

    def test_what_came_since_stays_where_it_came(
        self, ada: Visitor, bob: Visitor, thread: str, rules: Callable[..., None]
    ) -> None:
        cats = bob.comment(GRACE, key=CATS)
        ada.admin_post(f"/admin/threads/{row(cats).thread_id}/merger", address=f"/{ARTICLE}")
        rules("blog", captcha="never")
        said = {"author": "Bob", "body": "came later"}
        late = bob.client.post(f"/api/v1/threads/blog/{CATS}/comments", json=said).json["id"]
        ada.undo_last()
        assert row(late).thread.key == ARTICLE
        assert row(cats).thread.key == CATS

    def test_what_answered_since_goes_along_and_older_actions_can_be_undone(
        self, ada: Visitor, bob: Visitor, thread: str
    ) -> None:
        cats = bob.comment(GRACE, key=CATS)
        there = f"/admin/threads/{row(cats).thread_id}"
        ada.admin_post(f"/admin/comments/{cats}/pin")
        ada.admin_post(f"{there}/merger", address=f"{BLOG}/{ARTICLE}")
        late = bob.comment(BOB, body="answers since", parent_id=str(cats))
        ada.undo_last()
        assert row(late).thread.key == CATS
        assert row(cats).thread.pinned_id == cats
        ada.undo_last()
        assert row(cats).thread.pinned_id is None

    def test_what_was_mixed_meanwhile_is_parted_too(self, ada: Visitor, bob: Visitor, thread: str) -> None:
        phone = bob.comment(BOB, body="of the phone")
        cats = bob.comment(GRACE, key=CATS)
        deep = bob.comment(GRACE, key=CATS, body="deep", parent_id=str(cats))
        ada.admin_post(f"/admin/threads/{row(cats).thread_id}/merger", address=f"{BLOG}/{ARTICLE}")
        merger = db.session.scalars(select(ModeratorAction.id).where(ModeratorAction.verb == "merge")).one()
        ada.admin_post(f"/admin/comments/{cats}/place", parent=str(phone), address="")
        ada.admin_post(f"/admin/actions/{merger}/reversal")
        assert [(row(one).thread.key, row(one).parent_id) for one in (cats, deep)] == [(CATS, None), (CATS, cats)]
        assert row(deep).root_id == cats
        page = bob.client.get(f"/embed/blog/{CATS}?view=threaded").text
        assert "deep" in page

    @pytest.mark.parametrize("address", [f"{BLOG}/{ARTICLE}", f"{BLOG}/nowhere", "https://other.example/x"])
    def test_with_itself_or_nothing_it_cannot_be(self, ada: Visitor, thread: str, address: str) -> None:
        assert ada.admin_post(f"{thread}/merger", address=address).status_code == 422
