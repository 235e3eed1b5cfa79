"""Who is banned, by what, for how long; and that it can be undone as one."""

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select

from commentsvc import clock
from commentsvc.comments import undoing
from commentsvc.db import db
from commentsvc.fair_lock import FairSemaphore
from commentsvc.models import Ban, Decision, ModeratorAction, Site
from commentsvc.models.ban import BanKind
from commentsvc.models.comment import State
from commentsvc.moderation import bans, decisions
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.privacy import personal_data
from commentsvc.web import gate
from tests.cast import ADA, ARTICLE, BOB, GRACE, MALLORY
from tests.time import FrozenClock
from tests.visitors import Visitor, row, texts_of

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
HOME = "203.0.113.7"


def banned(ada: Visitor, **fields: str) -> int:
    """Fill in the form in the admin pages; the number of the ban."""
    answer = ada.admin_post("/admin/bans", form_at="/admin/bans", **fields)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rpartition("=")[2])


def ban_casino_in_another_process() -> None:
    ban = insert(Ban).values(kind=BanKind.WORD, value="casino", label="casino", created_at=clock.now())
    with db.engine.connect().execution_options(writes=True) as connection:
        connection.execute(ban)
        connection.commit()


def lines_of(page: str) -> str:
    """What is read on a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split()).replace(" :", ":").replace(" ,", ",")


def tries(visitor: Visitor, address: str = HOME, **fields: str) -> int:
    return visitor.send(visitor.fill(MALLORY, **fields), environ_overrides={"REMOTE_ADDR": address}).status_code


class TestByWhat:
    """One rule of each kind, and what is near to it."""

    @pytest.mark.every_value
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
            ("domain", "evil.example", {"body": "(see https://evil.example.)"}, {"body": "see https://example."}),
            ("domain", "evil.example", {"body": "*https://evil.example*, or so"}, {"body": "evil dot example"}),
            ("domain", "evil.example", {"website": "https://evil.example./x"}, {"website": "https://vil.example"}),
            (
                "domain",
                "stra\u00dfe.example",
                {"website": "https://STRA\u1e9eE.example"},
                {"website": "strasse.example"},
            ),
            (
                "domain",
                "\u2603.co.example",
                {"website": "https://\u2603.co.example"},
                {"website": "https://a.co.example"},
            ),
            (
                "domain",
                "evil.example",
                {"body": "http://u:p@EVIL。example:99999/"},
                {"body": "http://a.example/evil.example"},
            ),
            (
                "domain",
                "http://[2001:DB8::1]/",
                {"body": "see http://[2001:db8:0::1]:80/x"},
                {"body": "see http://[2001:db8::2]/"},
            ),
            ("domain", "evil.example", {"body": "请看https://evil.example 谢谢"}, {"body": "请看https://good.example"}),
            ("domain", "evil.example", {"body": "看 https://evil.example，谢谢"}, {"body": "evil，example"}),
            ("domain", "evil.example", {"body": "谢谢www.evil.example"}, {"body": "wwww.evil.example"}),
            ("domain", "evil.example", {"body": "https://%65vil.example\\x"}, {"body": "https://e.vil.example"}),
            ("domain", "evil.example", {"body": "https://ev\u00adil.ex\x01ample/"}, {"body": "x"}),
            ("domain", "*.evil.example.", {"body": "ftp://evil.example"}, {"body": "x"}),
            ("domain", "bücher.example", {"website": "https://xn--bcher-kva.example"}, {"body": "x"}),
            ("domain", "xn--bcher-kva.example", {"body": "https://BÜCHER.example/"}, {"body": "x"}),
            ("email", "x@xn--bcher-kva.example", {"email": "X@bücher.example"}, {"email": "y@bücher.example"}),
            ("email", "bad@spam.example", {"email": "bad\x01@ＳＰＡＭ.example"}, {"email": "good@spam.example"}),
            ("network", "::ffff:203.0.113.0/120", {"address": "203.0.113.9"}, {"address": "203.0.114.9"}),
            ("word", "blocked", {"body": "bloc\x01ked"}, {"body": "bloc ked"}),
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
            ("network", "fe80::1%eth0/64"),
            ("domain", "a.b.c.d.e.f.g.h.i.example"),
        ],
    )
    def test_what_is_nobody_is_said_and_kept(self, ada: Visitor, kind: str, value: str) -> None:
        answer = ada.admin_post("/admin/bans", form_at="/admin/bans", kind=kind, value=value, reason="my reason")
        assert answer.status_code == 422
        assert "a range such as 203.0.113.0/24" in answer.text
        assert f'value="{value}"' in answer.text
        assert 'value="my reason"' in answer.text


class TestNobodyElse:
    """A slip bans neither everybody nor oneself."""

    @pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2001::/18", "::ffff:0:0/96"])
    def test_networks_of_everybody_are_refused(self, ada: Visitor, network: str) -> None:
        answer = ada.admin_post("/admin/bans", form_at="/admin/bans", kind="network", value=network)
        assert answer.status_code == 422
        assert "This range is too wide" in answer.text
        assert f'value="{network}"' in answer.text

    @pytest.mark.parametrize(
        ("kind", "value"),
        [("address", "192.0.2.77"), ("network", "192.0.2.0/24"), ("email", ADA.email), ("domain", "blog.example")],
    )
    def test_whoever_would_ban_themselves_is_told(self, ada: Visitor, kind: str, value: str) -> None:
        answer = ada.admin_post("/admin/bans", form_at="/admin/bans", kind=kind, value=value)
        assert answer.status_code == 422
        assert "This would ban you, too." in answer.text
        assert db.session.scalars(select(Ban)).all() == []

    def test_the_log_says_who_lifted_one(self, ada: Visitor) -> None:
        ban = banned(ada, kind="word", value="casino")
        ada.admin_post(f"/admin/bans/{ban}/end", form_at="/admin/bans")
        page = ada.client.get("/admin/log").text
        assert "Lifted a ban." in page
        assert page.count("<bdi>casino</bdi>") == 2
        assert "/reversal" not in page, "nothing is left to undo"


class TestHowFar:
    """On one blog or on all, for a time or for good."""

    def test_the_refusal_keeps_the_text_and_says_no_more(self, ada: Visitor, visit: Visit) -> None:
        banned(ada, kind="address", value=HOME, reason="He is a pest")
        answer = visit().post(body="my casino text", challenge_answer="")
        assert answer.status_code == 403
        assert "You cannot comment here at the moment" in answer.text
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

    @pytest.mark.parametrize(
        "wrong", [{"site": "999999"}, {"site": "abc"}, {"days": "0"}, {"days": "1.5"}, {"days": "4000"}]
    )
    def test_a_slip_makes_no_ban_wider_or_longer(self, ada: Visitor, wrong: dict[str, str]) -> None:
        form = {"kind": "word", "value": "casino", **wrong}
        answer = ada.admin_post("/admin/bans", form_at="/admin/bans", **form)
        assert answer.status_code == 422
        assert db.session.scalars(select(Ban)).all() == []

    def test_nul_and_half_characters_are_no_trouble(self, ada: Visitor, visit: Visit) -> None:
        banned(ada, kind="word", value="ca\x00sino", reason="a\x00b")
        assert db.session.scalars(select(Ban)).one().reason == "ab"
        for fields in ({"email": "a\x00@b.example"}, {"website": "http://a\x00.b.example"}, {"body": "http://a\x00.b"}):
            assert visit().post(MALLORY, **{"body": str(fields)} | fields).status_code in (303, 422)

    def test_a_host_of_a_thousand_labels_is_nothing_much(self, bob: Visitor) -> None:
        body, email = f"http://{'a.' * 9_000}com", f"a@{'a.' * 5_000}com"
        said = {"author": "M", "body": body, "email": email}
        assert bob.client.post(f"/api/v1/threads/blog/{ARTICLE}/comments", json=said).status_code == 403
        assert len(list(AuthorIdentity(email=email, website=body, text=body).ban_identifiers())) < 10
        many = " ".join(f"http://{number}.example" for number in range(5_000))
        assert len(list(AuthorIdentity(text=many).ban_identifiers())) < 2_000

    def test_who_is_banned_changes_nothing_either(self, ada: Visitor, bob: Visitor) -> None:
        answer = bob.send(bob.fill(BOB), endpoint="embed")
        comment, token = (re.search(rf'data-{name}="([^"]+)"', answer.text)[1] for name in ("id", "edit"))  # type: ignore[index]
        place, proof = f"/api/v1/comments/{comment}", {"Authorization": f"Bearer {token}"}
        banned(ada, kind="domain", value="casino.example")
        said = {"body": "now at https://casino.example"}
        assert bob.client.patch(place, json=said, headers=proof).status_code == 403
        assert bob.client.patch(place, json={"body": "harmless"}, headers=proof).status_code == 200
        banned(ada, kind="address", value=HOME)
        here = {"REMOTE_ADDR": HOME}
        still = bob.client.patch(place, json={"body": "still here"}, headers=proof, environ_overrides=here)
        assert still.status_code == 403
        assert bob.client.delete(place, headers=proof).status_code == 204

    def test_the_log_and_the_list_say_what_and_for_how_long(self, ada: Visitor) -> None:
        banned(ada, kind="domain", value="casino.example")
        assert "Added a ban. casino.example" in lines_of(ada.client.get("/admin/log").text)
        assert "no end date" in ada.client.get("/admin/bans").text

    def test_until_it_is_lifted(self, ada: Visitor, visit: Visit) -> None:
        ban = banned(ada, kind="address", value=HOME)
        ada.admin_post(f"/admin/bans/{ban}/end", form_at="/admin/bans")
        assert tries(visit()) == 303

    def test_who_wrote_a_banned_word_is_told_that_another_text_may_do(self, ada: Visitor, bob: Visitor) -> None:
        assert "Words also match inside longer words." in ada.client.get("/admin/bans").text
        banned(ada, kind="word", value="salt")
        answer = bob.post(body="The floor is basalt.")
        assert answer.status_code == 403
        assert "Please rephrase it" in answer.text
        assert ">The floor is basalt.</textarea>" in answer.text
        assert bob.post(body="The floor is volcanic.").status_code == 303

    def test_one_that_is_set_while_a_comment_waits_for_its_turn_holds_for_it(
        self, bob: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class LongWait(FairSemaphore):
            def acquire(self, seconds: float) -> bool:
                ban_casino_in_another_process()
                return super().acquire(seconds)

        monkeypatch.setattr(gate, "_active_slots", {db.engine.dialect.name: LongWait()})
        assert bob.post(body="my casino text").status_code == 403

    def test_one_that_is_set_while_a_comment_waits_for_sqlites_lock_holds_for_it(
        self, bob: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if db.engine.dialect.name != "sqlite":
            pytest.skip("about SQLite")
        checked = gate._checked

        def meanwhile(*typed: Any) -> Any:
            ban_casino_in_another_process()
            return checked(*typed)

        monkeypatch.setattr(gate, "_checked", meanwhile)
        assert bob.post(body="my casino text").status_code == 403

    def test_moderators_may_write_what_nobody_else_may(self, ada: Visitor) -> None:
        banned(ada, kind="word", value="casino")
        assert ada.post(body="No casino here, please.", challenge_answer="").status_code == 303


class TestWhoIsMeant:
    """A ban takes one person, unless the moderator has seen whom else it takes."""

    def test_the_form_offers_what_is_known_with_what_it_would_take(self, ada: Visitor, visit: Visit) -> None:
        mallory = visit()
        theirs = [mallory.comment(MALLORY, body=f"number {number}", email=MALLORY.email) for number in range(2)]
        visit().comment(GRACE, body="from the same house")
        page = lines_of(ada.client.get(f"/admin/bans?comment={theirs[0]}").text)
        assert "Browser 2 comments" in page
        assert f"Email {MALLORY.email} 2 comments" in page
        assert "IP address 3 comments by 2 names: Mallory, Grace" in page

    def test_what_stands_in_spam_is_counted_apart(self, ada: Visitor, visit: Visit) -> None:
        """It stays there, and who bans a spammer would wonder about none."""
        mallory = visit()
        theirs = [mallory.comment(MALLORY, body=f"number {number}", email="") for number in range(3)]
        for comment in theirs[:2]:
            ada.decide(comment, "spam")
        page = lines_of(ada.client.get(f"/admin/bans?comment={theirs[2]}").text)
        assert "Browser 1 comment (not moved, as already in spam: 2)" in page

    def test_the_domains_that_a_comment_links_to(self, ada: Visitor, visit: Visit) -> None:
        """With the one that is chosen, whoever links there is meant."""
        mallory = visit()
        links = "See https://www.casino.example/win and https://pills.example."
        theirs = mallory.comment(MALLORY, body=links, website="https://shop.example", email="")
        page = ada.client.get(f"/admin/bans?comment={theirs}").text
        offered = re.findall(r'name="kind" value="(domain [^"]+)"', page)
        assert offered == ["domain shop.example", "domain casino.example", "domain pills.example"]
        banned(ada, kind=offered[1], comment=str(theirs), theirs="1")
        assert row(theirs).state == State.TRASHED
        assert visit().post(GRACE, body="or https://casino.example/other").status_code == 403
        assert visit().post(GRACE, body="or https://pills.example/other").status_code == 303

    def test_the_browser_is_what_is_preset(self, ada: Visitor, visit: Visit) -> None:
        mallory = visit()
        theirs = mallory.comment(MALLORY, email="")
        page = ada.client.get(f"/admin/bans?comment={theirs}").text
        kind = re.findall(r'name="kind" value="(\w+)" checked', page)[0]
        banned(ada, kind=kind, comment=str(theirs), theirs="1")
        assert kind == "browser"
        assert row(theirs).state == State.TRASHED
        assert mallory.post(MALLORY, body="again").status_code == 403
        assert visit().post(GRACE, body="from the same house").status_code == 303

    def test_it_asks_before_it_takes_what_several_people_wrote(self, ada: Visitor, visit: Visit) -> None:
        theirs = visit().comment(MALLORY)
        others = visit().comment(GRACE, body="from the same house")
        form = {"kind": "address", "comment": str(theirs), "theirs": "1", "reason": "spam", "days": "7"}
        answer = ada.admin_post("/admin/bans", form_at="/admin/bans", **form)
        assert "This would move to the trash: 2 comments by 2 names: Mallory, Grace" in lines_of(answer.text)
        assert 'value="spam"' in answer.text
        assert db.session.scalars(select(Ban)).all() == []
        meant = re.findall(r'name="confirmed" value="([^"]+)"', answer.text)[0]
        changed = ada.admin_post("/admin/bans", form_at="/admin/bans", **form | {"kind": "email"}, confirmed=meant)
        assert changed.status_code != 303, "the number that was confirmed is another ban's"
        banned(ada, **form, confirmed=meant)
        assert {row(one).state for one in (theirs, others)} == {State.TRASHED}

    def test_undoing_says_what_came_back(self, ada: Visitor, visit: Visit) -> None:
        theirs = visit().comment(MALLORY)
        ban = banned(ada, kind="browser", comment=str(theirs), theirs="1")
        answer = ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert "is no longer banned. 1 comment was restored." in ada.client.get(answer.headers["Location"]).text

    def test_a_browser_cannot_be_typed(self, ada: Visitor) -> None:
        answer = ada.admin_post("/admin/bans", form_at="/admin/bans", kind="browser", value="somebody")
        assert answer.status_code == 422


class TestTrashMatching:
    """One decision takes it all away, and one gives it back."""

    def test_from_a_comment_in_the_admin_pages(self, ada: Visitor, bob: Visitor, visit: Visit) -> None:
        kept = bob.comment(BOB, body="of somebody else", email="bob@mail.example")
        mallory = visit()
        theirs = [mallory.comment(MALLORY, body=f"number {number}", email=MALLORY.email) for number in range(3)]
        ada.decide(theirs[2], "spam")
        assert "Ban Mallory" in ada.client.get(f"/admin/bans?comment={theirs[0]}").text
        ban = banned(ada, kind="email", comment=str(theirs[0]), value="", theirs="1")
        assert [row(one).state for one in theirs] == [State.TRASHED, State.TRASHED, State.SPAM]
        assert row(kept).state == State.APPROVED
        page = ada.client.get(f"/admin/bans?changed={ban}").text
        assert "2 comments were moved to the trash" in page
        assert len(texts_of(bob.client.get(f"/t/blog/{ARTICLE}"))) == 1
        ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert [row(one).state for one in theirs] == [State.APPROVED, State.APPROVED, State.SPAM]
        assert len(texts_of(bob.client.get(f"/t/blog/{ARTICLE}"))) == 3
        assert mallory.post(MALLORY, body="again", email=MALLORY.email).status_code == 303

    @pytest.mark.every_value
    @pytest.mark.parametrize("way", ["the bans", "the log"])
    def test_many_are_taken_and_given_back_a_few_at_a_time(
        self, ada: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        """So that nobody who writes meanwhile waits for it."""
        monkeypatch.setattr(bans, "IDS_PER_QUERY", 3)
        monkeypatch.setattr(bans, "BATCH_SIZE", 2)
        theirs = [bob.comment(body=f"casino, number {number}") for number in range(5)]
        ban = banned(ada, kind="word", value="casino", theirs="1")
        assert {row(one).state for one in theirs} == {State.TRASHED}
        action = db.session.scalars(select(ModeratorAction)).one()
        assert action.count == len(theirs)
        places = {"the bans": f"/admin/bans/{ban}/undo", "the log": f"/admin/actions/{action.id}/reversal"}
        ada.admin_post(places[way], form_at="/admin/bans")
        assert {row(one).state for one in theirs} == {State.APPROVED}
        assert len(texts_of(bob.client.get(f"/t/blog/{ARTICLE}"))) == len(theirs)
        assert db.session.scalars(select(ModeratorAction)).one().undone_at

    def test_giving_back_that_was_broken_off_goes_on(
        self, ada: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = [bob.comment(body=f"casino, number {number}") for number in range(5)]
        ban = db.session.get_one(Ban, banned(ada, kind="word", value="casino", theirs="1"))
        monkeypatch.setattr(bans, "BATCH_SIZE", 2)
        action = db.session.scalars(select(ModeratorAction)).one()
        db.begin_write()
        undoing.undo(action, action.moderator)
        db.session.commit()
        restore_states, asked = decisions.restore_states, count()
        monkeypatch.setattr(decisions, "restore_states", lambda *of: restore_states(*of) if next(asked) < 1 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bans.restore_trashed(ban)
        db.session.rollback()
        monkeypatch.setattr(decisions, "restore_states", restore_states)
        assert sum(row(one).state == State.TRASHED for one in theirs) == 3
        assert f"/admin/actions/{action.id}/reversal" in ada.client.get("/admin/log").text
        ada.admin_post(f"/admin/actions/{action.id}/reversal")
        assert {row(one).state for one in theirs} == {State.APPROVED}
        assert f"/admin/actions/{action.id}/reversal" not in ada.client.get("/admin/log").text

    def test_what_was_erased_since_does_not_come_back(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB, body="casino", email=BOB.email)
        ban = banned(ada, kind="word", value="casino", theirs="1")
        personal_data.erase(BOB.email)
        db.session.commit()
        ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert row(comment).state == State.TRASHED

    def test_nothing_more_is_taken_once_it_is_lifted(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(body="casino")
        ban = db.session.get_one(Ban, banned(ada, kind="word", value="casino"))
        assert bans.matching_comment_ids(ban) == [comment]
        ada.admin_post(f"/admin/bans/{ban.id}/end", form_at="/admin/bans")
        assert bans.trash_matching(ban) == 0
        assert row(comment).state == State.APPROVED

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
        ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert row(comment).state == State.PENDING

    def test_the_filter_learns_nothing_from_it(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(email=BOB.email)
        ban = banned(ada, kind="email", value=BOB.email, theirs="1")
        ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert row(comment).learned_as is None
        assert row(comment).state == State.APPROVED

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            *[("domain", "mail.example"), ("domain", "home.example"), ("domain", "linked.example")],
            *[("word", "100%_sure"), ("word", "ärger"), ("word", "strasse")],
        ],
    )
    def test_by_what_they_wrote(self, ada: Visitor, bob: Visitor, kind: str, value: str) -> None:
        said = "I am 100%_sure: ÄRGER in the Straße (https://linked.example)."
        theirs = bob.comment(body=said, email="bob@mail.example", website="https://www.home.example/me")
        elsewhere = "https://athome.example/mail.example/http://home.example"
        kept = bob.comment(body="100 percent sure, linked.example", email="bob@othermail.example", website=elsewhere)
        own = ada.comment(ADA, body=f"{said} Really.")
        banned(ada, kind=kind, value=value, theirs="1")
        assert (row(theirs).state, row(kept).state) == (State.TRASHED, State.APPROVED)
        assert row(own).state == State.APPROVED

    def test_a_mail_provider_is_not_banned_by_mistake(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(email="bob@gmail.example")
        form = {"kind": "domain", "comment": str(comment), "value": ""}
        assert ada.admin_post("/admin/bans", form_at="/admin/bans", **form).status_code == 422

    def test_spam_goes_on_speaking_against_its_like(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(MALLORY, email=MALLORY.email)
        ada.decide(comment, "spam")
        banned(ada, kind="email", value=MALLORY.email, theirs="1")
        assert "text seen in spam" in str(row(bob.comment(MALLORY)).reasons)

    def test_it_can_be_undone_after_it_ran_out(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(email=BOB.email)
        ban = banned(ada, kind="email", value=BOB.email, theirs="1")
        ada.admin_post(f"/admin/bans/{ban}/end", form_at="/admin/bans")
        assert f"/admin/bans/{ban}/undo" in ada.client.get("/admin/bans").text
        ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert row(comment).state == State.APPROVED
        assert f"/admin/bans/{ban}/undo" not in ada.client.get("/admin/bans").text


class TestUndo:
    """Taking a decision back is no decision about the text."""

    def test_undoing_an_approval_teaches_nothing(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", disallowed_words="casino")
        comment = bob.comment(body="casino")
        assert row(comment).state == State.SPAM
        ada.decide(comment, "approval")
        assert row(comment).learned_as == "ham"
        ada.undo_last()
        assert row(comment).state == State.SPAM
        assert row(comment).learned_as is None

    def test_but_what_a_moderator_said_before_holds_again(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        ada.decide(comment, "spam")
        ada.decide(comment, "approval")
        ada.undo_last()
        assert row(comment).learned_as == "spam"

    def test_the_trash_forgets_no_lesson(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        for resource in ("spam", "trash", "approval"):
            ada.decide(comment, resource)
        ada.undo_last()
        assert (row(comment).state, row(comment).learned_as) == (State.TRASHED, "spam")

    def test_a_lesson_about_another_text_does_not_come_back(self, ada: Visitor, bob: Visitor) -> None:
        answer = bob.send(bob.fill(BOB), endpoint="embed")
        number, token = (re.search(rf'data-{name}="([^"]+)"', answer.text)[1] for name in ("id", "edit"))  # type: ignore[index]
        comment = int(number)
        for resource in ("hold", "approval"):
            ada.decide(comment, resource)
        proof = {"Authorization": f"Bearer {token}"}
        assert bob.client.patch(f"/api/v1/comments/{comment}", json={"body": "zebra"}, headers=proof).status_code == 200
        ban = banned(ada, kind="word", value="zebra", theirs="1")
        ada.admin_post(f"/admin/bans/{ban}/undo", form_at="/admin/bans")
        assert (row(comment).state, row(comment).learned_as) == (State.APPROVED, None)

    def test_what_the_score_called_spam_can_be_confirmed(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", disallowed_words="casino")
        comment = bob.comment(body="casino")
        confirm = f'formaction="/admin/comments/{comment}/spam?seen=spam%20"'
        assert confirm in ada.client.get("/admin/queue?state=spam").text
        ada.decide(comment, "spam")
        assert row(comment).learned_as == "spam"
        assert confirm not in ada.client.get("/admin/queue?state=spam").text
