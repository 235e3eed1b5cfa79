"""Telling other blogs: what of an article is a link, what is sent where, and what becomes of it."""

from collections.abc import Callable, Iterator
from functools import partial
from xmlrpc.client import Fault, dumps, loads

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc import i18n, safe_http
from commentsvc import settings as all_settings
from commentsvc.db import db
from commentsvc.errors import WrongOrigin
from commentsvc.linkbacks import announcing, article_page, sending
from commentsvc.models import Announcement, SentLinkback, Site
from commentsvc.safe_http import FetchedPage
from tests.jobs import run_job
from tests.servers import Web, web
from tests.time import FrozenClock

ARTICLE = "/2026/11/cords.html"


@pytest.fixture
def blog(app: Flask, rules: Callable[..., None]) -> Iterator[Web]:
    """The pages of our blog."""
    with web() as site:
        rules("blog", origins=[site.url])
        yield site


@pytest.fixture(autouse=True)
def reachable(app: Flask, blog: Web, neighbour: Web) -> Iterator[None]:
    """Both may be fetched."""
    before = all_settings.current()
    all_settings.use(before.model_copy(update={"fetch_allow": frozenset({blog.address, neighbour.address})}))
    yield
    all_settings.use(before)


def write(blog: Web, *targets: str, status: int = 200) -> str:
    """Put the article up, with these links."""
    anchors = "".join(f'<p>see <a href="{target}">x</a></p>' for target in targets)
    html = f'<title>Cords</title><meta name="description" content="About cords."><article>{anchors}</article>'
    return blog.page(ARTICLE, html, status=status)


def publish(blog: Web, *targets: str, status: int = 200) -> str:
    """Put the article up, announce it, and let the worker do all there is to do; its address."""
    url = write(blog, *targets, status=status)
    db.begin_write()
    announcing.announce(url)
    db.session.commit()
    while run_job("announce articles") or run_job("send linkbacks"):
        pass
    return url


def deaf(neighbour: Web, path: str = "/deaf") -> str:
    return neighbour.page(path, "<p>nothing</p>")


def with_webmention(neighbour: Web, path: str = "/w", status: int = 202, **headers: str) -> str:
    neighbour.page(f"{path}/end", "", status=status, **headers)
    return neighbour.page(path, f'<link rel="webmention" href="{path}/end">')


def with_pingback(neighbour: Web, answer: str, path: str = "/p") -> str:
    neighbour.page(f"{path}/end", answer, Content_Type="text/xml")
    return neighbour.page(path, "<p>x</p>", X_Pingback=f"{neighbour.url}{path}/end")


def with_trackback(neighbour: Web, answer: str, path: str = "/t") -> str:
    neighbour.page(f"{path}/end", answer, Content_Type="text/xml")
    return neighbour.page(path, f'<link rel="trackback" href="{path}/end">')


def rows() -> list[SentLinkback]:
    db.session.rollback()
    return list(db.session.scalars(select(SentLinkback).order_by(SentLinkback.id)))


X = '<a href="https://x.example/">x</a>'
THANKS = dumps(("thanks",), methodresponse=True)
ERROR_0 = '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>0</error>\n</response>\n'
ERROR_1 = "<response><error>1</error><message>No &lt;thanks&gt;</message></response>"


class TestTelling:
    """One link, one message, in the richest protocol that the page knows."""

    def test_a_webmention(self, blog: Web, neighbour: Web) -> None:
        target = with_webmention(neighbour, status=201, Location="/status/1")
        url = publish(blog, target)
        ((path, content_type, _),) = neighbour.received
        assert path == "/w/end"
        assert content_type.startswith("application/x-www-form-urlencoded")
        assert neighbour.posted == [{"source": url, "target": target}]
        ((one),) = rows()
        assert (one.state, one.protocol, one.status_url) == ("sent", "webmention", f"{neighbour.url}/status/1")
        assert one.endpoint == f"{neighbour.url}/w/end"

    def test_a_pingback(self, blog: Web, neighbour: Web) -> None:
        target = with_pingback(neighbour, THANKS)
        url = publish(blog, target)
        ((path, content_type, body),) = neighbour.received
        assert (path, content_type) == ("/p/end", "text/xml")
        assert body.count("<string>") == 2
        assert loads(body) == ((url, target), "pingback.ping")
        assert [(one.state, one.protocol, i18n.stored_reason(one.answer)) for one in rows()] == [
            ("sent", "pingback", "accepted")
        ]

    def test_a_trackback(self, blog: Web, neighbour: Web) -> None:
        url = publish(blog, with_trackback(neighbour, ERROR_0))
        ((_, content_type, _),) = neighbour.received
        assert content_type == "application/x-www-form-urlencoded; charset=utf-8"
        assert neighbour.posted == [{"url": url, "title": "Cords", "excerpt": "About cords.", "blog_name": "A blog"}]
        assert [(one.state, one.protocol) for one in rows()] == [("sent", "trackback")]

    def test_a_page_that_takes_none(self, blog: Web, neighbour: Web) -> None:
        publish(blog, deaf(neighbour))
        assert [one.state for one in rows()] == ["no-endpoint"]
        assert not neighbour.received

    @pytest.mark.parametrize(
        ("answer", "state", "said"),
        [
            (dumps(Fault(48, "known")), "sent", "it was known there already"),
            (dumps(Fault(17, "no link")), "failed", "fault 17: no link"),
            ("<methodResponse><fault><value><int>0</int></value></fault></methodResponse>", "failed", "fault 0: "),
            ("nonsense", "failed", "fault 0: nonsense"),
        ],
    )
    def test_faults(self, blog: Web, neighbour: Web, answer: str, state: str, said: str) -> None:
        publish(blog, with_pingback(neighbour, answer))
        assert [(one.state, i18n.stored_reason(one.answer)) for one in rows()] == [(state, said)]

    @pytest.mark.parametrize(
        ("answer", "state", "said"),
        [
            (ERROR_1, "failed", "No <thanks>"),
            ("<response><error> 0 </error></response>", "sent", "accepted"),
            ("<response><error>7</error></response>", "failed", "error 7"),
            ("<html>hello</html>", "failed", "no answer that TrackBack knows"),
        ],
    )
    def test_errors(self, blog: Web, neighbour: Web, answer: str, state: str, said: str) -> None:
        publish(blog, with_trackback(neighbour, answer))
        assert [(one.state, i18n.stored_reason(one.answer)) for one in rows()] == [(state, said)]

    def test_a_refusal_is_final_and_says_why(self, blog: Web, neighbour: Web) -> None:
        target = with_webmention(neighbour)
        neighbour.page("/w/end", "<b>No link</b> found", status=400)
        publish(blog, target)
        assert [(one.state, i18n.stored_reason(one.answer)) for one in rows()] == [
            ("failed", "status 400: No link found")
        ]

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_a_server_in_trouble_is_asked_again_six_times(
        self, blog: Web, neighbour: Web, time: FrozenClock, status: int
    ) -> None:
        publish(blog, with_webmention(neighbour, status=status))
        assert rows()[0].state == "queued"
        for _ in range(8):
            time.pass_(days=4)
            run_job("send linkbacks")
        assert len(neighbour.received) == 6
        assert rows()[0].state == "failed"
        assert i18n.stored_reason(rows()[0].answer) == f"the page answers with status {status}"

    def test_an_endpoint_that_moved_is_followed(self, blog: Web, neighbour: Web) -> None:
        target = with_webmention(neighbour)
        neighbour.page("/w/end", "", status=307, Location="/new/end")
        neighbour.page("/new/end", "", status=202)
        publish(blog, target)
        assert [path for path, *_ in neighbour.received] == ["/w/end", "/new/end"]
        assert rows()[0].state == "sent"

    def test_private_endpoints_are_not_told(self, blog: Web, neighbour: Web) -> None:
        publish(blog, neighbour.page("/evil", '<link rel="webmention" href="http://127.0.0.1:1/admin">'))
        assert rows()[0].state == "failed"

    def test_several_links_each_on_their_own(self, blog: Web, neighbour: Web) -> None:
        publish(
            blog, with_webmention(neighbour), with_pingback(neighbour, THANKS), deaf(neighbour), "http://127.0.0.1:1/"
        )
        assert [one.state for one in rows()] == ["sent", "sent", "no-endpoint", "failed"]


class TestUpdates:
    """The article, told again."""

    def test_the_same_links_are_told_again_to_those_who_know_updates(self, blog: Web, neighbour: Web) -> None:
        targets = with_webmention(neighbour), with_pingback(neighbour, THANKS), with_trackback(neighbour, ERROR_0)
        publish(blog, *targets)
        publish(blog, *targets)
        assert sorted(path for path, *_ in neighbour.received) == ["/p/end", "/t/end", "/w/end", "/w/end"]
        assert [one.state for one in rows()] == ["sent"] * 3

    def test_a_link_more(self, blog: Web, neighbour: Web) -> None:
        """webmention.rocks, update 1."""
        one, two = with_webmention(neighbour, "/1"), with_webmention(neighbour, "/2")
        publish(blog, one)
        publish(blog, one, two)
        assert [form["target"] for form in neighbour.posted] == [one, one, two]

    def test_a_link_less(self, blog: Web, neighbour: Web) -> None:
        """webmention.rocks, update 2; what is gone is told once."""
        one, two = with_webmention(neighbour, "/1"), with_webmention(neighbour, "/2")
        publish(blog, one, two)
        publish(blog, one)
        assert [form["target"] for form in neighbour.posted] == [one, two, one, two]
        publish(blog, one)
        assert [form["target"] for form in neighbour.posted][4:] == [one]

    @pytest.mark.parametrize("status", [410, 404])
    def test_a_deleted_article(self, blog: Web, neighbour: Web, status: int) -> None:
        """webmention.rocks, delete 1."""
        target = with_webmention(neighbour)
        publish(blog, target)
        publish(blog, status=status)
        assert [form["target"] for form in neighbour.posted] == [target, target]

    def test_the_endpoint_is_looked_up_again(self, blog: Web, neighbour: Web) -> None:
        target = with_webmention(neighbour)
        publish(blog, target)
        neighbour.page("/new", "", status=202)
        neighbour.page("/w", '<link rel="webmention" href="/new">')
        publish(blog, target)
        assert [path for path, *_ in neighbour.received] == ["/w/end", "/new"]


class TestArticles:
    """Which links are the author's."""

    def links(self, html: str) -> list[str]:
        page = FetchedPage("https://blog.example/a/", 200, {"content-type": "text/html"}, html.encode())
        return article_page.read(page, ["https://blog.example", "https://comments.example"]).links

    @pytest.mark.parametrize(
        ("html", "links"),
        [
            (f"{X}<a href='https://y.example/'>y</a>", ["https://x.example/", "https://y.example/"]),
            (f'<nav><a href="https://menu.example/">m</a></nav><article>{X}</article>', ["https://x.example/"]),
            (f'<main><a href="https://m.example/">m</a><p class="a h-entry">{X}</p></main>', ["https://x.example/"]),
            (f'<body><a href="https://m.example/">m</a><main>{X}</main></body>', ["https://x.example/"]),
            ('<a href="/own">x</a><a href="https://comments.example/t/blog/a">x</a><a href="#x">x</a>', []),
            ('<a href="https://x.example/a#1">x</a><a href="https://x.example/a#2">x</a>', ["https://x.example/a"]),
            ('<a href="//x.example/a">x</a>', ["https://x.example/a"]),
            ('<base href="https://x.example/d/"><a href="e">x</a>', ["https://x.example/d/e"]),
            ('<a href="mailto:a@b.example">x</a><a href="javascript:x">x</a><a href="http://[">x</a><a>x</a>', []),
            ('<a rel="nofollow" href="https://x.example/">x</a><a rel="ugc" href="https://y.example/">y</a>', []),
            ('<comment-thread><a href="https://x.example/">x</a></comment-thread>', []),
            ('<script>"<a href=https://x.example/>"</script><!-- <a href="https://x.example/">x</a> -->', []),
            ('<a class="u-in-reply-to" href="https://x.example/1">x</a>', ["https://x.example/1"]),
            ("", []),
            ("<!-- -->", []),
        ],
    )  # fmt: skip
    def test_links(self, html: str, links: list[str]) -> None:
        assert self.links(html) == links

    def test_no_more_than_a_hundred(self) -> None:
        assert len(self.links("".join(f'<a href="https://x.example/{n}">x</a>' for n in range(300)))) == 100

    def test_title_and_excerpt(self) -> None:
        html = "<title>T &amp; t</title><article><p>One</p><p>two</p><script>no</script></article>"
        page = FetchedPage("https://blog.example/a", 200, {"content-type": "text/html"}, html.encode())
        article = article_page.read(page, [])
        assert (article.title, article.excerpt) == ("T & t", "One two")

    def test_only_articles_of_sites(self, app: Flask) -> None:
        db.begin_write()
        for url in ("https://elsewhere.example/", "nonsense", "javascript:x"):
            with pytest.raises(WrongOrigin):
                announcing.announce(url)

    def test_an_article_that_cannot_be_read_is_tried_again(self, blog: Web, neighbour: Web, time: FrozenClock) -> None:
        target = with_webmention(neighbour)
        publish(blog, target, status=503)
        assert db.session.scalars(select(Announcement.state)).one() == "queued"
        write(blog, target)
        time.pass_(minutes=5)
        run_job("announce articles")
        run_job("send linkbacks")
        assert rows()[0].state == "sent"


class TestWorkers:
    """One of them tells, whichever; one that dies gives its work back."""

    def test_an_article_that_changes_while_it_is_read_is_read_again(self, blog: Web, neighbour: Web) -> None:
        url = write(blog)
        publish_again = partial(db.run_in_transaction, partial(announcing.announce, url))
        publish_again()
        task = db.run_in_transaction(announcing.claim)
        assert task is not None
        old = announcing.perform(task)
        write(blog, with_webmention(neighbour))
        publish_again()
        db.run_in_transaction(partial(announcing.complete, task, old))
        run_job("announce articles")
        run_job("send linkbacks")
        assert rows()[0].state == "sent"

    def test_a_lease_ends(self, blog: Web, neighbour: Web, time: FrozenClock) -> None:
        write(blog, with_webmention(neighbour))
        db.begin_write()
        announcing.announce(blog.url + ARTICLE)
        db.session.commit()
        run_job("announce articles")
        db.begin_write()
        assert sending.claim()
        db.session.commit()
        assert run_job("send linkbacks") == 0
        time.pass_(minutes=3)
        assert run_job("send linkbacks") == 1
        assert rows()[0].state == "sent"

    def test_a_page_that_breaks_the_reader_is_given_up(
        self, blog: Web, neighbour: Web, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(*_: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(safe_http, "fetch", breaks)
        db.begin_write()
        site = db.session.scalars(select(Site).where(Site.key == "blog")).one()
        article = Announcement(site_id=site.id, url=blog.url, url_hash="x", state="read")
        db.session.add(article)
        db.session.flush()
        db.session.add(SentLinkback(announcement_id=article.id, target=neighbour.url, target_hash="x"))
        db.session.commit()
        run_job("send linkbacks")
        assert rows()[0].state == "failed"
