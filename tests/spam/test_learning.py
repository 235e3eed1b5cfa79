"""The filter: what it learns, from whom, and when it keeps quiet."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from commentsvc.spam import learning
from commentsvc.spam.learning import Knowledge, WordCount, features_of, probability

MANY = WordCount(spam=50, ham=50)
COUNTS = some.integers(0, 1000)
COUNTS = some.builds(WordCount, COUNTS, COUNTS)


class TestWords:
    """What of a comment is learned."""

    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("Phones, phones and PHONES", {"phones", "and"}),
            ("ＦＲＥＥ offers", {"free", "offers"}),
            ("l’été don't co-op", {"l’été", "don't", "co-op"}),
            ("見てください", {"見て", "てく", "くだ"}),
            ("see https://www.Shop.example/path?x=1.", {"see", "host:shop.example", "links:1"}),
            ("a I", {"links:0"}),
        ],
    )
    def test_of_a_text(self, text: str, holds: set[str]) -> None:
        assert holds <= features_of(text)

    @pytest.mark.parametrize(
        "same", ["https://shop.example?from=1", "HTTPS://you@www.Shop.example:443/#x", "www.shop.example!"]
    )
    def test_a_host_is_one_in_every_spelling(self, same: str) -> None:
        assert "host:shop.example" in features_of(f"see {same}")

    def test_who_wrote_a_long_text_is_learned_too(self) -> None:
        long = " ".join(f"word{number}" for number in range(learning.MAX_WORDS * 2))
        assert {"website:shop.example", "mail:mail.example"} <= features_of(
            long, "Bob", "shop.example", "b@mail.example"
        )

    def test_of_whoever_wrote_it(self) -> None:
        found = features_of("text", "Cheap Phones", "https://www.shop.example/x", "bob@mail.example")
        assert {"name:cheap", "name:phones", "website:shop.example", "mail:mail.example"} <= found
        assert not any("bob" in word for word in found), "nobody's address is learned"

    @given(some.text(max_size=2_000))
    def test_any_text_has_few_short_words(self, text: str) -> None:
        found = features_of(text, text[:80], text[:200], text[:80])
        assert len(found) <= learning.MAX_WORDS
        assert all(len(word) <= learning.MAX_LENGTH for word in found)


class TestProbability:
    """How likely a text is spam."""

    def test_it_keeps_quiet_until_it_has_seen_enough_of_both(self) -> None:
        word = {"phones": (WordCount(spam=4), WordCount())}
        assert probability(["phones"], Knowledge(site=WordCount(spam=40, ham=4), words=word)) is None
        assert probability(["phones"], Knowledge(site=WordCount(spam=40, ham=5), words=word)) is not None

    def test_unknown_words_say_nothing(self) -> None:
        assert probability(["never", "seen"], Knowledge(site=MANY)) == 0.5

    def test_words_of_spam_and_words_of_ham(self) -> None:
        words = {"cheap": (WordCount(spam=20), WordCount()), "cord": (WordCount(ham=20), WordCount())}
        known = Knowledge(site=MANY, words=words)
        assert (probability(["cheap"], known) or 0) > 0.9
        assert (probability(["cord"], known) or 1) < 0.1
        assert probability(["cheap", "cord"], known) == pytest.approx(0.5)

    def test_one_example_is_no_proof(self) -> None:
        words = {"cheap": (WordCount(spam=1), WordCount())}
        assert (probability(["cheap"], Knowledge(site=MANY, words=words)) or 1) < 0.8

    def test_a_site_begins_with_what_others_learned_and_soon_knows_better(self) -> None:
        others = WordCount(spam=30)
        new = Knowledge(site=WordCount(), others=MANY, words={"cheap": (WordCount(), others)})
        assert (probability(["cheap"], new) or 0) > 0.9
        own = Knowledge(site=MANY, others=MANY, words={"cheap": (WordCount(ham=30), others)})
        assert (probability(["cheap"], own) or 1) < 0.2

    def test_kinds_of_unlike_number_are_weighed_as_parts(self) -> None:
        """Nine in ten are ham: a word in one of ten of each says nothing."""
        words = {"phone": (WordCount(spam=10, ham=90), WordCount())}
        assert probability(["phone"], Knowledge(site=WordCount(100, 900), words=words)) == 0.5

    @given(COUNTS, COUNTS, some.dictionaries(some.text(max_size=5), some.tuples(COUNTS, COUNTS), max_size=40))
    def test_it_is_a_probability(
        self, site: WordCount, others: WordCount, words: dict[str, tuple[WordCount, WordCount]]
    ) -> None:
        found = probability(words, Knowledge(site, others, words))
        assert found is None or 0 <= found <= 1
