"""The page without JavaScript: everybody's snapshot, its reader's own form and comments, and what programs read."""

import json
from collections.abc import Callable, Iterator

import mf2py
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import event

from commentsvc.db import db
from tests.cast import ARTICLE, ARTICLE_URL, BOB, GRACE, MALLORY
from tests.time import FrozenClock
from tests.visitors import Visitor, hidden_fields

PAGE = f"/t/blog/{ARTICLE}"


@pytest.fixture
def questions(app: Flask) -> Iterator[list[str]]:
    """What the database is asked."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM comment" in statement:
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


class TestTheSnapshotInside:
    """The thread on the page is the one of the embed."""

    def test_a_second_reader_does_not_read_the_comments_again(
        self, bob: Visitor, client: FlaskClient, questions: list[str]
    ) -> None:
        bob.comment()
        client.get(PAGE)
        questions.clear()
        assert "cord" in client.get(PAGE).text
        assert [one for one in questions if "comment.body" in one and "visitor" not in one.partition("WHERE")[2]] == []

    def test_each_reader_has_a_form_of_their_own(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        tokens = {hidden_fields(one.client.get(PAGE))["challenge_token"] for one in (bob, visit(), visit())}
        assert len(tokens) == 3
        page = html.fromstring(bob.client.get(PAGE).text)
        assert len(page.xpath("//form[contains(@class, 'write')]")) == 1

    def test_what_one_typed_is_on_nobody_elses_page(self, bob: Visitor, client: FlaskClient) -> None:
        assert "half a thought" in bob.send(bob.fill(body="half a thought", author="")).text
        assert "half a thought" not in client.get(PAGE).text

    def test_the_writer_sees_the_held_comment_in_its_place(
        self, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        first = bob.comment()
        visit().comment(MALLORY)
        rules("blog", moderation="all")
        grace = visit()
        grace.post(GRACE, parent_id=str(first))
        page = grace.client.get(PAGE).text
        assert page.index("cord") < page.index("found it") < page.index("&lt;script")
        assert "found it" not in bob.client.get(PAGE).text

    def test_languages_and_views_do_not_mix(self, bob: Visitor, client: FlaskClient) -> None:
        bob.comment()
        for _ in range(2):
            assert "1 Kommentar" in client.get(PAGE, headers={"Accept-Language": "de"}).text
            assert "1 comment" in client.get(f"{PAGE}?view=linear").text

    def test_a_closed_thread_has_no_form(
        self, bob: Visitor, client: FlaskClient, rules: Callable[..., None], time: object
    ) -> None:
        bob.comment()
        rules("blog", close_after_days=1)
        time.pass_(days=2)  # type: ignore[attr-defined]
        page = client.get(PAGE).text
        assert "closed on" in page
        assert "<form" not in page


def test_a_thread_that_closes_meanwhile_costs_no_text(
    bob: Visitor, rules: Callable[..., None], time: FrozenClock
) -> None:
    rules("blog", close_after_days=1)
    bob.comment()
    form = bob.fill(body="an hour of work")
    time.pass_(days=2)
    answer = bob.send(form)
    assert answer.status_code == 403
    page = html.fromstring(answer.text)
    assert page.xpath("//textarea[@readonly]")[0].text.strip() == "an hour of work"
    assert "are closed" in page.xpath("//*[@role='alert']")[0].text


class TestPermalinks:
    """A comment is found on whichever page it stands."""

    @pytest.fixture
    def last(self, bob: Visitor, rules: Callable[..., None]) -> int:
        """The last of five comments, two on a page."""
        rules("blog", page_size=2)
        return [bob.comment(body=f"Number {number}") for number in range(5)][-1]

    def test_the_page_is_found(self, client: FlaskClient, last: int) -> None:
        for address in (f"{PAGE}?comment={last}", f"/comments/{last}"):
            answer = client.get(address)
            assert answer.status_code == 302
            assert answer.headers["Location"].endswith(f"?page=3#comment-{last}")
        assert "Number 4" in client.get(f"{PAGE}?page=3").text

    def test_the_embed_is_led_to_the_page(self, client: FlaskClient, last: int) -> None:
        answer = client.get(f"/embed/blog/{ARTICLE}?comment={last}&lang=de", headers={"Origin": "https://blog.example"})
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith(f"/embed/blog/{ARTICLE}?lang=de&page=3")
        assert answer.headers["Access-Control-Allow-Origin"] == "https://blog.example"
        newest = client.get(f"/embed/blog/{ARTICLE}?comment={last}&sort=newest")
        assert newest.headers["Location"].endswith("page=1")

    def test_none_that_readers_do_not_see(self, client: FlaskClient, ada: Visitor, last: int) -> None:
        ada.decide(last, "trash")
        assert client.get(f"/comments/{last}").status_code == 404
        answer = client.get(f"{PAGE}?comment={last}")
        assert answer.status_code == 200
        assert "This comment is not visible right now." in answer.text
        assert "not visible right now" not in client.get(PAGE).text
        assert client.get("/comments/99999").status_code == 404

    def test_a_held_one_is_found_by_its_writer_only(
        self, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        bob.comment()
        rules("blog", moderation="all")
        held = bob.comment(GRACE)
        assert visit().client.get(f"/comments/{held}").status_code == 404
        assert bob.client.get(f"/comments/{held}").status_code == 302

    def test_of_many_pages_the_near_ones_are_offered(self, client: FlaskClient, bob: Visitor, last: int) -> None:
        for number in range(20):
            bob.comment(body=f"More {number}")
        page = html.fromstring(client.get(f"{PAGE}?page=7").text)
        offered = page.xpath("//nav[contains(@class, 'pages')]/*/text()")
        assert offered == ["1", "…", "5", "6", "7", "8", "9", "…", "13"]


class TestForPrograms:
    """What machines read on the page."""

    @pytest.fixture
    def page(self, bob: Visitor, visit: Callable[[], Visitor]) -> str:
        """Bob's comment and Grace's answer."""
        first = bob.comment(BOB, website="https://bob.example", title="The phone", url=ARTICLE_URL)
        visit().comment(GRACE, parent_id=str(first))
        return bob.client.get(PAGE).text

    def test_microformats(self, page: str) -> None:
        (entry,) = mf2py.parse(page)["items"]
        assert entry["type"] == ["h-entry"]
        assert entry["properties"]["url"] == [ARTICLE_URL]
        bob, grace = entry["properties"]["comment"]
        assert bob["properties"]["author"][0]["properties"]["url"] == ["https://bob.example"]
        assert bob["properties"]["author"][0]["value"] == "Bob"
        assert "<strong>cord</strong>" in bob["properties"]["content"][0]["html"]
        assert bob["properties"]["published"] == ["2026-11-23T12:00:08+0000"]
        assert grace["properties"]["url"][0].endswith(f"#comment-{bob_id(bob) + 1}")

    def test_json_ld(self, page: str) -> None:
        said = json.loads(html.fromstring(page).xpath("//script[@type='application/ld+json']")[0].text)
        assert (said["url"], said["headline"], said["commentCount"]) == (ARTICLE_URL, "The phone", 2)
        bob, grace = said["comment"]
        assert bob["author"] == {"@type": "Person", "name": "Bob", "url": "https://bob.example"}
        assert grace["parentItem"]["@id"] == bob["@id"]

    def test_links_in_the_head(self, page: str) -> None:
        head = html.fromstring(page).find("head")
        assert head.xpath("link[@rel='canonical']/@href") == [ARTICLE_URL]
        feeds = head.xpath("link[@rel='alternate'][@type='application/atom+xml']/@href")
        assert feeds == [f"https://comments.example/feed/blog/{ARTICLE}", "https://comments.example/feed/blog"]


def bob_id(comment: dict[str, dict[str, list[str]]]) -> int:
    return int(comment["properties"]["url"][0].rpartition("-")[2])


class TestSharing:
    """Plain links, and only where the owner wants them."""

    def test_none_by_default(self, client: FlaskClient) -> None:
        assert "data-share" not in client.get(f"/embed/blog/{ARTICLE}").text

    def test_the_chosen_ones_in_their_order(self, client: FlaskClient, rules: Callable[..., None]) -> None:
        rules("blog", share=["email", "mastodon", "bluesky", "x", "facebook", "copy"])
        row = html.fromstring(client.get(PAGE).text).xpath("//nav[contains(@class, 'share')]")[0]
        links = {one.get("data-share"): one.get("href") for one in row.iter("a")}
        assert list(links) == ["email", "mastodon", "bluesky", "x", "facebook", "copy"]
        assert "blog.example%2F2020%2F05%2Fphone.html" in links["mastodon"]
        assert links["copy"] == ARTICLE_URL
        assert not row.xpath(".//img | .//script | .//iframe")


class TestWhereTheFormStands:
    """The owner's choice."""

    @pytest.mark.parametrize(("place", "is_first"), [("first", True), ("last", False)])
    def test_before_or_after(self, bob: Visitor, rules: Callable[..., None], place: str, is_first: bool) -> None:
        bob.comment()
        rules("blog", composer=place)
        page = bob.client.get(PAGE).text
        assert (page.index("<form") < page.index("<strong>cord")) is is_first


def test_the_button_says_what_will_happen(bob: Visitor, ada: Visitor, rules: Callable[..., None]) -> None:
    rules("blog", moderation="first")
    assert "Send for approval" in bob.client.get(PAGE).text
    ada.decide(bob.comment(), "approval")
    assert "Post comment" in bob.client.get(PAGE).text
    rules("blog", moderation="all")
    assert "Send for approval" in bob.client.get(PAGE).text


class TestTheLinkThatIsTheSameForAllArticles:
    """Browsers without JavaScript say where it was followed."""

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        ("referer", "leads_to"),
        [
            (ARTICLE_URL, PAGE),
            (f"{ARTICLE_URL}?utm_source=feed", PAGE),
            ("https://blog.example/été/?page=2", "/t/blog/%C3%A9t%C3%A9%3Fpage%3D2"),
            ("https://blog.example/", ""),
            ("https://elsewhere.example/2020/05/phone.html", ""),
            ("https://comments.example/t/blog/x", ""),
            ("https://blog.example/" + "x" * 5000, ""),
            ("nonsense", ""),
            ("", ""),
        ],
    )
    def test_it_leads_to_the_article(self, client: FlaskClient, referer: str, leads_to: str) -> None:
        answer = client.get("/t/blog/", headers={"Referer": referer})
        assert answer.headers.get("Location", "").removeprefix("https://comments.example") == leads_to
        assert answer.status_code == (302 if leads_to else 200)

    def test_the_home_pages_own_thread_is_still_found(self, bob: Visitor, client: FlaskClient) -> None:
        bob.comment(body="on the home page", key="")
        assert "on the home page" in client.get("/t/blog/", headers={"Referer": "https://blog.example/"}).text
        assert client.get("/t/blog/", headers={"Referer": ARTICLE_URL}).status_code == 302


class TestTheListOfArticles:
    """Where a link leads that a template has in every article: readers without JavaScript find theirs."""

    def test_articles_and_no_form(self, bob: Visitor, client: FlaskClient) -> None:
        bob.comment(BOB, title="The phone")
        page = client.get("/t/blog/").text
        assert f'href="https://comments.example/t/blog/{ARTICLE}"' in page
        assert "The phone" in page
        assert "1 comment" in page
        assert "<textarea" not in page

    def test_an_empty_one(self, client: FlaskClient) -> None:
        assert "No comments yet." in client.get("/t/blog/").text
        assert "The phone" not in client.get("/t/other/").text

    def test_only_what_readers_see(self, bob: Visitor, client: FlaskClient, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        bob.comment(BOB, title="The phone")
        assert "The phone" not in client.get("/t/blog/").text

    def test_a_front_page_with_comments_keeps_them(self, bob: Visitor, client: FlaskClient) -> None:
        bob.comment(BOB, key="", body="Hello, front page")
        page = client.get("/t/blog/").text
        assert "Hello, front page" in page
        assert "<textarea" in page
