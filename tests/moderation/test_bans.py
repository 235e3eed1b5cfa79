"""Who is banned, by what, for how long; and that it can be undone as one."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Ban, Decision, Site
from commentsvc.models.comment import State
from tests.cast import ARTICLE, BOB, MALLORY
from tests.time import FrozenClock
from tests.visitors import Visitor, row, texts_of

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
HOME = "203.0.113.7"


def banned(ada: Visitor, **fields: str) -> int:
    """Fill in the form at the desk; the number of the ban."""
    answer = ada.desk_post("/admin/bans", form_at="/admin/bans", **fields)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rpartition("=")[2])


def tries(visitor: Visitor, address: str = HOME, **fields: str) -> int:
    return visitor.send(visitor.fill(MALLORY, **fields), environ_overrides={"REMOTE_ADDR": address}).status_code


class TestByWhat:
    """One rule of each kind, and what is near to it."""

    @pytest.mark.parametrize(
        ("kind", "value", "refused", "let_in"),
        [
            ("address", HOME, {}, {"address": "203.0.113.8"}),
            ("address", "2001:db8::1", {"address": "2001:db8::ffff"}, {"address": "2001:db8:0:1::1"}),
            ("network", "203.0.113.0/24", {"address": "203.0.113.200"}, {"address": "203.0.114.1"}),
            ("network", "2001:db8::/32", {"address": "2001:db8:5::1"}, {"address": "2001:db9::1"}),
            ("network", "203.0.0.0/16", {"address": "::ffff:203.0.113.7"}, {"address": "203.1.0.1"}),
            ("email", "Mallory@evil.example", {"email": "MALLORY@EVIL.example"}, {"email": "eve@evil.example"}),
            ("domain", "evil.example", {"email": "x@mail.evil.example"}, {"email": "x@notevil.example"}),
            ("domain", "https://www.evil.example/shop", {"website": "evil.example"}, {"website": "good.example"}),
            ("domain", "evil.example", {"body": "see http://a.evil.example/x"}, {"body": "see http://b.example"}),
            ("word", "Rolex", {"body": "cheap roLEXes"}, {"body": "cheap relaxing"}),
            ("word", "mallory", {"author": "Mallory"}, {"author": "Malory"}),
        ],
    )
    def test_it_refuses(
        self, ada: Visitor, visit: Visit, kind: str, value: str, refused: dict[str, str], let_in: dict[str, str]
    ) -> None:
        harmless = {"author": "M", "body": "harmless"}
        banned(ada, kind=kind, value=value)
        assert tries(visit(), **harmless | refused) == 403
        assert tries(visit(), **{"address": "198.51.100.9"} | harmless | let_in) == 303

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("address", "here"),
            ("network", "1.2.3.4/99"),
            ("email", "nobody"),
            ("domain", "evil"),
            ("word", "ab"),
            ("", "x"),
        ],
    )
    def test_what_is_nobody_is_said_and_kept(self, ada: Visitor, kind: str, value: str) -> None:
        answer = ada.desk_post("/admin/bans", form_at="/admin/bans", kind=kind, value=value, reason="my reason")
        assert answer.status_code == 422
        assert "a network like 203.0.113.0/24" in answer.text
        assert f'value="{value}"' in answer.text
        assert 'value="my reason"' in answer.text


class TestHowFar:
    """On one blog or on all, for a time or for good."""

    def test_the_refusal_keeps_the_text_and_says_no_more(self, ada: Visitor, visit: Visit) -> None:
        banned(ada, kind="word", value="casino", reason="He is a pest")
        answer = visit().post(body="my casino text", challenge_answer="")
        assert answer.status_code == 403
        assert "Nothing is accepted from you here" in answer.text
        assert "my casino text" in answer.text
        assert "pest" not in answer.text

    def test_on_one_blog(self, ada: Visitor, visit: Visit) -> None:
        banned(ada, kind="address", value=HOME, site=str(Site.named("other").id))
        assert tries(visit()) == 303

    def test_until_it_is_over(self, ada: Visitor, visit: Visit, time: FrozenClock) -> None:
        banned(ada, kind="address", value=HOME, days="7")
        time.pass_(days=6)
        assert tries(visit()) == 403
        time.pass_(days=2)
        assert tries(visit()) == 303

    def test_until_it_is_lifted(self, ada: Visitor, visit: Visit) -> None:
        ban = banned(ada, kind="address", value=HOME)
        ada.desk_post(f"/admin/bans/{ban}/end", form_at="/admin/bans")
        assert tries(visit()) == 303

    def test_moderators_may_write_what_nobody_else_may(self, ada: Visitor) -> None:
        banned(ada, kind="word", value="casino")
        assert ada.post(body="No casino here, please.", challenge_answer="").status_code == 303


class TestAllOfTheirs:
    """One decision takes it all away, and one gives it back."""

    def test_from_a_comment_at_the_desk(self, ada: Visitor, bob: Visitor, visit: Visit) -> None:
        kept = bob.comment(BOB, body="of somebody else", email="bob@mail.example")
        mallory = visit()
        theirs = [mallory.comment(MALLORY, body=f"number {number}", email=MALLORY.email) for number in range(3)]
        ada.decide(theirs[2], "spam")
        assert "Ban Mallory" in ada.client.get(f"/admin/bans?comment={theirs[0]}").text
        ban = banned(ada, kind="email", comment=str(theirs[0]), value="", theirs="1")
        assert [row(one).state for one in theirs] == [State.TRASHED] * 3
        assert row(kept).state == State.APPROVED
        page = ada.client.get(f"/admin/bans?changed={ban}").text
        assert "3 comments went to the trash" in page
        assert len(texts_of(bob.client.get(f"/t/blog/{ARTICLE}"))) == 1
        ada.desk_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert [row(one).state for one in theirs] == [State.APPROVED, State.APPROVED, State.SPAM]
        assert len(texts_of(bob.client.get(f"/t/blog/{ARTICLE}"))) == 3
        assert mallory.post(MALLORY, body="again", email=MALLORY.email).status_code == 303

    def test_by_the_address_of_a_comment(self, ada: Visitor, visit: Visit) -> None:
        mallory = visit()
        assert tries(mallory) == 303
        theirs = db.session.scalars(select(Decision.comment_id)).one()
        banned(ada, kind="address", comment=str(theirs), value="", theirs="1")
        assert row(theirs).state == State.TRASHED
        assert tries(mallory, body="more") == 403
        stored = db.session.scalars(select(Ban)).one()
        assert HOME not in (stored.value, stored.label)

    def test_what_was_decided_since_stays_so(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(email=BOB.email)
        ban = banned(ada, kind="email", value=BOB.email, theirs="1")
        ada.decide(comment, "hold")
        ada.desk_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert row(comment).state == State.PENDING

    def test_the_filter_learns_nothing_from_it(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(email=BOB.email)
        ban = banned(ada, kind="email", value=BOB.email, theirs="1")
        ada.desk_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert row(comment).learned_as is None
        assert row(comment).state == State.APPROVED

    @pytest.mark.parametrize(
        ("kind", "value"), [("domain", "mail.example"), ("domain", "home.example"), ("word", "100%_sure")]
    )
    def test_by_what_they_wrote(self, ada: Visitor, bob: Visitor, kind: str, value: str) -> None:
        theirs = bob.comment(body="I am 100%_sure", email="bob@mail.example", website="https://www.home.example/me")
        kept = bob.comment(
            body="I am 100 percent sure", email="bob@othermail.example", website="https://athome.example"
        )
        banned(ada, kind=kind, value=value, theirs="1")
        assert (row(theirs).state, row(kept).state) == (State.TRASHED, State.APPROVED)


class TestUndo:
    """Taking a decision back is no decision about the text."""

    def test_undoing_an_approval_teaches_nothing(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", disallowed_words="casino")
        comment = bob.comment(body="casino")
        assert row(comment).state == State.SPAM
        ada.decide(comment, "approval")
        assert row(comment).learned_as == "ham"
        ada.desk_post(f"/admin/comments/{comment}/spam", undo="1")
        assert row(comment).state == State.SPAM
        assert row(comment).learned_as is None

    def test_but_what_a_moderator_said_before_holds_again(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        ada.decide(comment, "spam")
        ada.decide(comment, "approval")
        ada.desk_post(f"/admin/comments/{comment}/spam", undo="1")
        assert row(comment).learned_as == "spam"

    def test_what_the_score_called_spam_can_be_confirmed(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", disallowed_words="casino")
        comment = bob.comment(body="casino")
        assert "Yes, spam" in ada.client.get("/admin/queue?state=spam").text
        ada.decide(comment, "spam")
        assert row(comment).learned_as == "spam"
        assert "Yes, spam" not in ada.client.get("/admin/queue?state=spam").text
