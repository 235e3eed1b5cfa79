"""What is stored: said in public, shown, handed out and erased, by the owner or by whose it is."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from commentsvc.db import Base, db
from commentsvc.models import Comment, Email, Moderator, Note, Recipient, Revision, Subscription
from commentsvc.models.channel import ChannelKind
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.moderation import actions, search
from commentsvc.moderation.search import CommentFilter
from commentsvc.notifications import channels
from commentsvc.privacy import personal_data, retention
from tests.cast import ARTICLE, BOB, GRACE
from tests.jobs import run_job
from tests.post import link_in, only, work
from tests.postgres import Deadlock
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, row

Rules = Callable[..., None]


@pytest.fixture
def stored(bob: Visitor, visit: Callable[[], Visitor], post_office: MailServer) -> list[int]:
    """Bob's comment, which Grace answered, and another one of his; he asked for emails."""
    first = bob.comment(BOB, email="Bob.Canary@mail.example", notify="on")
    visit().comment(GRACE, parent_id=str(first), email=GRACE.email)
    work()
    bob.client.post(link_in(only(post_office.messages), "confirm"))
    post_office.messages.clear()
    return [first, bob.comment(BOB, body="nobody answers this", email=BOB.email)]


def is_nowhere(text: str) -> bool:
    """Whether a text stands in no row of any table."""
    found = [
        table.name
        for table in Base.metadata.sorted_tables
        for line in db.session.execute(select(table)).all()
        if text.lower() in str(line).lower()
    ]
    return found == []


class TestPage:
    """What everybody may read."""

    def test_it_says_what_the_rules_say(self, bob: Visitor, rules: Rules) -> None:
        rules("blog", keep_addresses_days=7, keep_spam_days=0, akismet_key="secret-key")
        page = bob.client.get("/privacy").text
        assert "for 7 days" in page
        assert "until someone deletes it" in page
        assert "Checked by an external service" in page
        assert "secret-key" not in page
        assert 'lang="de"' in bob.client.get("/privacy?lang=de").text

    def test_it_is_linked_where_one_writes(self, bob: Visitor) -> None:
        assert 'href="/privacy"' in bob.client.get(f"/t/blog/{ARTICLE}").text


class TestAsking:
    """An email shows the way, and nobody learns who is known."""

    def test_the_whole_way(self, stored: list[int], visit: Callable[[], Visitor], post_office: MailServer) -> None:
        stranger = visit()
        known = stranger.client.post("/privacy", data={"email": BOB.email})
        unknown = stranger.client.post("/privacy", data={"email": "nobody@mail.example"})
        assert known.text == unknown.text
        assert "we have emailed a link" in known.text
        work()
        message = only(post_office.messages)
        link = link_in(message, "privacy")
        page = visit().client.get(link)
        assert page.headers["Cache-Control"] == "no-store"
        assert "nobody answers this" in page.text
        assert stored == [one["id"] for one in json.loads(visit().client.get(f"{link}/export").text)["comments"]]
        assert visit().client.post(f"{link}/erasure").status_code == 303
        assert is_nowhere("bob.canary")
        assert is_nowhere("nobody answers this")
        assert is_nowhere("still has a")

    def test_looking_changes_nothing(self, stored: list[int], bob: Visitor, post_office: MailServer) -> None:
        bob.client.post("/privacy", data={"email": BOB.email})
        work()
        link = link_in(only(post_office.messages), "privacy")
        for path in (link, f"{link}/export"):
            assert bob.client.get(path).status_code == 200
        assert bob.client.get(f"{link}/erasure").status_code == 405
        assert row(stored[0]).author == "Bob"

    def test_links_end_and_others_are_none(
        self, stored: list[int], bob: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        bob.client.post("/privacy", data={"email": BOB.email})
        work()
        link = link_in(only(post_office.messages), "privacy")
        assert bob.client.get(f"{link}x").status_code == 403
        time.pass_(days=2)
        assert bob.client.get(link).status_code == 410

    def test_nobody_is_flooded(self, stored: list[int], visit: Callable[[], Visitor], post_office: MailServer) -> None:
        for email in (BOB.email, BOB.email.upper(), BOB.email.title(), BOB.email, BOB.email):
            visit().client.post("/privacy", data={"email": email})
        work()
        assert len(post_office.messages) == 2

    def test_what_is_no_address_is_said(self, bob: Visitor, post_office: MailServer) -> None:
        answer = bob.client.post("/privacy", data={"email": "nonsense"})
        assert answer.status_code == 422
        assert 'value="nonsense"' in answer.text

    def test_other_sites_ask_for_nobody(self, stored: list[int], bob: Visitor, post_office: MailServer) -> None:
        headers = {"Origin": "https://evil.example"}
        assert bob.client.post("/privacy", data={"email": BOB.email}, headers=headers).status_code == 403


class TestOwner:
    """In the admin pages."""

    def test_shown_and_handed_out(self, ada: Visitor, stored: list[int]) -> None:
        page = ada.client.get("/admin/people", query_string={"email": BOB.email.upper()}).text
        assert "nobody answers this" in page
        answer = ada.client.get("/admin/people/export", query_string={"email": BOB.email})
        assert "attachment" in answer.headers["Content-Disposition"]
        found = json.loads(answer.text)
        assert [one["id"] for one in found["comments"]] == stored
        assert [one["topic"] for one in found["subscriptions"]] == ["replies"]
        assert GRACE.email not in answer.text

    def test_erased_with_all_that_hangs_on_it(
        self, ada: Visitor, bob: Visitor, stored: list[int], visit: Callable[[], Visitor]
    ) -> None:
        ada.admin_post(f"/admin/comments/{stored[0]}/text", author="Bob", website="", body="Bob’s changed words")
        ada.admin_post(f"/admin/comments/{stored[0]}/notes", body="a note on Bob’s words")
        ada.admin_post("/admin/bans", comment=str(stored[1]), kind="address", value="", site="")
        db.begin_write()
        channel = channels.open_channel(ChannelKind.WEBHOOK, "https://hooks.example/x", None)
        channels._write(channel, "comment.held", {"data": {"id": stored[0], "body": "Bob’s changed words"}})
        db.session.commit()
        ada.admin_post("/admin/people/erasure", email=BOB.email)
        page = visit().client.get(f"/embed/blog/{ARTICLE}?view=threaded").text
        assert "This comment was removed." in page
        assert "Bob" not in page
        assert is_nowhere("Bob (#")
        assert is_nowhere("bob.canary")
        assert is_nowhere("changed words")
        for table in (Note, Revision):
            assert db.session.scalars(select(table.id)).all() == []  # type: ignore[attr-defined]
        assert BOB.email not in db.session.scalars(select(Recipient.email)).all()
        assert "replies" not in db.session.scalars(select(Subscription.topic)).all()
        assert "Erased a person’s data." in ada.client.get("/admin/log").text
        assert ada.client.get("/admin/queue?state=trashed").status_code == 200

    def test_long_addresses_are_found(self, ada: Visitor, bob: Visitor) -> None:
        long = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example"
        comment = bob.comment(BOB, email=long)
        assert str(comment) in ada.client.get("/admin/people/export", query_string={"email": long}).text

    def test_many_are_erased_in_steps(self, ada: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(personal_data, "BATCH_SIZE", 2)
        for number in range(5):
            bob.comment(BOB, body=f"number {number}", email=BOB.email)
        ada.admin_post("/admin/people/erasure", email=BOB.email)
        assert is_nowhere("bob.canary")

    def test_a_conflict_in_the_last_step_does_not_spoil_it(self, ada: Visitor, stored: list[int]) -> None:
        record, left = actions.record, [Deadlock()]

        def with_a_conflict(*args: Any, **values: Any) -> ModeratorAction:
            action = record(*args, **values)
            if left:
                raise left.pop()
            return action

        with patch.object(actions, "record", with_a_conflict):
            answer = ada.admin_post("/admin/people/erasure", email=BOB.email)
        assert answer.headers["Location"].endswith("erased=2")
        erasures = db.session.scalars(select(ModeratorAction).where(ModeratorAction.verb == Verb.ERASURE)).all()
        assert [one.count for one in erasures] == [2]
        assert is_nowhere("bob.canary")

    def test_it_is_asked_who_one_is(self, ada: Visitor, hedy: Visitor, stored: list[int], time: FrozenClock) -> None:
        assert hedy.client.get("/admin/people").status_code == 403
        time.pass_(hours=1)
        answer = ada.admin_post("/admin/people/erasure", email=BOB.email)
        assert "/admin/confirmation" in answer.headers["Location"]
        assert row(stored[0]).author == "Bob"


class TestKeeping:
    """Nothing longer than its site wants it."""

    def test_addresses_are_forgotten(self, bob: Visitor, rules: Rules, time: FrozenClock) -> None:
        rules("blog", keep_addresses_days=7)
        here, there = bob.comment(), bob.comment(site="other")
        time.pass_(days=8)
        young = bob.comment(body="young")
        assert run_job("apply retention") == 1
        assert row(here).address_hash is None
        assert row(there).address_hash is not None
        assert row(young).address_hash is not None

    def test_spam_and_trash_go_for_good(self, ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
        spam, trash, good = (bob.comment(body=f"text {number}") for number in range(3))
        ada.decide(spam, "spam")
        ada.decide(trash, "trash")
        time.pass_(days=31)
        run_job("apply retention")
        assert set(db.session.scalars(select(Comment.id))) == {spam, good}
        time.pass_(days=60)
        run_job("apply retention")
        assert set(db.session.scalars(select(Comment.id))) == {good}

    def test_what_was_decided_about_lately_stays(self, ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
        comment = bob.comment()
        time.pass_(days=100)
        ada.sign_in("ada@blog.example", "analytical engine 1843")
        ada.decide(comment, "trash")
        run_job("apply retention")
        assert row(comment).body == BOB.says

    def test_what_is_taken_out_of_the_trash_at_that_moment_stays(
        self, ada: Visitor, bob: Visitor, time: FrozenClock
    ) -> None:
        comment = bob.comment()
        ada.decide(comment, "trash")
        time.pass_(days=31)
        old = retention.due()
        assert old.comments == [comment]
        row(comment)
        ada.sign_in("ada@blog.example", "analytical engine 1843")
        ada.decide(comment, "hold")
        db.begin_write()
        retention.forget(old)
        db.session.commit()
        assert row(comment).body == BOB.says

    def test_what_was_answered_keeps_its_place(
        self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor], time: FrozenClock
    ) -> None:
        first = bob.comment(BOB)
        answer = visit().comment(GRACE, parent_id=str(first))
        ada.decide(first, "trash")
        time.pass_(days=31)
        assert run_job("apply retention") == 1
        assert run_job("apply retention") == 0
        assert (row(first).body, row(first).author) == ("", "–")
        assert f'id="comment-{answer}"' in visit().client.get(f"/t/blog/{ARTICLE}").text

    def test_never_means_never(self, ada: Visitor, bob: Visitor, rules: Rules, time: FrozenClock) -> None:
        rules("blog", keep_addresses_days=0, keep_spam_days=0, keep_trash_days=0)
        comment = bob.comment()
        ada.decide(comment, "spam")
        time.pass_(days=4000)
        assert run_job("apply retention") == 0
        assert row(comment).address_hash

    def test_old_emails_go(self, stored: list[int], time: FrozenClock) -> None:
        assert db.session.scalars(select(Email.id)).all()
        time.pass_(days=91)
        run_job("apply retention")
        assert db.session.scalars(select(Email.id)).all() == []

    def test_no_index_is_left_of_what_is_gone(self, ada: Visitor, bob: Visitor, time: FrozenClock) -> None:
        bob.comment(body="unforgettable word")
        ada.admin_post("/admin/comments/decisions", verb="trash", all="1", newest="9999999", listed="state=any")
        time.pass_(days=31)
        run_job("apply retention")
        assert search.ids(Moderator(role="owner"), CommentFilter(text="unforgettable"), 10) == []
