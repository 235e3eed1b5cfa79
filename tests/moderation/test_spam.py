"""Spam at work: what the owner's clicks teach, what is held and why, and what its writer hears of it."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from commentsvc.db import db
from commentsvc.models import Decision, Email, LearnedWord, Site
from commentsvc.models.learned_word import ALL_TEXTS
from tests.cast import ADA, BOB, GRACE, MALLORY, Person
from tests.visitors import Visitor, row

OFFERS = ("Order your replacement battery", "Replacement battery, order quickly", "We order every replacement battery")
TALK = ("The cord reaches the cat", "My cat answers the phone", "A cord has no end")
CERTAIN = "[url=https://a.example]viagra[/url] [url=https://b.example]casino[/url]"


def taught() -> tuple[int, int]:
    """How many texts the filter learned as spam and as ham on all sites."""
    db.session.rollback()
    words = db.session.execute(
        select(func.sum(LearnedWord.spam), func.sum(LearnedWord.ham)).where(LearnedWord.word == ALL_TEXTS)
    ).one()
    return words[0] or 0, words[1] or 0


def teach(ada: Visitor, visit: Callable[[], Visitor], rounds: int = 2) -> None:
    """Ada judges offers and talk of several strangers."""
    for number in range(rounds):
        for texts, verdict in ((OFFERS, "spam"), (TALK, "approval")):
            for text in texts:
                writer = Person(f"AuthorIdentity {number} {len(text)}", "", "")
                ada.decide(visit().comment(writer, body=f"{text} ({number})"), verdict)


class TestTheFilter:
    """It learns from decisions and from nothing else."""

    def test_decisions_teach_it(self, ada: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        teach(ada, visit)
        rules("blog", moderation="none")
        offer = row(visit().comment(GRACE, body="Please order this replacement battery quickly"))
        assert offer.state in ("pending", "spam")
        assert any(reason[0].startswith("reads like spam") for reason in offer.reasons)
        assert row(visit().comment(BOB, body="The cat and the cord, who answers?")).state == "approved"

    def test_what_the_rules_decide_teaches_nothing(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        bob.comment()
        visit().comment(MALLORY, body=CERTAIN)
        assert taught() == (0, 0)

    def test_an_undone_decision_is_forgotten(self, ada: Visitor, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        comment = bob.comment()
        ada.decide(comment, "spam")
        assert taught() == (1, 0)
        ada.decide(comment, "approval")
        assert taught() == (0, 1)
        ada.decide(comment, "trash")
        assert taught() == (0, 1), "the trash says nothing about spam"
        ada.decide(comment, "hold")
        assert taught() == (0, 0)
        words = db.session.execute(select(func.max(LearnedWord.spam), func.max(LearnedWord.ham))).one()
        assert tuple(words) == (0, 0)

    def test_a_changed_text_is_learned_no_more(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        ada.decide(comment, "hold")
        ada.decide(comment, "approval")
        assert taught() == (0, 1)
        answer = bob.client.post(f"/comments/{comment}/revision", data={"body": "Something else"})
        assert answer.status_code == 303
        assert taught() == (0, 0)

    def test_a_site_that_goes_takes_its_lessons_along(
        self, ada: Visitor, bob: Visitor, rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="all")
        ada.decide(bob.comment(), "approval")
        db.begin_write()
        db.session.delete(Site.named("blog"))
        db.session.commit()
        assert taught() == (0, 0)


class TestTheVerdict:
    """Before anybody sees it, with reasons."""

    def test_certain_spam_is_kept_apart_with_its_reasons(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        comment = row(visit().comment(MALLORY, body=CERTAIN))
        assert comment.state == "spam"
        logged = db.session.scalars(select(Decision).where(Decision.comment_id == comment.id)).one()
        assert logged.moderator_id is None
        page = ada.client.get("/admin/queue?state=spam").text
        assert "words that are common in spam: casino, viagra" in page
        assert "link markup from another system" in page
        assert "links: 2" in page

    def test_reasons_are_read_in_the_moderators_language(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        visit().comment(MALLORY, body=CERTAIN)
        assert "in Spam häufige Wörter: casino, viagra" in ada.client.get("/admin/queue?state=spam&lang=de").text

    def test_nobody_is_mailed_about_certain_spam(
        self, ada: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="all")
        visit().comment(MALLORY, body=CERTAIN)
        assert db.session.scalar(select(func.count()).select_from(Email)) == 0
        visit().comment(BOB)
        assert db.session.scalars(select(Email.recipient)).all() == [ADA.email]

    def test_its_writer_hears_that_it_waits(self, visit: Callable[[], Visitor]) -> None:
        mallory = visit()
        answer = mallory.send(mallory.fill(MALLORY, body=CERTAIN), endpoint="embed")
        assert answer.status_code == 202
        assert "spam" not in answer.text.lower()
        assert "viagra" in mallory.client.get("/t/blog/2020/05/phone.html").text
        assert "viagra" not in visit().client.get("/t/blog/2020/05/phone.html").text

    def test_what_a_moderator_called_spam_is_gone_for_its_writer_too(
        self, ada: Visitor, visit: Callable[[], Visitor]
    ) -> None:
        mallory = visit()
        comment = mallory.comment(MALLORY)
        ada.decide(comment, "spam")
        assert "comment-" + str(comment) not in mallory.client.get("/t/blog/2020/05/phone.html").text

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        ("same", "reason"),
        [
            ({"body": "Do you like my offer?", "author": "Other", "website": ""}, "text seen in spam"),
            ({"website": "https://shop.example/other", "author": "Other"}, "website seen in spam"),
            ({"email": "shop@mail.example", "author": "Other", "website": ""}, "email address seen in spam"),
            ({"author": "A Shop", "website": ""}, "name seen in spam"),
        ],
    )
    def test_what_was_seen_in_spam_speaks_against_it(
        self,
        ada: Visitor,
        visit: Callable[[], Visitor],
        rules: Callable[..., None],
        same: dict[str, str],
        reason: str,
    ) -> None:
        rules("blog", moderation="all")
        shop = {"author": "A Shop", "email": "shop@mail.example", "website": "https://shop.example"}
        spam = visit().comment(MALLORY, body="Do you like my offer?", **shop)
        before = row(visit().comment(MALLORY, **{"body": "Nothing like it", **same}, key="other.html"))
        assert reason not in before.reasons
        ada.decide(spam, "spam")
        after = row(visit().comment(MALLORY, **{"body": "Nothing like it", **same}, key="third.html"))
        assert reason in after.reasons

    def test_spam_from_one_browser_speaks_against_what_it_sends_next(self, ada: Visitor, bob: Visitor) -> None:
        ada.decide(bob.comment(), "spam")
        later = row(bob.comment(body="Now for something completely different"))
        assert ["earlier spam from the same source: %(count)d", {"count": 1}] in later.reasons
        assert later.state == "pending"

    def test_much_spam_from_a_shared_address_holds_the_others_and_does_not_hide_them(
        self, ada: Visitor, visit: Callable[[], Visitor]
    ) -> None:
        for number in range(6):
            ada.decide(visit().comment(MALLORY, body=f"Offer number {number} of my shop, the best so far"), "spam")
        later = row(visit().comment(body="https://grace.example/what-i-wrote-about-telephones"))
        assert ["earlier spam from the same source: %(count)d", {"count": 6}] in later.reasons
        assert later.state == "pending"

    def test_the_same_text_under_other_articles(self, visit: Callable[[], Visitor]) -> None:
        text = "What a wonderful article about this subject, I will come back"
        assert row(visit().comment(BOB, body=text)).state == "approved"
        again = row(visit().comment(GRACE, body=text, key="other.html"))
        assert ["the same text under other articles: %(count)d", {"count": 1}] in again.reasons
        assert again.state == "pending"


class TestListedWords:
    """The owner's own words."""

    @pytest.mark.parametrize(
        ("typed", "state"),
        [
            ({"body": "I like WordPress"}, "pending"),
            ({"body": "text", "author": "Press Office"}, "pending"),
            ({"body": "text", "website": "https://espresso.example"}, "pending"),
            ({"body": "text", "email": "press@mail.example"}, "pending"),
            ({"body": "Cheap\nPhones"}, "approved"),
            ({"body": "I sell CHEAP PHONES, press me"}, "spam"),
            ({"body": "nothing of the kind"}, "approved"),
        ],
    )
    def test_hold_or_go_to_the_spam(
        self, visit: Callable[[], Visitor], rules: Callable[..., None], typed: dict[str, str], state: str
    ) -> None:
        rules("blog", hold_words="press\n\n", disallowed_words="something else\n cheap phones ")
        assert row(visit().comment(BOB, **typed)).state == state

    def test_say_which_word_it_was(
        self, ada: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        rules("blog", hold_words="Press", disallowed_words="cheap phones")
        visit().comment(BOB, body="Pressing")
        visit().comment(GRACE, body="Cheap phones")
        assert "contains a word on the hold list: Press" in ada.client.get("/admin/queue").text
        spam = ada.client.get("/admin/queue?state=spam").text
        assert "contains a spam word: cheap phones" in spam


class TestTheSameText:
    """Once is enough, for as long as the owner says."""

    @pytest.mark.every_value
    @pytest.mark.parametrize(("hours", "later", "status"), [(24, 23, 409), (24, 25, 303), (48, 47, 409), (0, 0, 303)])
    def test_is_refused_with_a_link_to_the_first(
        self, visit: Callable[[], Visitor], rules: Callable[..., None], hours: int, later: int, status: int
    ) -> None:
        rules("blog", same_text_hours=hours)
        first = visit().comment(BOB, body="What a lovely cord")
        grace = visit()
        grace.time.pass_(hours=later)
        answer = grace.post(GRACE, body="what a  LOVELY cord")
        assert answer.status_code == status
        assert (f'href="#comment-{first}"' in answer.text) is (status == 409)
