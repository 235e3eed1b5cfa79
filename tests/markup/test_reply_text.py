"""What a person typed into an answer by mail, as some mail programs send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commentsvc.markup.reply_text import reply_text

MARK = "✂ – – –"
LETTER = f"{MARK} Write your reply above this line\nGrace answered your comment:\n\nThe cat found it."
QUOTE = "\n".join(f"> {line}" for line in LETTER.split("\n"))

ANSWERS = {
    "plain": "Hello Grace",
    "gmail": f"Hello Grace\n\nOn Mon, Nov 23, 2026 at 1:00 PM A blog <comments@blog.example> wrote:\n\n{QUOTE}",
    "gmail, two lines": (
        f"Hello Grace\n\nOn Mon, Nov 23, 2026 at 1:00 PM A blog <\ncomments+r1-2-3@blog.example> wrote:\n\n{QUOTE}"
    ),
    "german": f"Hello Grace\n\nAm Mo., 23. Nov. 2026 um 13:00 Uhr schrieb A blog <comments@blog.example>:\n\n{QUOTE}",
    "french": f"Hello Grace\n\nLe lun. 23 nov. 2026 à 13:00, A blog <comments@blog.example> a écrit :\n{QUOTE}",
    "thunderbird": f"Hello Grace\n\nOn 23.11.26 13:00, A blog wrote:\n{QUOTE}",
    "japanese": f"Hello Grace\n\n2026年11月23日(月) 13:00 A blog <comments@blog.example>:\n\n{QUOTE}",
    "apple": f"Hello Grace\n\n> On 23. Nov 2026, at 13:00, A blog <comments@blog.example> wrote:\n> \n{QUOTE}",
    "phone": f"Hello Grace\n\nSent from my iPhone\n\n> On 23. Nov 2026, at 13:00, A blog wrote:\n> \n{QUOTE}",
    "phone, german": f"Hello Grace\n\nVon meinem iPhone gesendet\n\n> Am 23.11.2026 schrieb A blog:\n> \n{QUOTE}",
    "outlook": (
        "Hello Grace\n\n________________________________\nFrom: A blog <comments@blog.example>\n"
        f"Sent: Monday, 23 November 2026 13:00\nTo: bob@mail.example\nSubject: Grace replied to you\n\n{LETTER}"
    ),
    "outlook, german": (
        "Hello Grace\n\nVon: A blog <comments@blog.example>\nGesendet: Montag, 23. November 2026 13:00\n"
        f"An: bob@mail.example\nBetreff: Grace replied to you\n\n{LETTER}"
    ),
    "original message": (
        f"Hello Grace\n\n-----Original Message-----\nFrom: A blog <c@b.example>\nSent: Monday\nTo: bob\n\n{LETTER}"
    ),
    "signature": f"Hello Grace\n\n-- \nBob\nPhone 123\n\nOn 23.11.26 13:00, A blog wrote:\n{QUOTE}",
    "below": f"On 23.11.26 13:00, A blog wrote:\n{QUOTE}\n\nHello Grace",
    "crlf": f"Hello Grace\r\n\r\nOn 23.11.26 13:00, A blog wrote:\r\n{QUOTE}".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_only_what_was_typed_is_left(name: str) -> None:
    assert reply_text(ANSWERS[name], MARK) == "Hello Grace"


def test_answers_between_the_lines() -> None:
    """Where the beginning of the letter was cut away, what stands between the quotes is what was typed."""
    text = "On 23.11.26 13:00, A blog wrote:\n> The cat found it.\nWhich cat?\n> It purred.\nAh."
    assert reply_text(text, MARK) == "Which cat?\nAh."


@pytest.mark.parametrize(
    "typed",
    [
        "I say:\n\nyes",
        "Remember the milk:",
        "My list:\n- one\n- two",
        "Note: this is one\nNext: two",
        "Ratio 3:1",
        "He said: 2 > 1",
        "a -- b",
        "First.\n\nSecond.\n\nThird.",
    ],
)
def test_what_looks_a_little_like_it_stays(typed: str) -> None:
    assert reply_text(f"{typed}\n\nOn 23.11.26 13:00, A blog wrote:\n{QUOTE}", MARK) == typed


def test_nothing_typed_is_nothing() -> None:
    assert reply_text(f"\n\nOn 23.11.26 13:00, A blog wrote:\n{QUOTE}", MARK) == ""
    assert reply_text("", MARK) == ""


@given(st.lists(st.sampled_from([*"ab>:\n -_@<1,", MARK]), max_size=200))
def test_any_text_has_an_end(pieces: list[str]) -> None:
    text = "".join(pieces)
    words = reply_text(text, MARK)
    assert set(words) <= set(text)
    assert not any(line.lstrip().startswith(">") for line in words.split("\n"))


@pytest.mark.parametrize("text", ["\n" * 100_000, "> " * 50_000, "a:\n" * 33_000, "From: a\n" * 12_000, "On " * 33_000])
def test_none_keeps_it_busy(text: str) -> None:
    """What is quadratic would not come to an end here within a test's patience."""
    assert len(reply_text(text, MARK)) <= len(text)
