"""How a stranger gets past the challenge: by eye, by ear, by a computation, by a moderator's leave, or unasked."""

import io
import json
import wave
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import altcha
import pytest
from sqlalchemy import select

from commentsvc import tokens
from commentsvc.captcha import proof_of_work
from commentsvc.db import db
from commentsvc.models import Subscription
from commentsvc.models.comment import State
from commentsvc.notifications import subscriptions
from commentsvc.web import challenge_check
from tests.cast import ARTICLE, BOB, GRACE, MALLORY
from tests.time import FrozenClock
from tests.visitors import Visitor, answer_to, digits_of, hidden_fields, row

Rules = Callable[..., None]
Visit = Callable[[], Visitor]


def posed_to(visitor: Visitor, **headers: str) -> dict[str, Any]:
    """What the API asks this visitor to solve."""
    return dict(visitor.client.post("/api/v1/challenges", json={"site": "blog", "key": ARTICLE}, headers=headers).json)


def computed(work: dict[str, Any], **changes: object) -> str:
    """The answer of somebody who has ALTCHA's own library."""
    posed = altcha.Challenge.from_dict(work)
    solution = altcha.solve_challenge(posed)
    assert solution is not None
    payload = json.loads(b64decode(altcha.Payload(posed, solution).to_base64()))
    payload["solution"] |= changes
    return b64encode(json.dumps(payload).encode()).decode()


class TestTheSound:
    """Six digits, heard."""

    def test_it_is_a_small_sound_that_nobody_keeps(self, bob: Visitor) -> None:
        token = bob.open_form()["challenge_token"]
        answer = bob.client.get(f"/captcha/{token}.wav")
        assert answer.content_type == "audio/wav"
        assert answer.headers["Cache-Control"] == "no-store"
        assert len(answer.data) < 60_000
        with wave.open(io.BytesIO(answer.data)) as sound:
            assert 4 < sound.getnframes() / sound.getframerate() < 7.5

    def test_what_it_says_is_as_good_as_what_the_picture_shows(self, bob: Visitor) -> None:
        form = bob.fill(BOB)
        heard = digits_of(form["challenge_token"])
        assert bob.send(form | {"challenge_answer": "-".join(heard)}).status_code == 303

    def test_it_speaks_the_language_of_the_page(self, bob: Visitor) -> None:
        page = bob.client.get(f"/t/blog/{ARTICLE}?lang=de").text
        token = bob.open_form()["challenge_token"]
        assert ".wav?lang=de" in page
        german = bob.client.get(f"/captcha/{token}.wav?lang=de").data
        assert german != bob.client.get(f"/captcha/{token}.wav?lang=en").data
        assert bob.client.get(f"/captcha/{token}.wav?lang=de").data == german
        french = bob.client.get(f"/t/blog/{ARTICLE}?lang=fr").text
        assert ".wav?lang=en" in french
        assert "anglais" in french

    def test_it_can_be_played_again_but_new_ones_are_few(self, bob: Visitor) -> None:
        tokens = [posed_to(bob)["token"] for _ in range(6)]
        for _ in range(9):
            assert bob.client.get(f"/captcha/{tokens[0]}.wav").status_code == 200
        assert [bob.client.get(f"/captcha/{token}.wav").status_code for token in tokens[1:]] == [200] * 4 + [429]
        assert bob.client.get(f"/captcha/{tokens[0]}.wav").status_code == 200

    def test_three_wrong_ones_are_enough_but_the_picture_is_left(self, bob: Visitor) -> None:
        for _ in range(3):
            assert bob.post(BOB, challenge_answer="123456").status_code == 403
        form = bob.fill(BOB)
        assert bob.send(form | {"challenge_answer": digits_of(form["challenge_token"])}).status_code == 429
        assert bob.send(form).status_code == 303

    def test_one_letter_among_them_opens_no_wider_door(self, bob: Visitor) -> None:
        form = bob.fill(BOB)
        assert bob.send(form | {"challenge_answer": "." + digits_of(form["challenge_token"])}).status_code == 403

    def test_a_network_of_six_has_no_more_of_them(self, bob: Visitor) -> None:
        tokens = [posed_to(bob)["token"] for _ in range(6)]
        heard = [
            bob.client.get(
                f"/captcha/{token}.wav", environ_overrides={"REMOTE_ADDR": f"2001:db8::{number}"}
            ).status_code
            for number, token in enumerate(tokens, 1)
        ]
        assert heard == [200] * 5 + [429]

    def test_invalid_requests_do_not_use_up_the_networks_limit(self, bob: Visitor, visit: Visit) -> None:
        for number in range(60):
            bob.client.get(f"/captcha/x{number}.wav", environ_overrides={"REMOTE_ADDR": "203.0.113.5"})
        token = posed_to(bob)["token"]
        near = {"REMOTE_ADDR": "203.0.113.6"}
        assert visit().client.get(f"/captcha/{token}.wav", environ_overrides=near).status_code == 200

    def test_the_digits_stand_nowhere(self, bob: Visitor) -> None:
        page = bob.client.get(f"/t/blog/{ARTICLE}")
        token = hidden_fields(page)["challenge_token"]
        sound = bob.client.get(f"/captcha/{token}.wav")
        for place in (page.text, str(page.headers), token, str(sound.headers)):
            assert digits_of(token) not in place

    def test_broken_ones_are_nothing(self, bob: Visitor) -> None:
        assert bob.client.get("/captcha/x.wav").status_code == 404


class TestTheComputation:
    """ALTCHA's protocol, as its own library speaks it."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof_of_work, "NUMBERS", (20, 60))

    def send(self, bob: Visitor, posed: dict[str, Any], answer: str) -> int:
        bob.take_time()
        form = {"author": "Bob", "body": BOB.says, "challenge_token": posed["token"], "challenge_work": answer}
        return bob.send(form, endpoint="embed").status_code

    def test_it_is_an_answer_like_the_others(self, bob: Visitor) -> None:
        posed = posed_to(bob)
        assert self.send(bob, posed, computed(posed["work"])) == 201

    def test_programs_send_it_as_their_answer(self, bob: Visitor) -> None:
        posed = posed_to(bob)
        solved = {"token": posed["token"], "answer": computed(posed["work"])}
        said = {"author": "Bob", "body": "computed", "challenge": solved}
        assert bob.client.post(f"/api/v1/threads/blog/{ARTICLE}/comments", json=said).status_code == 201

    def test_it_serves_once_and_for_its_own_challenge(self, bob: Visitor, rules: Rules) -> None:
        rules("blog", moderation="all")
        posed, other = posed_to(bob), posed_to(bob)
        answer = computed(posed["work"])
        assert self.send(bob, other, answer) == 403
        assert self.send(bob, posed, answer) == 202
        assert self.send(bob, posed, answer) == 403

    @pytest.mark.parametrize("change", [{"counter": 1}, {"derivedKey": "00" * 32}, {"counter": "1"}, {"counter": -1}])
    def test_a_wrong_one_is_none(self, bob: Visitor, change: dict[str, object]) -> None:
        posed = posed_to(bob)
        assert self.send(bob, posed, computed(posed["work"], **change)) == 403

    @pytest.mark.parametrize("payload", ["A" * 200, b64encode(b"[" * 3000).decode(), b64encode(b"{}" * 100).decode()])
    def test_rubbish_is_none(self, bob: Visitor, payload: str) -> None:
        assert self.send(bob, posed_to(bob), payload) == 403

    def test_a_problem_of_ones_own_is_none(self, bob: Visitor) -> None:
        posed = posed_to(bob)
        data = posed["work"]["parameters"]["data"]
        easy = altcha.create_challenge("PBKDF2/SHA-256", 1, counter=1, data=data, hmac_secret="mine")
        assert self.send(bob, posed, computed(easy.to_dict())) == 403

    @pytest.mark.parametrize("change", [{"cost": 5000.0}, {"keyLength": 32.0}, {"cost": "5000"}])
    def test_numbers_of_another_kind_are_none(self, bob: Visitor, change: dict[str, object]) -> None:
        posed = posed_to(bob)
        posed["work"]["parameters"] |= change
        payload = {"challenge": posed["work"], "solution": {"counter": 5, "derivedKey": "00" * 32}}
        assert self.send(bob, posed, b64encode(json.dumps(payload).encode()).decode()) == 403

    def test_failures_make_it_longer(self, bob: Visitor) -> None:
        def longest() -> int:
            return max(
                altcha.solve_challenge(altcha.Challenge.from_dict(posed_to(bob)["work"])).counter for _ in range(2)
            )

        assert longest() < 60
        for _ in range(2):
            bob.post(BOB, challenge_answer="AAAAAA")
        assert longest() >= 80


class TestWhoCanSolveNone:
    """After a try in vain, a moderator may read it first."""

    def test_the_way_out_is_shown_after_the_first_failure(self, bob: Visitor) -> None:
        assert "challenge_unsolved" not in bob.client.get(f"/t/blog/{ARTICLE}").text
        assert 'name="challenge_unsolved"' in bob.post(BOB, challenge_answer="AAAAAA").text

    def test_what_is_sent_that_way_waits_and_says_why(self, bob: Visitor) -> None:
        comment = bob.comment(challenge_answer="", challenge_unsolved="1")
        assert row(comment).state == State.PENDING
        assert "the author could not pass the robot check" in row(comment).reasons

    def test_it_is_used_up_like_an_answer(self, bob: Visitor) -> None:
        form = bob.fill(BOB, challenge_answer="", challenge_unsolved="1")
        assert bob.send(form).status_code == 303
        assert bob.send(form | {"body": "and more", "idempotency_key": "2"}).status_code == 403

    def test_a_day_has_three(self, visit: Visit) -> None:
        sent = [visit().post(body=f"text {number}", challenge_unsolved="1").status_code for number in range(4)]
        assert sent == [303, 303, 303, 429]

    def test_it_serves_even_who_guessed_too_often(self, bob: Visitor) -> None:
        for _ in range(10):
            again = bob.post(BOB, challenge_answer="AAAAAA")
        assert 'name="challenge_unsolved"' in again.text
        again = bob.post(BOB)
        assert again.status_code == 429
        assert 'name="challenge_unsolved"' in again.text
        assert row(bob.comment(challenge_unsolved="1")).state == State.PENDING

    def test_a_mistake_in_the_form_keeps_the_way_open(self, bob: Visitor) -> None:
        again = bob.post(BOB, author="", challenge_unsolved="1")
        assert again.status_code == 422
        assert 'name="challenge_unsolved" type="checkbox" value="1" checked' in again.text


class TestWhoIsKnown:
    """Where everybody is asked, who was approved before is not."""

    def test_nobody_asks_again(self, bob: Visitor) -> None:
        bob.comment()
        assert posed_to(bob)["image"] is None
        assert bob.post(body="And another thing.", challenge_answer="").status_code == 303

    def test_what_a_rule_let_in_speaks_for_a_few_comments_at_one_place(self, bob: Visitor, visit: Visit) -> None:
        """Whoever solves one picture and passes their token around has not bought three hundred comments."""
        bob.comment()
        bob.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
        assert bob.post(body="From elsewhere.", challenge_answer="").status_code == 403
        bob.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
        for number in range(challenge_check.MAX_TRUSTED_BY_RULE):
            bob.comment(body=f"One of a few, which is number {number}.", challenge_answer="")
        assert bob.post(body="One more.", challenge_answer="").status_code == 403

    def test_one_that_was_solved_serves_for_a_visit(self, bob: Visitor, time: FrozenClock, rules: Rules) -> None:
        rules("blog", moderation="all")
        bob.comment()
        assert row(bob.comment(body="And another thing.", challenge_answer="")).state == State.PENDING
        bob.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
        assert bob.post(body="From elsewhere.", challenge_answer="").status_code == 403
        bob.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
        assert bob.post(body="One more.", challenge_answer="WRONG").status_code == 403
        time.pass_(minutes=31)
        assert bob.post(body="One more.", challenge_answer="").status_code == 403

    def test_what_a_person_approved_speaks_for_all(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", moderation="first")
        ada.decide(bob.comment(), "approval")
        bob.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
        for number in range(challenge_check.MAX_TRUSTED_BY_RULE + 2):
            bob.comment(body=f"Another thing, which is number {number}.", challenge_answer="")

    def test_unless_their_spam_was_seen_since(self, ada: Visitor, bob: Visitor) -> None:
        bob.comment()
        ada.decide(bob.comment(MALLORY, challenge_answer=""), "spam")
        assert bob.post(body="And another thing.", challenge_answer="").status_code == 403

    def test_an_address_confirmed_in_this_browser_speaks_for_it(
        self, bob: Visitor, visit: Visit, ada: Visitor, rules: Rules
    ) -> None:
        bob.comment(email=BOB.email)
        rules("blog", moderation="first")
        new, mallory = visit(), visit()
        for visitor in (new, mallory):
            visitor.comment(body=f"one of {visitor!r}", email=BOB.email, notify="on")
        asked = db.session.scalars(select(Subscription).where(Subscription.topic == "replies")).all()
        token = tokens.sign(subscriptions.CONFIRM, [asked[0].id, subscriptions._requester(asked[0])])
        new.client.post(f"/confirm/{token}")
        assert row(new.comment(body="It is me.", challenge_answer="")).state == State.APPROVED
        assert mallory.post(body="It is me, too.", challenge_answer="").status_code == 403

    def test_a_typed_name_and_address_prove_nothing(self, bob: Visitor, visit: Visit) -> None:
        bob.comment(email=BOB.email)
        mallory = visit()
        assert mallory.post(BOB, email=BOB.email, body="as Bob", challenge_answer="").status_code == 403

    def test_of_another_site_nobody_knows(self, bob: Visitor, rules: Rules) -> None:
        rules("other", moderation="none", captcha="always")
        bob.comment(site="other")
        assert bob.post(challenge_answer="").status_code == 403


class TestOnlyTheSuspicious:
    """``captcha suspicious``: asked only where score, pace or history say so."""

    @pytest.fixture(autouse=True)
    def _suspicious(self, rules: Rules) -> None:
        rules("blog", captcha="suspicious", comments_per_minute=1000)

    def test_a_plain_comment_passes_unasked(self, bob: Visitor) -> None:
        assert posed_to(bob)["image"] is None
        assert 'class="challenge" hidden' in bob.client.get(f"/t/blog/{ARTICLE}").text
        assert row(bob.comment(challenge_answer="")).state == State.APPROVED

    def test_a_text_like_spam_is_asked_and_kept(self, bob: Visitor) -> None:
        spam = "cheap casino http://a.example http://b.example http://c.example http://d.example"
        again = bob.post(body=spam, challenge_answer="")
        assert again.status_code == 403
        assert spam in again.text
        assert "please complete the robot check below" in again.text
        assert 'class="challenge" hidden' not in again.text
        form = bob.fill(BOB, body=spam)
        assert row(int(bob.send(form).headers["Location"].rpartition("-")[2])).state != State.APPROVED

    def test_nobody_learns_for_free_what_passes(self, bob: Visitor, visit: Visit) -> None:
        for number in range(3):
            assert visit().post(body=f"casino viagra poker {number}", challenge_answer="").status_code == 403
        assert visit().post(body="harmless", challenge_answer="").status_code == 403

    def test_who_was_asked_may_answer_in_any_way(self, bob: Visitor) -> None:
        spam = "casino http://a.example http://b.example http://c.example"
        again = bob.post(body=spam, challenge_answer="")
        assert 'name="challenge_asked" value="1"' in again.text
        other = bob.send(hidden_fields(again) | {"body": spam, "another": "1"})
        assert 'class="challenge" hidden' not in other.text
        wanted = {"site": "blog", "key": ARTICLE, "asked": True}
        assert bob.client.post("/api/v1/challenges", json=wanted).json["work"]

    def test_so_is_who_writes_fast(self, bob: Visitor, visit: Visit) -> None:
        for number in range(3):
            bob.comment(body=f"number {number}", challenge_answer="")
        assert visit().post(GRACE, challenge_answer="").status_code == 403
        assert posed_to(visit())["image"]
        assert visit().post(GRACE).status_code == 303

    def test_and_whose_spam_was_seen(self, bob: Visitor, ada: Visitor) -> None:
        ada.decide(bob.comment(MALLORY, challenge_answer=""), "spam")
        assert posed_to(bob)["image"]
        assert bob.post(body="Harmless now.", challenge_answer="").status_code == 403

    def test_guesses_are_counted_here_too(self, visit: Visit) -> None:
        for _ in range(10):
            assert visit().post(challenge_answer="AAAAAA").status_code == 403
        assert visit().post().status_code == 429


def test_a_form_left_open_is_renewed_without_a_word(bob: Visitor, time: FrozenClock, rules: Rules) -> None:
    """Where nothing has to be solved, how old the form is makes no difference."""
    rules("blog", captcha="never")
    form = bob.fill(BOB)
    time.pass_(hours=5)
    assert bob.send(form).status_code == 303


class TestTheTimeItTakes:
    """Nobody waits twice for the same form."""

    def test_after_a_wrong_answer(self, bob: Visitor, time: FrozenClock) -> None:
        long = "a long text " * 200
        again = hidden_fields(bob.post(body=long, challenge_answer="AAAAAA"))
        form = {"author": "Bob", "body": long, "challenge_answer": answer_to(again["challenge_token"])}
        time.pass_(seconds=1)
        assert bob.send(again | form).status_code == 303

    def test_after_another_picture(self, bob: Visitor, time: FrozenClock) -> None:
        first = posed_to(bob)["token"]
        time.pass_(seconds=9)
        wanted = {"site": "blog", "key": ARTICLE, "instead_of": first}
        token = bob.client.post("/api/v1/challenges", json=wanted).json["token"]
        form = {"author": "Bob", "body": "x" * 2_000, "challenge_token": token, "challenge_answer": answer_to(token)}
        assert bob.send(form, endpoint="embed").status_code == 201

    def test_but_a_token_of_another_thread_or_of_nobody_counts_for_nothing(
        self, bob: Visitor, visit: Visit, time: FrozenClock
    ) -> None:
        first, theirs = bob.open_form(key="elsewhere")["challenge_token"], posed_to(visit())["token"]
        time.pass_(seconds=9)
        for earlier in (first, theirs, "x", ""):
            wanted = {"site": "blog", "key": ARTICLE, "instead_of": earlier}
            token = bob.client.post("/api/v1/challenges", json=wanted).json["token"]
            form = {"author": "Bob", "body": "fast", "challenge_token": token, "challenge_answer": answer_to(token)}
            assert bob.send(form, endpoint="embed").status_code == 403
