"""The links in a moderator's email (spec J4): signed, for one comment and one action; a GET shows, a POST acts."""

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from commentsvc.db import db
from commentsvc.models import Decision, Moderator, ModeratorAction
from commentsvc.moderation import decisions
from tests.cast import ADA, ARTICLE, MALLORY
from tests.post import SERVER, link_in, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, hidden_fields, row

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
ACTS = ("approved", "spam", "trashed")


@pytest.fixture
def mallory(visit: Visit) -> Visitor:
    """Who wrote it."""
    return visit()


@pytest.fixture
def comment(mallory: Visitor, ada: Visitor, rules: Rules) -> int:
    """What waits."""
    rules("blog", moderation="all")
    return mallory.comment(MALLORY, body="Is <b>this</b> on?")


@pytest.fixture
def message(comment: int, post_office: MailServer, time: FrozenClock) -> EmailMessage:
    """What Ada reads of it."""
    work(time)
    return post_office.messages.pop()


@pytest.mark.parametrize("number", range(3), ids=ACTS)
def test_a_get_shows_and_a_post_acts(number: int, message: EmailMessage, comment: int, visit: Visit) -> None:
    link, stranger = link_in(message, "moderate", number), visit().client
    shown = stranger.get(link)
    assert "Is &lt;b&gt;this&lt;/b&gt; on?" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert row(comment).state == "pending"
    done = stranger.post(link, follow_redirects=True)
    assert done.status_code == 200
    assert '<p class="notice good" role="status">' in done.text
    assert row(comment).state == ACTS[number]
    decision = decisions.last_of(row(comment))
    assert decision
    assert decision.moderator
    assert decision.moderator.email == ADA.email


def test_an_approved_comment_is_there_at_once(message: EmailMessage, visit: Visit) -> None:
    stranger = visit().client
    stranger.get(f"/embed/blog/{ARTICLE}")
    stranger.post(link_in(message, "moderate"))
    assert "Is &lt;b&gt;this" in stranger.get(f"/embed/blog/{ARTICLE}").text


def test_a_scanner_that_opens_everything_decides_nothing(message: EmailMessage, comment: int, visit: Visit) -> None:
    scanner = visit().client
    for number in range(3):
        for method in ("get", "head", "options"):
            getattr(scanner, method)(link_in(message, "moderate", number))
    assert row(comment).state == "pending"


def test_twice_is_once(message: EmailMessage, comment: int, visit: Visit) -> None:
    link, stranger = link_in(message, "moderate"), visit().client
    stranger.post(link)
    stranger.post(link)
    assert db.session.query(Decision).filter_by(comment_id=comment, after="approved").count() == 1
    assert db.session.query(ModeratorAction).count() == 1
    assert '<form method="post">' not in stranger.get(link).text


def test_it_ends_after_two_weeks(message: EmailMessage, comment: int, visit: Visit, time: FrozenClock) -> None:
    time.pass_(days=15)
    assert visit().client.post(link_in(message, "moderate")).status_code == 410
    assert row(comment).state == "pending"


def test_a_changed_text_is_not_decided_about(
    message: EmailMessage, comment: int, mallory: Visitor, visit: Visit
) -> None:
    page = mallory.client.get(f"/comments/{comment}/revision")
    mallory.client.post(f"/comments/{comment}/revision", data=hidden_fields(page) | {"body": "Buy pills"})
    link, stranger = link_in(message, "moderate"), visit().client
    page = stranger.get(link).text
    assert "has been edited since your email was sent" in page
    assert "Buy pills" in page
    assert stranger.post(link).status_code == 409
    assert row(comment).state == "pending"
    now = re.search(r'<form id="decide"[^>]* action="([^"]*)"', page)  # about the text that the page shows
    assert now
    assert stranger.post(now[1]).status_code == 303
    assert row(comment).state == "approved"


@pytest.mark.parametrize("is_edited", [False, True], ids=["as it was", "edited before"])
def test_what_its_author_deleted_is_not_published(
    message: EmailMessage, comment: int, mallory: Visitor, visit: Visit, is_edited: bool
) -> None:
    own = f"/comments/{comment}/revision"
    if is_edited:
        mallory.client.post(own, data=hidden_fields(mallory.client.get(own)) | {"body": "Buy pills"})
    mallory.client.post(f"/comments/{comment}/removal", data=hidden_fields(mallory.client.get(own)))
    assert row(comment).state == "trashed"
    link, stranger = link_in(message, "moderate"), visit().client
    page = stranger.get(link).text
    assert "deleted by its author" in page
    assert '<form id="decide"' not in page
    assert stranger.post(link).status_code == 409
    assert row(comment).state == "trashed"


def test_who_decides_no_longer(message: EmailMessage, comment: int, visit: Visit) -> None:
    db.begin_write()
    db.session.delete(Moderator.with_email(ADA.email))
    db.session.commit()
    assert visit().client.post(link_in(message, "moderate")).status_code == 403
    assert row(comment).state == "pending"


def test_every_altered_character_counts(message: EmailMessage, comment: int, visit: Visit) -> None:
    link, stranger = link_in(message, "moderate"), visit().client
    token = link.rpartition("/")[2]
    for place in range(0, len(token) - 1, 3):  # the last one may hold spare bits
        other = "A" if token[place] != "A" else "B"
        assert stranger.post(f"/moderate/{token[:place]}{other}{token[place + 1 :]}").status_code == 403
    assert row(comment).state == "pending"


def test_the_owners_address_decides_as_the_owner(
    mallory: Visitor, ada: Visitor, post_office: MailServer, rules: Rules, visit: Visit, time: FrozenClock
) -> None:
    rules("blog", moderation="all", email="owner@blog.example")
    comment = mallory.comment(MALLORY, body="Is this on?")
    work(time)
    visit().client.post(link_in(post_office.messages.pop(), "moderate", 1))
    assert row(comment).state == "spam"
    assert row(comment).learned_as == "spam"
    assert "the owner, by email" in ada.client.get("/admin/log?of=decisions").text


def test_the_admin_pages_can_undo_it(message: EmailMessage, comment: int, visit: Visit, ada: Visitor) -> None:
    visit().client.post(link_in(message, "moderate", 1))
    ada.admin_post(f"/admin/comments/{comment}/hold", undo="1")
    assert row(comment).state == "pending"
    assert row(comment).learned_as is None


class TestUndo:
    """On the page that says what was done."""

    @pytest.mark.parametrize("whose", ["a moderator's", "the blog's own"])
    def test_it_is_as_before_and_stands_in_the_log(
        self,
        whose: str,
        mallory: Visitor,
        ada: Visitor,
        post_office: MailServer,
        rules: Rules,
        visit: Visit,
        time: FrozenClock,
    ) -> None:
        rules("blog", moderation="all", **({"email": "owner@blog.example"} if whose == "the blog's own" else {}))
        comment, stranger = mallory.comment(MALLORY, body="Is this on?"), visit().client
        work(time)
        link = link_in(post_office.messages.pop(), "moderate", 1)
        stranger.post(link)
        undone = stranger.post(f"{link}/reversal", follow_redirects=True)
        assert row(comment).state == "pending"
        assert row(comment).learned_as is None
        assert '<form id="decide"' in undone.text
        last = decisions.last_of(row(comment))
        assert last
        assert (last.is_undo, last.is_by_mailbox) == (True, whose == "the blog's own")
        assert "undone" in ada.client.get("/admin/log").text

    def test_not_once_somebody_else_has_decided(
        self, message: EmailMessage, comment: int, visit: Visit, ada: Visitor
    ) -> None:
        link, stranger = link_in(message, "moderate", 1), visit().client
        stranger.post(link)
        ada.decide(comment, "approval")
        ada.decide(comment, "trash")
        assert stranger.post(f"{link}/reversal").status_code == 409
        assert row(comment).state == "trashed"

    def test_not_what_was_decided_elsewhere_about_many(
        self, message: EmailMessage, comment: int, visit: Visit, ada: Visitor, bob: Visitor
    ) -> None:
        chosen = [f"{comment} ", f"{bob.comment()} "]
        ada.admin_post("/admin/comments/decisions", chosen=chosen, verb="spam")
        assert visit().client.post(f"{link_in(message, 'moderate', 1)}/reversal").status_code == 409
        assert row(comment).state == "spam"


def test_links_are_apart(message: EmailMessage) -> None:
    tokens = {link_in(message, "moderate", number) for number in range(3)}
    assert len(tokens) == 3
    assert all(re.fullmatch(r"/moderate/[\w.-]+", link) for link in tokens)


def test_its_page_offers_the_other_decisions_too(message: EmailMessage, comment: int, visit: Visit) -> None:
    stranger = visit().client
    page = stranger.get(link_in(message, "moderate")).text
    spam, trash = re.findall(r'formaction="([^"]+)"', page)
    stranger.post(spam.removeprefix(SERVER))
    assert row(comment).state == "spam"
    assert trash != spam
