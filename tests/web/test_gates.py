"""Every gate by itself, and in which order they stand: the cheapest first, each with a sentence of its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from commentsvc.db import db
from commentsvc.fair_lock import FairSemaphore
from commentsvc.models import Comment
from tests.cast import ADA, ADAS_PASSWORD, ARTICLE, BOB, GRACE
from tests.time import FrozenClock
from tests.visitors import Visitor

Rules = Callable[..., None]
REFUSAL = re.compile(r'data-refusal="([a-z-]+)"')


@dataclass
class Attempt:
    """A form as it is about to be sent, and how it came; spoilt by one gate after the other."""

    bob: Visitor
    ada: Visitor
    rules: Rules
    time: FrozenClock
    form: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def send(self) -> tuple[int, str]:
        """The status, and the refusal's name."""
        answer = self.bob.send(self.form, endpoint="embed", headers=self.headers)
        found = REFUSAL.search(answer.text)
        return answer.status_code, found[1] if found else ""


def shape(attempt: Attempt) -> None:
    attempt.form["padding"] = "x" * 1_000_000


def origin(attempt: Attempt) -> None:
    attempt.headers["Origin"] = "https://evil.example"


def throttled(attempt: Attempt) -> None:
    attempt.rules("blog", comments_per_minute=1)
    attempt.bob.send(attempt.form | {"idempotency_key": "earlier", "leave_empty": "x"}, endpoint="embed")


def ban(attempt: Attempt) -> None:
    attempt.ada.sign_in(ADA.email, ADAS_PASSWORD)
    answer = attempt.ada.admin_post("/admin/bans", form_at="/admin/bans", kind="email", value=BOB.email)
    assert "changed" in answer.headers["Location"]


def closed(attempt: Attempt) -> None:
    attempt.rules("blog", close_after_days=1)


def honeypot(attempt: Attempt) -> None:
    attempt.form["leave_empty"] = "https://spam.example"


def minimum_time(attempt: Attempt) -> None:
    attempt.time.pass_(seconds=-7)


def challenge(attempt: Attempt) -> None:
    attempt.form["challenge_answer"] = "AAAAAA"


def validation(attempt: Attempt) -> None:
    attempt.form["author"] = " "


def duplicate(attempt: Attempt) -> None:
    attempt.form["body"] = GRACE.says


GATES: dict[Callable[[Attempt], None], tuple[int, str]] = {
    shape: (413, ""),
    origin: (403, "wrong-origin"),
    throttled: (429, "too-many"),
    ban: (403, "banned"),
    closed: (403, "thread-closed"),
    honeypot: (403, "hidden-field-filled"),
    minimum_time: (403, "looks-automatic"),
    challenge: (403, "challenge-failed"),
    validation: (422, "invalid-fields"),
    duplicate: (409, "already-posted"),
}


@pytest.fixture
def attempt(bob: Visitor, ada: Visitor, visit: Callable[[], Visitor], rules: Rules, time: FrozenClock) -> Attempt:
    """Bob, about to answer below what Grace wrote two days ago; nothing is wrong yet."""
    visit().comment(GRACE)
    rules("blog", same_text_hours=1000)
    time.pass_(days=2)
    return Attempt(bob, ada, rules, time, bob.fill(BOB, email=BOB.email))


def number_of_comments() -> int:
    db.session.rollback()
    return db.session.query(Comment).count()


def test_with_nothing_wrong_it_is_let_in(attempt: Attempt) -> None:
    assert attempt.send() == (201, "")


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_each_gate_alone_refuses(attempt: Attempt, gate: Callable[[Attempt], None]) -> None:
    gate(attempt)
    assert attempt.send() == GATES[gate]
    assert number_of_comments() == 1


def test_the_cheapest_check_refuses_first(attempt: Attempt) -> None:
    """Spoilt from the last gate to the first, it is always the earliest of them that speaks."""
    for gate in reversed(GATES):
        gate(attempt)
        assert attempt.send() == GATES[gate], gate.__name__
        attempt.form["idempotency_key"] = gate.__name__
        if gate in (validation, duplicate):  # what was solved is used up
            attempt.form |= {
                name: value for name, value in attempt.bob.fill(BOB).items() if name.startswith("challenge")
            }
    assert number_of_comments() == 1


@pytest.mark.parametrize("taken", ["_post_slots", "_active_slots"])
def test_whose_turn_does_not_come_is_told_in_time_and_keeps_the_text(
    bob: Visitor, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    full = FairSemaphore(0)
    monkeypatch.setattr("commentsvc.web.gate.TIMEOUT", 0.05)
    none = full if taken == "_post_slots" else {"sqlite": full, "postgresql": full}
    monkeypatch.setattr(f"commentsvc.web.gate.{taken}", none)
    answer = bob.post(body="Patience!")
    assert answer.status_code == 503
    assert ">Patience!</textarea>" in answer.text
    monkeypatch.undo()
    assert bob.post(body="Patience!").status_code == 303


def test_a_double_click_is_asked_nothing_again(attempt: Attempt) -> None:
    assert attempt.send()[0] == 201
    for gate in (throttled, ban, closed, honeypot):
        gate(attempt)
    assert attempt.send()[0] == 201
    assert number_of_comments() == 2


@pytest.mark.parametrize(("characters", "seconds"), [(10, 2.1), (400, 3.7), (1_500, 8.1), (19_000, 8.1)])
def test_a_long_text_takes_longer_but_never_long(
    bob: Visitor, time: FrozenClock, characters: int, seconds: float
) -> None:
    form = bob.fill(BOB, body="ab cd " * (characters // 6))
    time.pass_(seconds=seconds - 8 - 0.3)
    early = bob.send(form, endpoint="embed")
    assert (early.status_code, REFUSAL.search(early.text)[1]) == (403, "looks-automatic")  # type: ignore[index]
    time.pass_(seconds=0.4)
    assert bob.send(form).status_code == 303


def test_the_same_text_from_anybody_leads_to_the_first(visit: Callable[[], Visitor]) -> None:
    first = visit().comment(BOB)
    again = visit().post(GRACE, body="  mine STILL has a *cord*   :-) ")
    assert again.status_code == 409
    assert f'href="#comment-{first}"' in again.text
    assert ARTICLE in again.request.path
