"""Each signal alone: what it hears, what it leaves in peace, and what all of them say together."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from commentsvc.spam import score, signals
from commentsvc.spam.score import Opinion
from commentsvc.spam.signals import Facts

PLAIN = Facts(body="Mine still has a cord, and it never runs out of battery.", author="Bob")

HEARD = [
    ("links", {"body": "see http://a.example"}),
    ("links", {"body": "see WWW.a.example and FTP://b.example"}),
    ("mostly_links", {"body": "buy https://a.example/offers/today"}),
    ("foreign_markup", {"body": "[url=http://a.example]here[/url]"}),
    ("foreign_markup", {"body": '<A class=x HREF="http://a.example">here</A>'}),
    ("trades", {"body": "The best Casino of the town"}),
    ("trades", {"body": "Hello", "website": "https://cheap-viagra.example"}),
    ("mixed_scripts", {"body": "Free p\u0430ypal money"}),
    ("other_script", {"body": "Лучшие телефоны по низким ценам только у нас"}),
    (
        "other_script",
        {"body": "Best phones. Лучшие телефоны по низким ценам", "language": "he"},
    ),
    ("other_language", {"body": "This is the best of all the articles that I have read on it", "language": "de"}),
    ("many_pings", {"pings": 9, "linkback": "trackback"}),
    ("page_of_links", {"links_out": 900, "linkback": "trackback"}),
    ("excerpt_of_nothing", {"is_made_up": True, "linkback": "trackback"}),
    ("elsewhere", {"same_text_count": 2}),
    ("text_seen", {"seen_in_spam": frozenset({"text"})}),
    ("website_seen", {"seen_in_spam": frozenset({"website"})}),
    ("email_seen", {"seen_in_spam": frozenset({"email"})}),
    ("name_seen", {"seen_in_spam": frozenset({"name"})}),
    ("commercial_name", {"author": "phones24.shop"}),
    ("disposable_email", {"email": "bob@Mailinator.com"}),
    ("odd_address", {"email": "xk29384756@mail.example"}),
    ("odd_address", {"email": "b.o.b.b.y@mail.example"}),
    ("speed", {"body": "word " * 200, "seconds": 3.0}),
    ("earlier_spam", {"spam_count": 1}),
    ("approved_before", {"approved_count": 4}),
    ("learned", {"learned": 0.97}),
]
LEFT_IN_PEACE = [
    ("mostly_links", {"body": "There is a recording of the old exchange at https://a.example/x, worth a minute."}),
    ("trades", {"body": "The specialist embraced the Grandcasinoesque hall"}),
    ("mixed_scripts", {"body": "Das griechische α und das kyrillische Слово stehen für sich"}),
    ("other_script", {"body": "Краще телефонувати з дому, ніж з вулиці", "language": "uk"}),
    ("other_script", {"body": "電話は家にあるべきだと思います。みなさんはどうですか", "language": "ja"}),
    ("other_script", {"body": "OK, thanks for the article, I did not know that", "language": "ja"}),
    ("other_language", {"body": "Das ist der beste Artikel, den ich je gelesen habe", "language": "de"}),
    ("other_language", {"body": "OK, danke!", "language": "fr"}),
    ("other_language", {"body": "https://the.of.and.to.it/is/that", "language": "fr"}),
    ("many_pings", {"pings": 4, "linkback": "trackback"}),
    ("page_of_links", {"links_out": 80, "linkback": "trackback"}),
    ("commercial_name", {"author": "Émilie du Châtelet"}),
    ("commercial_name", {"author": "blog.example.com", "linkback": "trackback"}),
    ("odd_address", {"email": "bob.canary1987@mail.example"}),
    ("speed", {"body": "word " * 200, "seconds": 90.0}),
    ("speed", {"body": "Yes!", "seconds": 2.0}),
    ("website_seen", {"seen_in_spam": frozenset({"name"})}),
    ("learned", {"learned": None}),
]


@pytest.mark.parametrize(("name", "known"), HEARD)
def test_signals_that_fire(name: str, known: dict[str, object]) -> None:
    signal = getattr(signals, name)(replace(PLAIN, **known))
    assert signal is not None
    assert (signal.points < 0) is (name == "approved_before")
    assert signal.reason % dict(signal.values)


@pytest.mark.parametrize(("name", "known"), LEFT_IN_PEACE)
def test_signals_that_stay_silent(name: str, known: dict[str, object]) -> None:
    assert getattr(signals, name)(replace(PLAIN, **known)) is None


def test_every_signal_is_asked_and_tried() -> None:
    assert {look.__name__ for look in signals.SIGNALS} == {name for name, _ in HEARD}


def test_a_plain_comment_has_nothing_against_it() -> None:
    assert list(signals.all_of(PLAIN)) == []


@pytest.mark.parametrize(
    ("known", "opinion"),
    [
        ({}, Opinion.FINE),
        ({"body": "Look: https://a.example and https://b.example, both tell how a dial works"}, Opinion.FINE),
        ({"email": "xk29384756@mail.example", "seconds": 2.1}, Opinion.FINE),
        ({"body": "Look at https://a.example https://b.example https://c.example for how a dial works"}, Opinion.HOLD),
        ({"body": "Great article! [url=https://a.example]cheap phones[/url]"}, Opinion.HOLD),
        ({"body": "[url=https://a.example]viagra[/url] cialis casino"}, Opinion.SPAM),
        ({"seen_in_spam": frozenset({"text", "website"})}, Opinion.SPAM),
        ({"seen_in_spam": frozenset({"name"}), "approved_count": 3}, Opinion.FINE),
        ({"learned": 0.99}, Opinion.HOLD),
        ({"learned": 0.99, "approved_count": 5}, Opinion.FINE),
        ({"learned": 0.02, "body": "a https://a.example b https://b.example c https://c.example"}, Opinion.FINE),
    ],
)
def test_what_they_say_together(known: dict[str, object], opinion: Opinion) -> None:
    assert score.judge(replace(PLAIN, **known)).opinion == opinion


def test_reasons_come_loudest_first_and_speak_for_spam_only() -> None:
    known = {"body": "casino https://a.example", "approved_count": 2, "seen_in_spam": frozenset({"text"})}
    points = [signal.points for signal in score.judge(replace(PLAIN, **known)).signals]
    assert points == sorted(points, reverse=True)
    assert min(points) > 0


@given(some.text(max_size=300), some.text(max_size=80), some.text(max_size=80))
def test_any_text_is_judged(body: str, author: str, email: str) -> None:
    for signal in score.judge(Facts(body=body, author=author, email=email, website=body, seconds=0.0)).signals:
        assert signal.reason % dict(signal.values)


@pytest.mark.parametrize(
    "hostile", ["<a " * 6_600, "www." * 5_000, "[url" * 5_000, "a" * 20_000, "http://" * 2_800, "а" * 20_000]
)
def test_hostile_texts_take_no_time(hostile: str) -> None:
    started = time.process_time()
    score.judge(Facts(body=hostile, author=hostile[:80], website=hostile[:2000]))
    assert time.process_time() - started < 1
