"""What a page says of our article in microformats: reply, like, repost, rsvp or mention, by whom, when."""

import time as wall
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from defusedxml import ElementTree
from flask.testing import FlaskClient

from commentsvc.linkbacks import microformats
from commentsvc.linkbacks.microformats import Entry
from commentsvc.links import same_address
from commentsvc.models import Comment
from tests.cast import ARTICLE, ARTICLE_URL
from tests.jobs import run_job
from tests.servers import Web
from tests.visitors import Visitor

PAGE = "https://grace.example/notes/1"
AUTHOR = '<a class="p-author h-card" href="https://grace.example/">Grace</a>'


def entry(inner: str, outer: str = "h-entry") -> str:
    return f'<div class="{outer}">{AUTHOR}{inner}</div>'


def read(html: str, url: str = PAGE) -> Entry | None:
    return microformats.about_us(html, url, lambda href: same_address(href, ARTICLE_URL))


def about(html: str) -> Entry:
    found = read(html)
    assert found is not None
    return found


def link(*classes: str) -> str:
    return f'<a class="{" ".join(classes)}" href="{ARTICLE_URL}">it</a>'


class TestResponses:
    """The IndieWeb's order."""

    @pytest.mark.parametrize(
        ("inner", "response"),
        [
            (link("u-in-reply-to"), "reply"),
            (link("u-like-of"), "like"),
            (link("u-repost-of"), "repost"),
            (link("u-in-reply-to") + '<data class="p-rsvp" value="yes">', "rsvp-yes"),
            (link("u-in-reply-to") + '<span class="p-rsvp">Maybe</span>', "rsvp-maybe"),
            (link("u-in-reply-to") + '<span class="p-rsvp">no</span>', "rsvp-no"),
            (link("u-in-reply-to") + '<span class="p-rsvp">interested</span>', "rsvp-interested"),
            (link("u-in-reply-to") + '<span class="p-rsvp">perhaps</span>', "reply"),
            (link("u-in-reply-to", "u-like-of"), "like"),
            (link("u-like-of", "u-repost-of"), "repost"),
            (link("u-bookmark-of"), "mention"),
            (link("x"), "mention"),
            ('<span class="p-rsvp">yes</span>' + link("x"), "mention"),
            ('<a class="u-like-of" href="https://elsewhere.example/">x</a>' + link("x"), "mention"),
            (f'<div class="u-like-of h-cite"><a class="u-url" href="{ARTICLE_URL}">it</a></div>', "like"),
            (f'<div class="u-in-reply-to h-cite"><a class="p-name u-url" href="{ARTICLE_URL}">it</a></div>', "reply"),
            (f'<cite class="p-in-reply-to h-entry"><a class="u-url" href="{ARTICLE_URL}">it</a></cite>', "reply"),
        ],
    )
    def test_what_it_is(self, inner: str, response: str) -> None:
        assert about(entry(inner)).response == response

    def test_the_entry_that_is_about_us_is_taken(self) -> None:
        other = entry('<p class="p-name">Other</p><a class="u-like-of" href="https://elsewhere.example/">x</a>')
        ours = entry(f'<p class="p-name">Ours</p>{link("u-in-reply-to")}')
        feed = f'<div class="h-feed">{other}{ours}</div>'
        assert (about(feed).name, about(feed).response) == ("Ours", "reply")

    def test_among_several_the_mention_is_the_one_with_the_link(self) -> None:
        ours = entry(f'<p class="p-name">Ours</p><div class="e-content">see {link("x")}</div>')
        assert about(entry('<p class="p-name">Other</p>') + ours).name == "Ours"

    def test_a_page_without_microformats_says_nothing(self) -> None:
        assert read(f"<p>{link('x')}</p>") is None

    def test_relative_addresses_count(self) -> None:
        inside = '<div class="h-entry"><a class="u-like-of" href="/2020/05/phone.html">x</a></div>'
        found = read(inside, "https://blog.example/other.html")
        assert found
        assert found.response == "like"


class TestAuthor:
    """Who says it."""

    def test_name_and_address(self) -> None:
        assert (about(entry(link("u-like-of"))).author, about(entry(link("u-like-of"))).author_url) == (
            "Grace",
            "https://grace.example/",
        )

    @pytest.mark.parametrize(
        ("author", "name", "url"),
        [
            ('<span class="p-author">Grace</span>', "Grace", None),
            ('<a class="u-author" href="https://grace.example/me">x</a>', "", "https://grace.example/me"),
            ('<a class="p-author h-card" href="javascript:alert(1)">Grace</a>', "Grace", None),
            ('<a class="p-author h-card" href="https://user:pw@grace.example/">Grace</a>', "Grace", None),
            ("", "", None),
        ],
    )
    def test_in_other_forms(self, author: str, name: str, url: str | None) -> None:
        found = about(f'<div class="h-entry">{author}{link("u-like-of")}</div>')
        assert (found.author, found.author_url) == (name, url)

    def test_long_names_are_cropped(self) -> None:
        found = about(f'<div class="h-entry"><span class="p-author">{"n" * 300}</span>{link("u-like-of")}</div>')
        assert len(found.author) <= 80


class TestContent:
    """What is said, and when."""

    def test_paragraphs_stay(self) -> None:
        inner = f'{link("u-in-reply-to")}<div class="e-content"><p>One<br>two</p><p>three &lt;b&gt;</p></div>'
        assert about(entry(inner)).text == "One\n\ntwo\n\nthree <b>"

    def test_long_texts_are_cropped(self) -> None:
        inner = f'{link("u-in-reply-to")}<div class="e-content">{"word " * 2000}</div>'
        assert len(about(entry(inner)).text) <= 2000

    @pytest.mark.parametrize(
        ("written", "moment"),
        [
            ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
            ("2026-11-01 10:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
            ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
            ("2030-01-01", None),
            ("1900-01-01", None),
            ("yesterday", None),
            ("9999-12-31T23:59:59-14:00", None),
        ],
    )
    def test_times_are_believed_if_they_can_be(self, written: str, moment: datetime | None) -> None:
        inner = f'{link("u-like-of")}<time class="dt-published" datetime="{written}">x</time>'
        assert about(entry(inner)).published_at == moment

    def test_the_permalink_is_believed_on_the_same_host(self) -> None:
        same = entry(f'{link("u-like-of")}<a class="u-url" href="/2026/a-like">x</a>')
        other = entry(f'{link("u-like-of")}<a class="u-url" href="https://evil.example/">x</a>')
        assert about(same).url == "https://grace.example/2026/a-like"
        assert about(other).url is None


class TestHostilePages:
    """What costs too much is read without microformats."""

    @pytest.mark.parametrize(
        "html",
        [
            '<div class="h-entry">' + "<div>" * 100_000,
            '<div class="h-entry p-x">' * 5_000,
            '<div class="h-entry"><div class="e-content">' + "<p>word " * 50_000,
            '<div class="h-entry e-content">' * 400 + "word " * 50_000,
            f'<div class="h-entry">{link("u-like-of")}</div>' * 8_000,
            '<div class="h-entry"><p class="' + " ".join(f"p-a{n}" for n in range(30_000)) + '">x</p></div>',
            "<a " * 100_000,
            '<div class="hentry">' + '<b class="entry-content">' * 9_000 + "y" * 60_000,
            '<div class="hentry"><div class="entry-content">' * 40 + "<b>" * 4_500,
            '<b class="h-entry"><b class="&#101;-content">' * 120 + "y" * 60_000,
            '<b class="h-entry"><b class="e-content">' * 99 + "y" * 60_000,
            '<time class="h-entry dt-published dt-start" datetime="' + "1" * 100_000 + '">',
        ],
    )
    def test_they_end(self, html: str) -> None:
        started = wall.process_time()
        read(html)
        assert wall.process_time() - started < 5


@pytest.mark.usefixtures("allowed")
class TestShown:
    """How it looks below the article."""

    def tell(self, client: FlaskClient, neighbour: Web, path: str, inner: str, target: str = ARTICLE_URL) -> None:
        source = neighbour.page(path, entry(inner))
        assert client.post("/webmention", data={"source": source, "target": target}).status_code == 201
        assert run_job("verify pings") == 1

    def test_likes_and_reposts_are_a_row_of_faces_from_here(self, client: FlaskClient, neighbour: Web) -> None:
        for number in range(3):
            self.tell(client, neighbour, f"/like/{number}", link("u-like-of") + '<img class="u-photo" src="/me.jpg">')
        self.tell(client, neighbour, "/repost", link("u-repost-of"))
        self.tell(client, neighbour, "/rsvp", link("u-in-reply-to") + '<data class="p-rsvp" value="yes">')
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert "3 likes" in page
        assert "1 repost" in page
        assert "1 going" in page
        assert page.count("u-like h-cite") == 3
        assert "me.jpg" not in page
        assert "5 mentions" in page
        assert "<entry>" not in client.get(f"/feed/blog/{ARTICLE}").text, "a like says nothing"
        assert "0 comments" in page

    def test_a_reply_joins_the_talk_and_may_be_answered(
        self, client: FlaskClient, neighbour: Web, bob: Visitor, shown: Callable[[], list[Comment]]
    ) -> None:
        bob.comment()
        said = '<div class="e-content"><p>Mine is <b>red</b>.</p><p>And loud.</p></div>'
        self.tell(client, neighbour, "/reply", link("u-in-reply-to") + said)
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert "2 comments" in page
        assert "<p>Mine is red.</p><p>And loud.</p>" in page
        assert 'href="https://grace.example/"' in page
        reply = shown()[1]
        assert (reply.kind, reply.response, reply.is_discussion) == ("webmention", "reply", True)
        answer = bob.comment(body="Red is loud.", parent_id=str(reply.id))
        assert next(one for one in shown() if one.id == answer).parent_id == reply.id
        thread = client.get(f"/api/v1/threads/blog/{ARTICLE}").json
        assert [one["response"] for one in thread["comments"]] == ["", "reply", ""]
        assert thread["comments"][1]["author_url"] == "https://grace.example/"
        feed = client.get(f"/feed/blog/{ARTICLE}").text
        assert f'<link rel="via" href="{neighbour.url}/reply"/>' in feed

    @pytest.mark.parametrize(
        "target", ["{article}#comment-{id}", "https://comments.example/t/blog/{key}?comment={id}#comment-{id}",
                   "https://comments.example/comments/{id}"],
    )  # fmt: skip
    def test_a_reply_to_a_comment_stands_below_it(
        self, client: FlaskClient, neighbour: Web, bob: Visitor, target: str, shown: Callable[[], list[Comment]]
    ) -> None:
        first = bob.comment()
        address = target.format(article=ARTICLE_URL, key=ARTICLE, id=first)
        said = f'<a class="u-in-reply-to" href="{address}"></a><p class="e-content">Oh!</p>'
        self.tell(client, neighbour, "/reply", said, address)
        assert (shown()[1].parent_id, shown()[1].body) == (first, "Oh!")

    def test_no_address_breaks_the_feed(self, client: FlaskClient, neighbour: Web) -> None:
        author = '<a class="p-author h-card" href="https://grace.example/?\uffff\ufffe">Grace \uffff</a>'
        said = f'<p class="e-content">Oh \uffff!</p><a class="u-url" href="/x?\uffff">x</a>{link("u-in-reply-to")}'
        source = neighbour.page("/post", f'<div class="h-entry">{author}{said}</div>')
        client.post("/webmention", data={"source": source, "target": ARTICLE_URL})
        run_job("verify pings")
        feed = ElementTree.fromstring(client.get("/feed/blog").text)
        assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 1

    def test_a_mention_keeps_its_name_summary_and_time(self, client: FlaskClient, neighbour: Web) -> None:
        inner = (
            '<h1 class="p-name">On phones</h1><p class="p-summary">All about cords.</p>'
            f'<time class="dt-published" datetime="2026-11-20T10:00Z">x</time><div class="e-content">{link("x")}</div>'
        )
        self.tell(client, neighbour, "/post", inner)
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert "On phones" in page
        assert "All about cords." in page
        assert 'datetime="2026-11-20T10:00:00+00:00"' in page

    def test_the_same_person_has_one_face(
        self, client: FlaskClient, neighbour: Web, shown: Callable[[], list[Comment]]
    ) -> None:
        self.tell(client, neighbour, "/1", link("u-like-of"))
        self.tell(client, neighbour, "/2", link("u-repost-of"))
        assert shown()[0].seed == shown()[1].seed

    def test_whom_a_ban_shuts_out_is_not_shown(
        self, client: FlaskClient, neighbour: Web, ada: Visitor, shown: Callable[[], list[Comment]]
    ) -> None:
        ban = {"kind": "domain", "value": "grace.example"}
        assert ada.admin_post("/admin/bans", form_at="/admin/bans", **ban).status_code == 303
        self.tell(client, neighbour, "/1", link("u-like-of"))
        assert shown() == []
