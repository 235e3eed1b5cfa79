"""What people type for what they see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from commentsvc.captcha.alphabet import LETTERS, LOOK_ALIKES, matches

ANSWERS = some.text(LETTERS, min_size=6, max_size=6)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("acfhln", "ACFHLN"),
        ("  A c F\th l N ", "ACFHLN"),
        ("GGGqQg", "696999"),
        ("evjRRb", "FUUAP6"),
        ("8B17XM", "33LTNN"),
        ("ＡＣＦ３６９".lower(), "ACF369"),
    ],
)
def test_answers_that_are_accepted(typed: str, answer: str) -> None:
    assert matches(typed, answer)


@pytest.mark.parametrize("typed", ["", "ACFHL", "ACFHLNN", "ACFHLA", "ÄCFHLN", "ßACFHL", "ACFHLN\x00", "0CFHLN"])
def test_what_is_not(typed: str) -> None:
    assert not matches(typed, "ACFHLN")


def test_look_alikes_mean_letters_that_are_drawn_and_are_none_themselves() -> None:
    assert set("".join(LOOK_ALIKES.values())) <= set(LETTERS)
    assert not set(LOOK_ALIKES) & set(LETTERS)


@given(ANSWERS, ANSWERS)
def test_only_the_answer_itself_means_it(one: str, other: str) -> None:
    assert matches(one, other) is (one == other)


@given(some.text(max_size=50), ANSWERS)
def test_any_text_can_be_typed(typed: str, answer: str) -> None:
    matches(typed, answer)
