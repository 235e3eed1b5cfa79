"""Atom feeds, read by a parser that knows nothing of us."""

from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree
from flask.testing import FlaskClient

from commentsvc.db import db
from commentsvc.models import Comment
from tests.cast import ARTICLE, ARTICLE_URL, BOB, GRACE, MALLORY
from tests.visitors import Visitor

ATOM = "{http://www.w3.org/2005/Atom}"
THREADING = "{http://purl.org/syndication/thread/1.0}"
FEEDS = ("/feed/blog", f"/feed/blog/{ARTICLE}")


def read(client: FlaskClient, path: str) -> Element:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.data)


def text(element: Element, name: str) -> str:
    return element.findtext(ATOM + name) or ""


@pytest.mark.parametrize("path", FEEDS)
class TestFeeds:
    """Of a thread and of a site."""

    def test_it_tells_who_wrote_what_and_answers_whom(self, bob: Visitor, client: FlaskClient, path: str) -> None:
        first = bob.comment(BOB, title="The phone", url=ARTICLE_URL, website="https://bob.example")
        second = bob.comment(GRACE, parent_id=str(first))
        feed = read(client, path)
        assert [text(feed, name) != "" for name in ("id", "title", "updated")] == [True] * 3
        newest, oldest = feed.findall(f"{ATOM}entry")
        assert newest.findtext(f"{ATOM}author/{ATOM}name") == "Grace"
        assert "<u>cat</u>" in text(newest, "content")
        assert text(oldest, "title") == "Bob: The phone"
        assert newest.find(f"{THREADING}in-reply-to").get("ref") == text(oldest, "id")
        assert oldest.find(f"{THREADING}in-reply-to").get("ref") == ARTICLE_URL
        assert newest.find(f"{ATOM}link").get("href").endswith(f"#comment-{second}")

    def test_only_what_readers_see_is_in_it(self, bob: Visitor, ada: Visitor, client: FlaskClient, path: str) -> None:
        comment = bob.comment(BOB, email=BOB.email)
        bob.comment(GRACE, site="other")
        assert len(read(client, path).findall(f"{ATOM}entry")) == 1
        assert "canary" not in client.get(path).text
        ada.decide(comment, "trash")
        assert read(client, path).findall(f"{ATOM}entry") == []

    def test_it_is_well_formed_for_any_text(self, bob: Visitor, client: FlaskClient, path: str) -> None:
        bob.comment(MALLORY, author="]]><x>&amp;\x01\ufffe", body="]]> & < \x0b \x01 <script>", title="<&>\x02")
        assert len(read(client, path).findall(f"{ATOM}entry")) == 1

    def test_it_is_not_sent_twice(self, client: FlaskClient, path: str) -> None:
        etag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_the_page_names_its_feed(client: FlaskClient) -> None:
    address = f"https://comments.example/feed/blog/{ARTICLE}"
    assert f'type="application/atom+xml" href="{address}"' in client.get(f"/t/blog/{ARTICLE}").text


def test_unknown_sites_have_none(client: FlaskClient) -> None:
    assert client.get("/feed/nobody").status_code == 404


def test_names_and_titles_turn_nothing_around_them(bob: Visitor, client: FlaskClient) -> None:
    """There is no bdi in a feed (UAX 9, isolates); and of controls, only what text may hold is left."""
    bob.comment(author="\u202eeno\x9b", body="hello\x9b world")
    feed = client.get("/feed/blog").text
    assert "<name>\u2068eno\u2069</name>" in feed
    assert "\u202e" not in feed
    assert "\x9b" not in feed


def test_the_title_of_an_article_turns_nothing_around_it(bob: Visitor, client: FlaskClient) -> None:
    comment = bob.comment()
    db.begin_write()
    db.session.get_one(Comment, comment).thread.title = "\u202eenohp"
    db.session.commit()
    for address in (f"/feed/blog/{ARTICLE}", "/feed/blog"):
        feed = client.get(address).text
        assert "\u2068enohp\u2069" in feed
        assert "\u202e" not in feed


def test_robots_are_told_what_is_not_for_them(client: FlaskClient) -> None:
    said = client.get("/robots.txt")
    assert said.content_type == "text/plain; charset=utf-8"
    assert "Disallow: /admin/" in said.text
    assert "/t/" not in said.text
    assert client.get(f"/embed/blog/{ARTICLE}").headers["X-Robots-Tag"] == "noindex"
