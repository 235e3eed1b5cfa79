"""Ways in: set up once, sign in, know where one is signed in, show who one is before what is dangerous; and roles."""

import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc import throttle
from commentsvc.accounts import moderators, one_time_links, passkeys, passwords, set_up_links
from commentsvc.db import db
from commentsvc.errors import Refusal, TooMany
from commentsvc.models import Moderator, ModeratorSession, Passkey, Site
from commentsvc.models.moderator import Role
from tests.cast import ADA, ADAS_PASSWORD, BOB, HEDY
from tests.post import link_in, only, text_of, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, row

ACCOUNT = "/admin/account"
MODERATORS = "/admin/moderators"


@pytest.fixture
def bold(ada: Visitor, time: FrozenClock) -> Visitor:
    """Ada, who signed in so long ago that she must show once more who she is."""
    time.pass_(minutes=16)
    return ada


def confirm(person: Visitor, password: str = ADAS_PASSWORD) -> None:
    answer = person.admin_post("/admin/confirmation", form_at="/admin/confirmation", password=password)
    assert answer.status_code == 303, answer.text


class TestSettingUp:
    """Who has the link that the server printed becomes the owner, once."""

    @pytest.fixture
    def link(self, app: Flask) -> str:
        return set_up_links.url().removeprefix("https://comments.example")

    def test_the_first_owner_names_herself(self, visit: Callable[[], Visitor], link: str) -> None:
        ada = visit()
        answer = ada.admin_post(link, form_at=link, email=ADA.email, name=ADA.name, password=ADAS_PASSWORD)
        assert answer.headers["Location"] == "/admin/queue"
        assert ada.client.get("/admin/moderators").status_code == 200
        again = visit()
        assert again.client.get(link).status_code == 410
        visit().sign_in(ADA.email, ADAS_PASSWORD)

    def test_her_emails_are_in_the_language_of_that_page(self, visit: Callable[[], Visitor], link: str) -> None:
        german = f"{link}?lang=de"
        visit().admin_post(german, form_at=german, email=ADA.email, name=ADA.name, password=ADAS_PASSWORD)
        ada = Moderator.with_email(ADA.email)
        assert ada is not None
        assert ada.language == "de"

    def test_nobody_becomes_a_second_owner_by_it(self, visit: Callable[[], Visitor], link: str, ada: Visitor) -> None:
        mallory = visit()
        fields = {"email": "m@evil.example", "name": "M", "password": ADAS_PASSWORD}
        assert mallory.admin_post(link, form_at="/admin/sign-in", **fields).status_code == 410
        assert len(moderators.everybody()) == 1

    @pytest.mark.parametrize(("email", "password"), [("nonsense", ADAS_PASSWORD), (ADA.email, "password12")])
    def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
        self, visit: Callable[[], Visitor], link: str, email: str, password: str
    ) -> None:
        answer = visit().admin_post(link, form_at=link, email=email, name="Ada L.", password=password)
        assert answer.status_code == 422
        assert 'class="wrong"' in answer.text
        assert f'value="{email}"' in answer.text
        assert 'value="Ada L."' in answer.text
        assert password not in answer.text

    def test_it_is_good_for_a_day(self, visit: Callable[[], Visitor], link: str, time: FrozenClock) -> None:
        time.pass_(hours=25)
        assert visit().client.get(link).status_code == 410
        assert visit().client.get("/admin/set-up/nonsense").status_code == 403


class TestGuessing:
    """Strangers are slowed down, by address and by account; the owner always gets in."""

    def test_an_account_is_guarded_against_many_addresses(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        stranger = visit()
        statuses = []
        form = {"csrf_token": _token(stranger), "email": ADA.email, "password": "x"}
        for number in range(throttle.SIGN_INS_OF_ONE.amount + 1):
            stranger.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
            statuses.append(stranger.client.post("/admin/sign-in", data=form).status_code)
        assert (statuses[0], statuses[-1]) == (403, 429)
        ada.admin_post("/admin/sign-out")
        ada.client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
        ada.sign_in(ADA.email, ADAS_PASSWORD)

    def test_unknown_addresses_are_slowed_down_alike(self, app: Flask, visit: Callable[[], Visitor]) -> None:
        stranger = visit()
        form = {"csrf_token": _token(stranger), "email": "nobody@blog.example", "password": "x"}
        for number in range(throttle.SIGN_INS_OF_ONE.amount + 1):
            stranger.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
            last = stranger.client.post("/admin/sign-in", data=form).status_code
        assert last == 429

    def test_a_neighbourhood_is_slowed_down(self, visit: Callable[[], Visitor]) -> None:
        """Whoever has a /48 network has 65,536 addresses that count."""
        stranger = visit()
        form = {"csrf_token": _token(stranger), "password": "x"}
        for number in range(throttle.SIGN_INS_NEARBY.amount + 1):
            stranger.client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:{number:x}::1"
            fields = form | {"email": f"{number}@blog.example"}
            last = stranger.client.post("/admin/sign-in", data=fields).status_code
        assert last == 429

    def test_only_some_passwords_are_compared_at_a_time(
        self, ada: Visitor, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each takes 64 MiB: the others wait, and hold no connection; too many are asked to come again."""
        at_work: list[int] = []
        connections: list[int] = []

        def verify(*_: object) -> None:
            at_work.append(1)
            connections.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
            everybody_came.wait(passwords.TIMEOUT / 2)
            at_work.pop()
            raise VerifyMismatchError

        def attempt(_: int) -> str:
            with app.app_context(), pytest.raises(Refusal) as refused:
                passwords.authenticate(ADA.email, "x")
            most.append(len(at_work))
            turned_away.extend([1] * isinstance(refused.value, TooMany))
            if len(turned_away) == 24 - admitted:
                everybody_came.set()
            return type(refused.value).__name__

        most: list[int] = []
        turned_away: list[int] = []
        everybody_came = Event()
        admitted = passwords.MAX_CONCURRENT + passwords.MAX_WAITING
        monkeypatch.setattr(passwords, "_hasher", Mock(verify=verify, hash=lambda _: "x"))
        db.session.rollback()
        with ThreadPoolExecutor(24) as pool:
            outcomes = Counter(pool.map(attempt, range(24)))
        assert outcomes == {"SignInFailed": admitted, "TooMany": 24 - admitted}
        assert max(most) <= passwords.MAX_CONCURRENT
        assert max(connections[passwords.MAX_CONCURRENT :]) == 0  # while the first ones work, the others still ask

    def test_no_challenge_stands_before_it(self, visit: Callable[[], Visitor], app: Flask) -> None:
        assert "challenge" not in visit().client.get("/admin/sign-in").text


class TestSessions:
    """Where one is signed in is listed, and ends there and then."""

    def test_each_is_named_and_can_be_ended(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        phone = visit()
        phone.client.environ_base["HTTP_USER_AGENT"] = (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1 Version/18.1 Safari/604.1"
        )
        phone.sign_in(ADA.email, ADAS_PASSWORD)
        page = ada.client.get(ACCOUNT).text
        assert "Safari, iPhone" in page
        ends = re.findall(r'action="(/admin/account/sessions/\d+/end)"', page)
        assert len(ends) == 1
        ada.admin_post(ends[0])
        assert phone.client.get("/admin/queue").status_code == 303
        assert ada.client.get("/admin/queue").status_code == 200

    def test_all_others_end_at_once(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        others = [visit() for _ in range(3)]
        for other in others:
            other.sign_in(ADA.email, ADAS_PASSWORD)
        ada.admin_post(f"{ACCOUNT}/sessions/end")
        assert [other.client.get("/admin/queue").status_code for other in others] == [303] * 3
        assert ada.client.get("/admin/queue").status_code == 200

    def test_nobody_ends_anothers(self, ada: Visitor, hedy: Visitor) -> None:
        theirs = db.session.scalars(
            select(ModeratorSession.id).join(Moderator).where(Moderator.email == HEDY.email)
        ).one()
        ada.admin_post(f"{ACCOUNT}/sessions/{theirs}/end")
        assert hedy.client.get("/admin/queue").status_code == 200


class TestRecentConfirmation:
    """What decides who gets in asks once more who it is; a session that was left open opens nothing."""

    @pytest.mark.parametrize(
        "action",
        [
            f"{ACCOUNT}/password",
            f"{ACCOUNT}/password/removal",
            f"{ACCOUNT}/passkeys",
            f"{ACCOUNT}/passkeys/1/removal",
            MODERATORS,
            f"{MODERATORS}/1",
            f"{MODERATORS}/1/link",
            f"{MODERATORS}/1/removal",
            f"{MODERATORS}/1/return",
        ],
    )
    def test_dangerous_actions_ask_first(self, bold: Visitor, action: str) -> None:
        answer = bold.admin_post(action, password="difference engine 1822", email="m@evil.example", role="owner")
        assert answer.headers["Location"].startswith("/admin/confirmation")
        assert len(moderators.everybody()) == 1
        bold.admin_post("/admin/sign-out")
        bold.sign_in(ADA.email, ADAS_PASSWORD)

    def test_the_password_opens_them_for_a_while(self, bold: Visitor, time: FrozenClock) -> None:
        away = bold.client.get(MODERATORS)
        assert away.headers["Location"] == "/admin/confirmation?next=/admin/moderators"
        wrong = bold.admin_post("/admin/confirmation", form_at="/admin/confirmation", password="wrong")
        assert wrong.status_code == 403
        assert "or the password is wrong" in wrong.text
        answer = bold.admin_post(
            "/admin/confirmation", form_at="/admin/confirmation", password=ADAS_PASSWORD, next=MODERATORS
        )
        assert answer.headers["Location"] == MODERATORS
        assert bold.client.get(MODERATORS).status_code == 200
        time.pass_(minutes=16)
        assert bold.client.get(MODERATORS).status_code == 303

    def test_who_has_neither_gets_a_link(
        self, bold: Visitor, moderator: Moderator, post_office: MailServer, visit: Callable[[], Visitor]
    ) -> None:
        db.begin_write()
        moderator.password_hash = None
        db.session.commit()
        assert 'name="password"' not in bold.client.get("/admin/confirmation").text
        bold.admin_post("/admin/confirmation/link", form_at="/admin/confirmation")
        work()
        message = only(post_office.messages)
        assert message["From"].addresses[0].display_name == "comments.example", "as the mail is of no blog"
        link = link_in(message, "admin/link")
        assert bold.admin_post(link, form_at=link).status_code == 303
        assert bold.client.get(MODERATORS).status_code == 200

    def test_a_new_password_signs_out_everywhere_but_here(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        other = visit()
        other.sign_in(ADA.email, ADAS_PASSWORD)
        weak = ada.admin_post(f"{ACCOUNT}/password", password="password1234")
        assert weak.status_code == 422
        assert "easy to guess" in weak.text
        ada.admin_post(f"{ACCOUNT}/password", password="difference engine 1822")
        assert other.client.get("/admin/queue").status_code == 303
        assert ada.client.get("/admin/queue").status_code == 200
        visit().sign_in(ADA.email, "difference engine 1822")

    def test_name_and_language_need_no_such_thing(self, bold: Visitor) -> None:
        bold.admin_post(ACCOUNT, name="Countess", language="de")
        page = bold.client.get(ACCOUNT).text
        assert 'value="Countess"' in page
        assert '<html lang="de"' in page
        assert bold.admin_post(ACCOUNT, name="x", language="klingon").status_code == 400


def test_outside_the_tests_a_password_is_hashed_at_its_full_price(real_hasher: PasswordHasher) -> None:
    """Argon2id with at least what OWASP asks for: 19 MiB, two rounds."""
    assert real_hasher.type is Type.ID
    assert real_hasher.memory_cost >= 19 * 1024
    assert real_hasher.time_cost >= 2
    assert real_hasher.verify(real_hasher.hash(ADAS_PASSWORD), ADAS_PASSWORD)


class TestAddress:
    """Whoever changes their address signs in with the new one."""

    def test_it_takes_a_confirmation(self, ada: Visitor, time: FrozenClock) -> None:
        time.pass_(minutes=20)
        answer = ada.admin_post(f"{ACCOUNT}/email", form_at=ACCOUNT, email="ada@new.example")
        assert answer.headers["Location"].startswith("/admin/confirmation")

    def test_the_new_one_signs_in_and_the_old_one_does_not(
        self, ada: Visitor, visit: Callable[[], Visitor], post_office: MailServer
    ) -> None:
        """Once the link that was sent to it is opened; a mistyped one changes nothing."""
        confirm(ada)
        answer = ada.admin_post(f"{ACCOUNT}/email", form_at=ACCOUNT, email="Ada@New.example")
        page = ada.client.get(answer.headers["Location"]).text
        assert "We have sent a link to the new address. The address changes once you open it." in page
        assert f'value="{ADA.email}"' in page
        work()
        message = only(post_office.messages)
        assert message["To"] == "ada@new.example"
        link = link_in(message, "account/email")
        assert f"From {ADA.email} to ada@new.example" in ada.client.get(link).text
        answer = ada.admin_post(link, form_at=link)
        assert ">Saved.</p>" in ada.client.get(answer.headers["Location"]).text
        assert 'value="ada@new.example"' in ada.client.get(ACCOUNT).text
        assert ada.client.get(link).status_code == 403, "it was for the old one"
        visit().sign_in("ada@new.example", ADAS_PASSWORD)
        with pytest.raises(AssertionError):
            visit().sign_in(ADA.email, ADAS_PASSWORD)

    def test_somebody_elses_link_changes_nothing(self, ada: Visitor, hedy: Visitor) -> None:
        number = db.session.scalars(select(Moderator.id).where(Moderator.email == ADA.email)).one()
        link = urlsplit(one_time_links.new_address_url(number, ADA.email, "new@blog.example")).path
        assert hedy.client.get(link).status_code == 403
        assert hedy.admin_post(link, form_at=ACCOUNT).status_code == 403

    def test_without_a_mail_server_it_changes_at_once(self, ada: Visitor, set_up: Callable[..., None]) -> None:
        set_up(mail_url="")
        confirm(ada)
        answer = ada.admin_post(f"{ACCOUNT}/email", form_at=ACCOUNT, email="ada@new.example")
        assert 'value="ada@new.example"' in ada.client.get(answer.headers["Location"]).text

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            (HEDY.email, "This address already belongs to a moderator."),
            ("no address", "Please enter an email address such as name@example.org"),
            ("", "Please fill in this field."),
        ],
    )
    def test_a_wrong_one_changes_nothing(self, ada: Visitor, hedy: Visitor, typed: str, told: str) -> None:
        confirm(ada)
        answer = ada.admin_post(f"{ACCOUNT}/email", form_at=ACCOUNT, email=typed)
        assert answer.status_code == 422
        assert f'role="alert">{told}' in answer.text, "in sight, wherever the field is"
        assert f"sent to {ADA.email}" in ada.client.get(ACCOUNT).text


class TestPasskeys:
    """What a browser sends is believed only where it proves something; the browser's tests make real keys."""

    @pytest.fixture
    def keyed(self, ada: Visitor, moderator: Moderator) -> Passkey:
        db.begin_write()
        key = Passkey(moderator_id=moderator.id, credential="AAAA", public_key=b"x", sign_count=0, name="phone")
        db.session.add(key)
        db.session.commit()
        return key

    def test_questions_are_asked_for_our_host(self, ada: Visitor) -> None:
        asked = json.loads(ada.client.get(f"{ACCOUNT}/passkeys/question").text)
        assert asked["rp"]["id"] == "comments.example"
        assert asked["user"]["name"] == ADA.email
        assert asked["authenticatorSelection"]["userVerification"] == "required"
        signing = json.loads(ada.client.get("/admin/sign-in/passkey").text)
        assert (signing["rpId"], signing["userVerification"]) == ("comments.example", "required")

    @pytest.mark.parametrize(
        "answer",
        ["", "{}", "[]", "null", '"x"', "{" * 50_000, '{"response": {"clientDataJSON": "e30"}}',
         '{"id": "AAAA", "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiAiZUE9PSJ9"}}', "\0"],
        ids=range(9),
    )  # fmt: skip
    def test_nonsense_opens_nothing(self, visit: Callable[[], Visitor], keyed: Passkey, answer: str) -> None:
        answer_ = visit().admin_post("/admin/sign-in/passkey", form_at="/admin/sign-in", answer=answer)
        assert answer_.status_code == 403
        assert "passkey was not accepted" in answer_.text

    def test_a_question_is_answered_once(self, visit: Callable[[], Visitor], keyed: Passkey) -> None:
        challenge = json.loads(passkeys.to_sign_in())["challenge"]
        db.begin_write()
        assert passkeys._spend(passkeys.TO_SIGN_IN, passkeys._decoded(challenge)) is None
        with pytest.raises(passkeys.PasskeyRefused):
            passkeys._spend(passkeys.TO_SIGN_IN, passkeys._decoded(challenge))

    def test_the_last_way_in_is_not_thrown_away(self, ada: Visitor, keyed: Passkey) -> None:
        assert ada.admin_post(f"{ACCOUNT}/password/removal").status_code == 303
        assert ada.admin_post(f"{ACCOUNT}/passkeys/{keyed.id}/removal").status_code == 409
        assert "phone" in ada.client.get(ACCOUNT).text
        stranger_key = ada.admin_post(f"{ACCOUNT}/passkeys/999/removal")
        assert stranger_key.status_code == 409

    def test_without_a_passkey_the_password_stays(self, ada: Visitor) -> None:
        assert ada.admin_post(f"{ACCOUNT}/password/removal").status_code == 409
        assert ada.admin_post(f"{ACCOUNT}/passkeys", answer="x").status_code == 403


class TestRoles:
    """Owners decide everything; moderators about their own sites, and hear of no others."""

    @pytest.fixture
    def two(self, bob: Visitor, rules: Callable[..., None]) -> tuple[int, int]:
        rules("blog", moderation="all")
        return bob.comment(BOB, body="on the blog"), bob.comment(BOB, "other", "x.html", body="on the other")

    def test_a_moderator_sees_their_own_sites(self, hedy: Visitor, two: tuple[int, int]) -> None:
        page = hedy.client.get("/admin/queue").text
        assert "on the other" in page
        assert "on the blog" not in page
        log = hedy.client.get("/admin/log?of=decisions").text
        assert "on the other" in log
        assert "on the blog" not in log

    def test_and_decides_about_nothing_else(self, hedy: Visitor, two: tuple[int, int]) -> None:
        foreign, own = two
        assert hedy.admin_post(f"/admin/comments/{foreign}/approval").status_code == 404
        assert row(foreign).state == "pending"
        hedy.decide(own, "approval")
        assert row(own).state == "approved"

    def test_bans_hold_on_their_sites_alone(self, hedy: Visitor, ada: Visitor, two: tuple[int, int]) -> None:
        fields = {"kind": "word", "value": "casino"}
        assert hedy.admin_post("/admin/bans", site="", **fields).status_code == 422
        assert hedy.admin_post("/admin/bans", site=str(Site.named("blog").id), **fields).status_code == 422
        assert hedy.admin_post("/admin/bans", site=str(Site.named("other").id), **fields).status_code == 303
        ada.admin_post("/admin/bans", kind="domain", value="evil.example")
        page = hedy.client.get("/admin/bans").text
        assert "casino" in page
        assert "evil.example" not in page
        number = re.findall(r"/admin/bans/(\d+)/end", ada.client.get("/admin/bans").text)[0]
        assert hedy.admin_post(f"/admin/bans/{number}/end").status_code == 404
        assert hedy.admin_post("/admin/bans", comment=str(two[0]), kind="address", site="").status_code == 422

    @pytest.mark.parametrize("page", ["email", "email/1", "subscriptions", "channels", "moderators"])
    def test_what_is_the_owners_is_not_theirs(self, hedy: Visitor, page: str) -> None:
        answer = hedy.client.get(f"/admin/{page}")
        assert answer.status_code == 403

    def test_their_comments_are_a_moderators_on_their_own_sites(self, hedy: Visitor) -> None:
        own = hedy.comment(HEDY, "other", "x.html")
        foreign = hedy.comment(HEDY, "blog")
        assert row(own).moderator_id is not None
        assert row(foreign).moderator_id is None

    def test_the_page_of_an_article_says_who_is_signed_in(self, hedy: Visitor) -> None:
        assert "Angemeldet als Hedy" in hedy.client.get("/t/other/x.html").text

    def test_they_hear_of_what_waits_on_their_sites_alone(
        self, hedy: Visitor, two: tuple[int, int], post_office: MailServer, time: FrozenClock
    ) -> None:
        work(time)
        message = only(post_office.messages)
        assert message["To"] == HEDY.email
        assert "on the other" in message.get_body(("plain",)).get_content()
        assert "on the blog" not in message.get_body(("plain",)).get_content()

    def test_who_lost_a_site_decides_by_no_old_email(
        self, hedy: Visitor, ada: Visitor, two: tuple[int, int], post_office: MailServer, time: FrozenClock
    ) -> None:
        work(time)
        link = link_in(next(one for one in post_office.messages if one["To"] == HEDY.email), "moderate")
        number = db.session.scalars(select(Moderator.id).where(Moderator.email == HEDY.email)).one()
        ada.admin_post(f"{MODERATORS}/{number}", role="moderator")
        assert hedy.client.post(link).status_code == 403
        assert row(two[1]).state == "pending"
        assert "<article" not in hedy.client.get("/admin/queue").text


class TestModerators:
    """Owners invite, change and remove; there is always one left."""

    def test_who_is_invited_gets_a_link(
        self, ada: Visitor, post_office: MailServer, visit: Callable[[], Visitor], time: FrozenClock
    ) -> None:
        site = str(Site.named("other").id)
        ada.admin_post(MODERATORS, email="Eve@Blog.example", name="Eve", role="moderator", site=site)
        work()
        message = only(post_office.messages)
        assert message["To"] == "eve@blog.example"
        assert message["Subject"] == "Invitation to moderate comments on Another"
        assert "Ada has invited you to moderate comments on Another." in text_of(message)
        assert "If you did not ask" not in text_of(message)
        eve, link = visit(), link_in(message, "admin/link")
        time.pass_(hours=70)  # who is invited may read their email days later
        assert eve.admin_post(link, form_at=link).status_code == 303
        assert eve.client.get("/admin/queue").status_code == 200
        assert eve.client.get(MODERATORS).status_code == 403

    def test_they_are_invited_in_their_language(self, ada: Visitor, post_office: MailServer) -> None:
        ada.admin_post(MODERATORS, email="eve@blog.example", role="owner", language="de")
        work()
        assert only(post_office.messages)["Subject"].startswith("Einladung")
        assert ada.admin_post(MODERATORS, email="f@blog.example", role="owner", language="xx").status_code == 400

    def test_the_log_says_who_was_invited_changed_and_removed(self, ada: Visitor, hedy: Visitor) -> None:
        number = db.session.scalars(select(Moderator.id).where(Moderator.email == HEDY.email)).one()
        ada.admin_post(MODERATORS, email="eve@blog.example", name="Eve", role="owner")
        answer = ada.admin_post(f"{MODERATORS}/{number}", role="owner")
        assert "<bdi>Hedy</bdi>: Saved." in ada.client.get(answer.headers["Location"]).text
        ada.admin_post(f"{MODERATORS}/{number}/removal")
        ada.admin_post(f"{MODERATORS}/{number}/return")
        cells = re.findall(r"<td[^>]*>(.*?)</td>", ada.client.get("/admin/log").text, re.S)
        said = [(cells[at + 2], re.sub("<[^>]*>", "", cells[at + 3])) for at in range(0, len(cells), 5)]
        assert said == [
            ("Brought a moderator back.", "Hedy"),
            ("Removed a moderator.", "Hedy"),
            ("Changed a moderator’s role or badge.", "Hedy"),
            ("Invited a moderator.", "Eve"),
        ]

    def test_nothing_typed_is_lost(self, ada: Visitor) -> None:
        for email in ("nonsense", ADA.email):
            answer = ada.admin_post(MODERATORS, email=email, name="Eve", role="moderator")
            assert answer.status_code == 422
            assert f'value="{email}"' in answer.text
            assert 'value="Eve"' in answer.text
        assert ada.admin_post(MODERATORS, email="e@x.example", role="king").status_code == 400

    def test_who_is_removed_is_out_at_once_and_may_come_back(
        self, ada: Visitor, hedy: Visitor, bob: Visitor, visit: Callable[[], Visitor]
    ) -> None:
        held = bob.comment(BOB, "other", "x.html")
        hedy.decide(held, "approval")
        number = db.session.scalars(select(Moderator.id).where(Moderator.email == HEDY.email)).one()
        ada.admin_post(f"{MODERATORS}/{number}/removal")
        assert hedy.client.get("/admin/queue").status_code == 303
        page = ada.client.get(f"{MODERATORS}?removed={number}").text
        assert "Hedy can no longer sign in." in page
        assert "Hedy" in ada.client.get("/admin/log?of=decisions").text
        ada.admin_post(f"{MODERATORS}/{number}/return")
        visit().sign_in(HEDY.email, "eighty-eight piano keys")

    def test_an_owner_is_left(self, ada: Visitor, moderator: Moderator) -> None:
        assert ada.admin_post(f"{MODERATORS}/{moderator.id}/removal").status_code == 409
        assert ada.admin_post(f"{MODERATORS}/{moderator.id}", role="moderator").status_code == 409
        assert db.session.scalars(select(Moderator.role)).one() == Role.OWNER

    def test_a_removed_one_may_be_invited_anew(self, ada: Visitor, hedy: Visitor) -> None:
        number = db.session.scalars(select(Moderator.id).where(Moderator.email == HEDY.email)).one()
        ada.admin_post(f"{MODERATORS}/{number}/removal")
        assert ada.admin_post(MODERATORS, email=HEDY.email, name="Hedy", role="owner").status_code == 303
        found = Moderator.with_email(HEDY.email)
        assert found
        assert (found.id, found.role, found.password_hash) == (number, "owner", None)


def _token(person: Visitor) -> str:
    found = re.search(r'name="csrf_token" value="([^"]*)"', person.client.get("/admin/sign-in").text)
    assert found
    return found[1]


def test_a_link_that_is_no_longer_valid_leads_to_signing_in(client: FlaskClient) -> None:
    """Instead of nowhere."""
    page = client.post("/admin/link/used")
    assert page.status_code in (403, 410)
    assert '<a href="/admin/sign-in">' in page.text
