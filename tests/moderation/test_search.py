"""What moderators type into the search, and what they ask for by days."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commentsvc.db import db
from commentsvc.models import Comment, Moderator
from commentsvc.moderation import search
from commentsvc.moderation.search import CommentFilter
from tests.cast import BOB, GRACE
from tests.time import FrozenClock
from tests.visitors import Visitor, row


class TestPhrases:
    """Words, quoted phrases and beginnings; never an error."""

    @pytest.mark.parametrize(
        ("typed", "found"),
        [
            ("cord", ["cord"]),
            ("the cord", ["the", "cord"]),
            ('"the cord" kitchen', ["the cord", "kitchen"]),
            ("tele*", ["tele*"]),
            ('"tele*"', ["tele"]),
            ("bob@mail.example", ["bob mail example"]),
            ("don't -- NOT (x OR y)", ["don t", "not", "x", "or", "y"]),
            ('*** !!! "" \'', []),
            ("_under_score_", ["under score"]),
            ("Straße Œuvre İstanbul", ["strasse", "œuvre", "istanbul"]),
            ("東京タワー ｶﾒﾗ*", ["東 京 タ ワ ー", "カ メ ラ*"]),
        ],
    )
    def test_what_is_typed_is_taken_as_words(self, typed: str, found: list[str]) -> None:
        assert search.phrases(typed) == found

    @given(st.text(max_size=400))
    def test_nothing_but_words_comes_through(self, typed: str) -> None:
        found = search.phrases(typed)
        assert len(found) <= search.MAX_PHRASES
        assert all(one.strip("* ") and not set('"()^:+-{}') & set(one) for one in found)


class TestDays:
    """A span is as few marks as can be."""

    @pytest.mark.parametrize(
        ("since", "until", "marks"),
        [
            (date(2026, 1, 1), date(2026, 2, 28), ["=m202601", "=m202602"]),
            (date(2026, 1, 30), date(2026, 2, 1), ["=d20260130", "=d20260131", "=d20260201"]),
            (date(2026, 2, 2), date(2026, 2, 1), []),
        ],
    )
    def test_whole_months_are_months(self, since: date, until: date, marks: list[str]) -> None:
        assert list(search._day_tags(since, until)) == marks

    @given(st.dates(), st.dates())
    def test_no_span_is_too_long(self, since: date, until: date) -> None:
        days = search._days(CommentFilter(since=since, until=until))
        assert days
        assert 0 < len(days.marks) < 600


class TestFinding:
    """In the database, whichever it is."""

    @pytest.fixture
    def said(self, bob: Visitor, moderator: Moderator) -> dict[str, int]:
        return {
            "cord": bob.comment(BOB, body="Mine has a cord, and Émilie knows."),
            "cat": bob.comment(GRACE, body="The cat found it.", email="grace@mail.example"),
            "other": bob.comment(GRACE, "other", "x.html", body="The cat was elsewhere."),
        }

    def find(self, moderator: Moderator, **wanted: object) -> list[int]:
        return search.ids(moderator, CommentFilter(**wanted), 100)  # type: ignore[arg-type]

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("cord", ["cord"]),
            ("CAT", ["other", "cat"]),
            ("the cat", ["other", "cat"]),
            ('"cat found"', ["cat"]),
            ('"found cat"', []),
            ("cat cord", []),
            ("elsew*", ["other"]),
            ("grace@mail.example", ["cat"]),
            ("Grace", ["other", "cat"]),
            ("pending", []),
            ("comment", []),
        ],
    )
    def test_by_words(self, said: dict[str, int], moderator: Moderator, text: str, names: list[str]) -> None:
        assert self.find(moderator, text=text) == [said[name] for name in names]

    def test_by_everything_at_once(self, said: dict[str, int], moderator: Moderator, time: FrozenClock) -> None:
        today = time().date()
        site = row(said["other"]).thread.site_id
        assert self.find(moderator, site=site) == [said["other"]]
        assert self.find(moderator, thread=row(said["cat"]).thread_id, text="cat") == [said["cat"]]
        assert self.find(moderator, state="pending") == [said["other"]]
        assert self.find(moderator, state="pending", since=today, until=today, text="cat") == [said["other"]]
        assert self.find(moderator, since=date(2020, 1, 1), until=date(2020, 12, 31)) == []
        assert self.find(moderator, kind="trackback") == []
        assert self.find(moderator, author="Grace", state="approved") == [said["cat"]]
        assert self.find(moderator, author="Grace", text="elsewhere") == [said["other"]]

    def test_a_span_is_paged_through(self, bob: Visitor, moderator: Moderator, time: FrozenClock) -> None:
        written = []
        for number in range(5):
            written.append(bob.comment(BOB, body=f"number {number}"))
            time.pass_(days=1)
        span = CommentFilter(since=time().date() - timedelta(days=4), until=time().date() - timedelta(days=1))
        first = search.ids(moderator, span, 3)
        assert first == written[:1:-1]
        assert search.ids(moderator, span, 3, before=first[-1]) == [written[1]]
        assert search.ids(moderator, span, 9, upto=written[2]) == [written[2], written[1]]
        assert search.count(moderator, [span, CommentFilter()], 3) == [3, 3]

    def test_a_page_goes_on_where_its_last_comment_is_gone(
        self, said: dict[str, int], moderator: Moderator, time: FrozenClock
    ) -> None:
        span = CommentFilter(since=time().date(), until=time().date())
        db.begin_write()
        db.session.delete(db.session.get_one(Comment, said["cat"]))
        db.session.commit()
        assert search.ids(moderator, span, 5, before=said["cat"]) == [said["cord"]]

    def test_signs_alone_find_nothing(self, said: dict[str, int], moderator: Moderator) -> None:
        """And not everything, which could be decided about at once."""
        assert self.find(moderator, text="👍 !!") == []
        assert search.count(moderator, [CommentFilter(text="👍")], 5) == [0]
        assert not search.matches(moderator, CommentFilter(text="👍"), said["cat"])

    def test_what_changes_is_found_by_what_it_is_now(
        self, said: dict[str, int], moderator: Moderator, ada: Visitor
    ) -> None:
        ada.decide(said["cord"], "spam")
        assert self.find(moderator, state="spam") == [said["cord"]]
        assert self.find(moderator, state="approved", text="cord") == []
        ada.admin_post(f"/admin/comments/{said['cord']}/text", author="Bob", website="", body="Something else.")
        assert self.find(moderator, text="cord") == []
        assert self.find(moderator, text="something") == [said["cord"]]

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ("Mine has a cord, and Émilie knows.", "emilie"),
            ("Emilie knows it.", "ÉMILIE"),
            ("Die Straße ist lang", "strasse"),
            ("Ще не вмерла Україна, ещё раз", "еще"),
            ("昨日、東京タワーを見ました。", "東京"),
            ("昨日、東京タワーを見ました。", '"タワーを見"'),
            ("这篇文章写得很好", "文章"),
            ("บทความนี้ดีมาก", "ความ"),
            ("כָּתַב יָפֶה", "כתב"),
            ("كَتَبَ جميلاً", "كتب"),
            ("한국어 댓글입니다", "댓글*"),
            ("यह किताब हिन्दी में है।", "किताब"),
            ("இந்தப் புத்தகம் நல்லது", "புத்தகம்"),
        ],
    )
    def test_in_every_script(self, bob: Visitor, moderator: Moderator, body: str, text: str) -> None:
        """Accents and vowel points may be left out; what is written without spaces is found by any part."""
        wanted = bob.comment(BOB, body=body)
        bob.comment(GRACE, body="京東 something else 章文 कुतुब पुत्तगम")
        assert self.find(moderator, text=text) == [wanted]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(typed=st.text(max_size=60))
def test_whatever_is_typed_is_no_error(app: Flask, typed: str) -> None:
    search.ids(Moderator(role="owner"), CommentFilter(text=typed), 5)
