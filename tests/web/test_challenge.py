"""The picture: one try, this visitor, this thread, not for ever, and its answer nowhere to be read."""

from base64 import urlsafe_b64decode
from collections.abc import Callable

import pytest

from commentsvc.captcha.alphabet import LETTERS
from commentsvc.captcha.image import HEIGHT, WIDTH
from tests.cast import ARTICLE, BOB, GRACE
from tests.time import FrozenClock
from tests.visitors import Visitor, answer_to


def test_it_is_a_small_picture_that_nobody_keeps(bob: Visitor) -> None:
    token = bob.open_form()["challenge_token"]
    answer = bob.client.get(f"/captcha/{token}.png")
    assert answer.content_type == "image/png"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data[16:24] == WIDTH.to_bytes(4) + HEIGHT.to_bytes(4)
    assert len(answer.data) < 5_000


def test_the_answer_stands_nowhere(bob: Visitor) -> None:
    page = bob.client.get(f"/t/blog/{ARTICLE}")
    token = bob.open_form()["challenge_token"]
    answer = answer_to(token)
    assert len(answer) == 6
    assert set(answer) <= set(LETTERS)
    picture = bob.client.get(f"/captcha/{token}.png")
    cookie = bob.client.get_cookie("__Host-visitor", domain="comments.example").value
    signed = [urlsafe_b64decode(f"{part}===").decode("latin-1") for part in (*cookie.split("."), *token.split("."))]
    for place in (page.text, str(page.headers), token, str(picture.headers), cookie, *signed):
        assert answer not in place
    assert answer.encode() not in picture.data


def test_no_question_makes_it_larger(bob: Visitor) -> None:
    token = bob.open_form()["challenge_token"]
    plain = bob.client.get(f"/captcha/{token}.png").data
    assert bob.client.get(f"/captcha/{token}.png?width=9999&height=9999&size=100&length=50").data == plain


def test_small_letters_spaces_and_look_alikes_are_fine(bob: Visitor) -> None:
    form = bob.fill(BOB)
    form["challenge_answer"] = " ".join(form["challenge_answer"].lower().replace("6", "g").replace("f", "e"))
    assert bob.send(form).status_code == 303


@pytest.mark.parametrize("answer", ["AAAAAA", "000000", "\x00", "ÄÖÜ", "A" * 100, "A" * 4000])
def test_a_wrong_answer_gets_a_new_picture_and_loses_no_text(bob: Visitor, answer: str) -> None:
    form = bob.fill(BOB, challenge_answer=answer)
    again = bob.send(form)
    assert again.status_code == 403
    assert "That did not match" in again.text
    assert BOB.says in again.text
    assert form["challenge_token"] not in again.text


def test_who_forgets_to_answer_is_asked_to_and_keeps_the_picture(bob: Visitor) -> None:
    form = bob.fill(BOB)
    again = bob.send(form | {"challenge_answer": " "})
    assert again.status_code == 403
    assert "please complete the robot check below" in again.text
    assert form["challenge_token"] in again.text
    assert bob.send(form).status_code == 303


def test_who_sends_an_empty_form_hears_of_the_fields_not_of_the_picture(bob: Visitor) -> None:
    answer = bob.post(author="", body="", challenge_answer="")
    assert answer.status_code == 422
    assert "Please check the highlighted fields." in answer.text
    assert "Your text is still there" not in answer.text
    assert "not a robot" not in answer.text.partition("<img")[0]
    assert "challenge_answer" in answer.text


def test_one_try_only_even_after_a_wrong_answer(bob: Visitor) -> None:
    form = bob.fill(BOB)
    assert bob.send(form | {"challenge_answer": "AAAAAA", "idempotency_key": "1"}).status_code == 403
    assert bob.send(form).status_code == 403


def test_a_right_answer_serves_once(bob: Visitor, rules: Callable[..., None]) -> None:
    rules("blog", moderation="all")
    form = bob.fill(BOB)
    assert bob.send(form).status_code == 303
    assert bob.send(form | {"body": "another text", "idempotency_key": "another"}).status_code == 403


def test_a_refused_comment_has_used_it_up_too(bob: Visitor) -> None:
    form = bob.fill(BOB)
    assert bob.send(form | {"body": ""}).status_code == 422
    assert bob.send(form | {"idempotency_key": "again"}).status_code == 403


def test_an_old_cookie_brings_nothing_back(bob: Visitor, rules: Callable[..., None]) -> None:
    rules("blog", moderation="all")
    form = bob.fill(BOB)
    before = bob.client.get_cookie("__Host-visitor", domain="comments.example").value
    bob.send(form)
    bob.client.set_cookie("__Host-visitor", before, domain="comments.example", secure=True)
    assert bob.send(form | {"body": "another", "idempotency_key": "x"}).status_code == 403


def test_somebody_elses_does_not_serve(bob: Visitor, visit: Callable[[], Visitor]) -> None:
    grace = visit()
    grace.open_form()
    assert grace.send(bob.fill(GRACE)).status_code == 403


def test_another_threads_does_not_serve(bob: Visitor) -> None:
    form = bob.fill(BOB, key="another")
    assert bob.send(form, key=ARTICLE).status_code == 403
    assert bob.send(bob.fill(BOB, site="other"), site="blog").status_code == 403


def test_after_ten_minutes_it_is_too_old(bob: Visitor, time: FrozenClock) -> None:
    form = bob.fill(BOB)
    token = form["challenge_token"]
    time.pass_(minutes=11)
    answer = bob.send(form)
    assert answer.status_code == 403
    assert "has expired" in answer.text
    assert bob.client.get(f"/captcha/{token}.png").status_code == 404


def test_without_a_cookie_the_form_itself_says_who_writes(bob: Visitor) -> None:
    form = bob.fill(BOB)
    bob.client.delete_cookie("__Host-visitor", domain="comments.example")
    assert bob.send(form | {"challenge_answer": "AAAAAA", "idempotency_key": "1"}).status_code == 403
    form = bob.fill(BOB)
    bob.client.delete_cookie("__Host-visitor", domain="comments.example")
    assert bob.send(form).status_code == 303


def test_with_neither_the_page_says_what_is_needed(bob: Visitor) -> None:
    form = bob.fill(BOB, visitor="")
    bob.client.delete_cookie("__Host-visitor", domain="comments.example")
    answer = bob.send(form)
    assert answer.status_code == 403
    assert "Please allow cookies" in answer.text
    assert BOB.says in answer.text


def test_broken_tokens_are_nothing(bob: Visitor) -> None:
    assert bob.client.get("/captcha/x.png").status_code == 404
    form = bob.fill(BOB, challenge_token="x")
    assert bob.send(form).status_code == 403


def test_pictures_are_limited(bob: Visitor, visit: Callable[[], Visitor]) -> None:
    """By address, and by visitor from whichever address."""

    def look(token: str, address: str) -> int:
        return bob.client.get(f"/captcha/{token}.png", environ_overrides={"REMOTE_ADDR": address}).status_code

    token, theirs = bob.open_form()["challenge_token"], visit().open_form()["challenge_token"]
    assert {look(token, "203.0.113.7") for _ in range(40)} == {200}
    assert look(theirs, "203.0.113.7") == 429
    assert look(token, "198.51.100.7") == 429
    assert look(theirs, "198.51.100.7") == 200


def test_a_site_may_do_without(bob: Visitor, rules: Callable[..., None]) -> None:
    rules("blog", captcha="never")
    before_challenge = bob.client.get(f"/t/blog/{ARTICLE}").text.split('class="challenge" hidden')[0]
    assert "Type the six characters" not in before_challenge
    assert bob.send(bob.fill(BOB, challenge_answer="")).status_code == 303


class TestGuessing:
    """Wrong answers are counted, by address, by neighbourhood and by visitor."""

    @pytest.fixture(autouse=True)
    def nobody_is_known(self, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")

    def guess(self, visitor: Visitor, address: str = "203.0.113.7", **fields: str) -> int:
        form = visitor.fill(BOB, **fields)
        return visitor.send(form, environ_overrides={"REMOTE_ADDR": address}).status_code

    def test_after_ten_even_the_right_one_has_to_wait(self, visit: Callable[[], Visitor]) -> None:
        statuses = [self.guess(visit(), challenge_answer="AAAAAA") for _ in range(10)]
        assert set(statuses) == {403}
        assert self.guess(visit()) == 429
        assert self.guess(visit(), address="198.51.100.7") == 303

    def test_a_visitor_who_moves_on_is_still_the_same(self, bob: Visitor) -> None:
        for number in range(10):
            assert self.guess(bob, f"192.0.{number}.1", challenge_answer="AAAAAA") == 403
        answer = bob.send(bob.fill(BOB), environ_overrides={"REMOTE_ADDR": "198.51.100.1"})
        assert answer.status_code == 429
        assert BOB.says in answer.text

    def test_neighbours_share_a_wider_limit(self, visit: Callable[[], Visitor]) -> None:
        for number in range(60):
            assert self.guess(visit(), f"203.0.113.{number}", challenge_answer="AAAAAA") == 403
        assert self.guess(visit(), "203.0.113.200") == 429
        assert self.guess(visit(), "203.0.114.1") == 303

    def test_a_form_sent_twice_at_once_is_no_guess(self, bob: Visitor) -> None:
        for number in range(11):
            form = bob.fill(BOB, body=f"text {number}")
            assert bob.send(form).status_code == 303
            assert bob.send(form).status_code == 303

    def test_an_expired_picture_is_no_guess(self, bob: Visitor, time: FrozenClock) -> None:
        for _ in range(11):
            form = bob.fill(BOB)
            time.pass_(minutes=11)
            assert bob.send(form).status_code == 403
        assert self.guess(bob) == 303
