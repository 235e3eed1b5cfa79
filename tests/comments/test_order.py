"""Readers see comments in the order of time, however late they came: imported ones, and linkbacks of older pages."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from commentsvc import clock
from commentsvc.comments import posting, reading
from commentsvc.comments.posting import Mention
from commentsvc.comments.reading import Order
from commentsvc.db import db
from commentsvc.models import Comment, Site, Thread
from commentsvc.models.comment import Kind, ResponseKind
from commentsvc.models.site import View
from commentsvc.threads.articles import Article
from tests.cast import ARTICLE, BOB, GRACE
from tests.visitors import Visitor, texts_of

PAGE = f"/t/blog/{ARTICLE}"


def written_long_ago(thread_of: int, body: str, days: int, parent_id: int | None = None) -> int:
    """As an import stores it: today, with a date of its own."""
    db.begin_write()
    thread = db.session.get_one(Comment, thread_of).thread
    parent = db.session.get(Comment, parent_id or 0)
    comment = Comment(
        thread=thread, thread_id=thread.id, author="Old", body=body, body_html=f"<p>{body}</p>", body_hash=body,
        seed="x", state="approved", published_at=clock.now() - timedelta(days=days),
        parent_id=parent_id, root_id=(parent.root_id or parent.id) if parent else None,
    )  # fmt: skip
    db.session.add(comment)
    db.session.commit()
    return comment.id


@pytest.fixture
def talk(bob: Visitor) -> dict[str, int]:
    """Two comments of today, and two older ones that came after them."""
    first = bob.comment(BOB, body="first")
    answer = bob.comment(GRACE, body="answer", parent_id=str(first))
    second = bob.comment(BOB, body="second")
    older = written_long_ago(first, "older", days=20)
    return {
        "first": first, "answer": answer, "second": second, "older": older,
        "oldest": written_long_ago(first, "oldest", days=40),
        "older answer": written_long_ago(first, "older answer", days=10, parent_id=first),
    }  # fmt: skip


def said(client: FlaskClient, query: str) -> list[str]:
    return [text.removeprefix("<p>").removesuffix("</p>") for text in texts_of(client.get(f"{PAGE}?{query}"))]


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["oldest", "older", "first", "older answer", "answer", "second"]),
        ("sort=newest", ["second", "first", "older answer", "answer", "older", "oldest"]),
        ("view=linear", ["oldest", "older", "older answer", "first", "answer", "second"]),
        ("view=linear&sort=newest", ["second", "answer", "first", "older answer", "older", "oldest"]),
    ],
)
def test_a_thread(client: FlaskClient, query: str, expected: list[str]) -> None:
    assert said(client, query) == expected


def test_feeds_and_programs(talk: dict[str, int], client: FlaskClient) -> None:
    feed = client.get("/feed/blog").text
    places = [feed.index(f"/comments/{talk[name]}<") for name in ("second", "answer", "first", "older", "oldest")]
    assert places == sorted(places)
    listed = client.get(f"/api/v1/threads/blog/{ARTICLE}?view=linear").json["comments"]
    assert [one["id"] for one in listed][:2] == [talk["oldest"], talk["older"]]


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("order", list(Order))
def test_a_permalink_finds_its_page(talk: dict[str, int], rules: object, view: View, order: Order) -> None:
    rules("blog", page_size=1)  # type: ignore[operator]
    site = Site.named("blog")
    for comment_id in talk.values():
        comment = db.session.get_one(Comment, comment_id)
        page = reading.page_of(site, comment, view, order)
        shown = reading.read(Article.at(site, comment.thread.key), view, order, page)
        assert comment_id in [item.comment.id for item in shown.items]


def test_equal_times_are_in_the_order_of_ids(bob: Visitor, client: FlaskClient) -> None:
    first = bob.comment(BOB, body="first")
    for name in ("one", "two", "three"):
        written_long_ago(first, name, days=5)
    assert said(client, "") == ["one", "two", "three", "first"]
    assert said(client, "view=linear&sort=newest") == ["first", "three", "two", "one"]


class TestLinkbacks:
    """A reply on another page has that page's date, but never one that is yet to come."""

    @pytest.mark.parametrize(("days", "expected"), [(-30, ["elsewhere", "here"]), (+30, ["here", "elsewhere"])])
    def test_its_page_says_when(
        self, app: Flask, bob: Visitor, client: FlaskClient, days: int, expected: list[str]
    ) -> None:
        here = bob.comment(BOB, body="here")
        db.begin_write()
        thread = db.session.get_one(Thread, db.session.get_one(Comment, here).thread_id)
        said_when = clock.now() + timedelta(days=days)
        mention = Mention(
            Kind.WEBMENTION, "https://neighbour.example/post", "", "elsewhere", "<p>elsewhere</p>", "Eve",
            ResponseKind.REPLY, published_at=said_when,
        )  # fmt: skip
        reply = posting.post_linkback(Article(thread.site, thread.key, thread), mention)
        reply.state = "approved"
        db.session.commit()
        assert reply.written_at <= clock.now()
        assert said(client, "view=linear") == expected
