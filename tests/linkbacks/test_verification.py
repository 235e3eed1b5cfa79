"""Does the source really link to us? Read over real HTTP, judged, shown or refused."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from commentsvc import safe_http
from commentsvc.db import db
from commentsvc.linkbacks import source_page, verifying
from commentsvc.linkbacks.source_page import NoLink, Target
from commentsvc.markup import plain_text
from commentsvc.models import Comment, Ping, Site
from commentsvc.safe_http import FetchedPage
from tests.cast import ARTICLE, ARTICLE_URL, BLOG
from tests.jobs import run_job
from tests.servers import Web
from tests.time import FrozenClock
from tests.visitors import Visitor


def the_ping() -> Ping:
    db.session.rollback()
    return db.session.scalars(select(Ping)).one()


def send(client: FlaskClient, source: str, **fields: str) -> None:
    answer = client.post(f"/trackback/blog/{ARTICLE}", data={"url": source} | fields)
    assert b"<error>0</error>" in answer.data


def linking(href: str = ARTICLE_URL) -> str:
    return f'<title>Why &amp; how</title><p>I read <a href="{href}">the phone</a>, and liked it.</p>'


@pytest.mark.usefixtures("allowed")
class TestOverHttp:
    """From the ping to the page."""

    def test_a_real_link_is_shown(self, client: FlaskClient, neighbour: Web) -> None:
        send(client, neighbour.page("/post", linking()), blog_name="Next door")
        assert run_job("verify pings") == 1
        assert the_ping().state == "verified"
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert "Why &amp; how" in page
        assert "Next door" in page
        assert "I read the phone, and liked it." in page
        assert "1 mention" in page
        assert "0 comments" in page

    def test_a_page_that_links_to_two_articles_is_shown_under_both(self, client: FlaskClient, neighbour: Web) -> None:
        both = linking() + f'<a href="{BLOG}/second.html">and another</a>'
        source = neighbour.page("/post", both)
        send(client, source, blog_name="neighbour.example.com")
        client.post("/trackback/blog/second.html", data={"url": source, "blog_name": "neighbour.example.com"})
        run_job("verify pings")
        run_job("verify pings")
        assert [comment.state for comment in db.session.scalars(select(Comment))] == ["approved", "approved"]

    def test_the_request_tells_nothing_private(self, client: FlaskClient, neighbour: Web) -> None:
        send(client, neighbour.page("/post", linking()))
        run_job("verify pings")
        ((_, headers),) = neighbour.asked
        assert headers["User-Agent"].startswith("commentsvc/")
        assert not {"Cookie", "Authorization", "Referer", "X-Forwarded-For"} & set(headers)

    def test_a_held_one_waits_for_the_moderator(self, client: FlaskClient, ada: Visitor, neighbour: Web) -> None:
        db.begin_write()
        db.session.execute(update(Site).values(moderation="first"))
        db.session.commit()
        send(client, neighbour.page("/post", linking()))
        run_job("verify pings")
        assert "Why &amp; how" not in client.get(f"/t/blog/{ARTICLE}").text
        assert "verified mention" in ada.client.get("/admin/queue").text
        ada.decide(db.session.scalars(select(Comment.id)).one(), "approval")
        assert "Why &amp; how" in client.get(f"/t/blog/{ARTICLE}").text

    def test_a_page_without_the_link_is_refused_and_may_try_again(
        self, client: FlaskClient, neighbour: Web, time: FrozenClock
    ) -> None:
        source = neighbour.page("/post", "<p>nothing</p>")
        send(client, source)
        run_job("verify pings")
        assert (the_ping().state, the_ping().reason) == ("refused", "the page does not link to the article")
        neighbour.page("/post", linking())
        send(client, source)
        assert run_job("verify pings") == 0, "not the same source twice within ten minutes"
        time.pass_(minutes=10)
        run_job("verify pings")
        assert the_ping().state == "verified"

    def test_a_broken_source_is_tried_five_times(self, client: FlaskClient, neighbour: Web, time: FrozenClock) -> None:
        neighbour.pages["/post"] = lambda handler: handler.connection.close()
        send(client, f"{neighbour.url}/post")
        for _ in range(5):
            assert run_job("verify pings") == 1
            assert run_job("verify pings") == 0
            time.pass_(days=1)
        assert (the_ping().state, the_ping().tries) == ("failed", 5)

    def test_a_redirect_is_followed_three_times_at_most(self, client: FlaskClient, neighbour: Web) -> None:
        for number in range(5):
            neighbour.page(f"/{number}", "", status=302, Location=f"/{number + 1}")
        neighbour.page("/5", linking())
        with pytest.raises(safe_http.FetchFailed, match="redirects"):
            safe_http.fetch(f"{neighbour.url}/0")
        assert safe_http.fetch(f"{neighbour.url}/2").url == f"{neighbour.url}/5"


def read(html: str, url: str = "https://exchange.example/post", **headers: str) -> source_page.SourceContent:
    named = {"content-type": "text/html; charset=utf-8"} | headers
    return source_page.read(FetchedPage(url, 200, named, html.encode("utf-8", "surrogateescape")), Target(ARTICLE_URL))


class TestLinks:
    """What counts as a link to us."""

    def test_a_base_is_what_links_count_from(self) -> None:
        read('<base href="https://blog.example/2020/"><p><a href="05/phone.html">x</a></p>')
        read('<p><a href="05/phone.html">x</a></p><base href="https://blog.example/2020/">')
        with pytest.raises(NoLink):
            read('<base href="https://other.example/"><p><a href="/2020/05/phone.html">x</a></p>', ARTICLE_URL + "/x")

    @pytest.mark.parametrize(
        "href",
        [
            ARTICLE_URL,
            f"{ARTICLE_URL}#comments",
            f"{ARTICLE_URL}?utm_source=feed",
            "HTTPS://BLOG.example/2020/05/phone.html",
            "//blog.example/2020/05/phone.html",
            "https://blog.example/2020/%30%35/phone.html",
        ],
    )
    def test_the_same_article_in_other_words(self, href: str) -> None:
        assert read(linking(href)).title == "Why & how"

    @pytest.mark.parametrize(
        "html",
        [
            f"<p>{ARTICLE_URL}</p>",
            f'<!-- <a href="{ARTICLE_URL}">x</a> -->',
            f'<script><a href="{ARTICLE_URL}">x</a></script>',
            f'<template><a href="{ARTICLE_URL}">x</a></template>',
            f'<textarea><a href="{ARTICLE_URL}">x</a></textarea>',
            f'<noscript><a href="{ARTICLE_URL}">x</a></noscript>',
            f'<a href="{ARTICLE_URL}l">x</a>',
            f'<a href="{ARTICLE_URL}/more">x</a>',
            f'<a href="http://blog.example.evil/{ARTICLE}">x</a>',
            f'<a data-href="{ARTICLE_URL}">x</a>',
            f'<p title="{ARTICLE_URL}">x</p>',
            '<a href="https://blog.example/">home</a>',
            '<a href="http://[broken">x</a>',
        ],
    )
    def test_what_only_looks_like_it(self, html: str) -> None:
        with pytest.raises(NoLink):
            read(html)

    def test_relative_links_count_from_the_final_address(self) -> None:
        assert read('<a href="../05/phone.html">x</a>', url="https://blog.example/2020/04/")

    def test_words_around_the_link_make_the_excerpt(self) -> None:
        words = " ".join(f"word{number}" for number in range(200))
        excerpt = read(f'<p>{words} <a href="{ARTICLE_URL}">HERE</a> {words}</p>').excerpt
        assert "HERE" in excerpt
        assert len(excerpt) <= 250

    def test_errors_and_other_formats_are_no_source(self) -> None:
        for page in (FetchedPage("u", 404, {}, b""), FetchedPage("u", 200, {"content-type": "image/png"}, b"")):
            with pytest.raises(NoLink):
                source_page.read(page, Target(ARTICLE_URL))

    @pytest.mark.parametrize("charset", ["iso-8859-1", "no-such", "utf-7"])
    def test_charsets_may_lie(self, charset: str) -> None:
        page = FetchedPage(
            "https://a.example/", 200, {"content-type": f"text/html; charset={charset}"}, linking().encode() + b"\xff"
        )
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Why & how"

    @pytest.mark.parametrize(
        ("label", "python"),
        [
            ("x-sjis", "cp932"),
            ("windows-31j", "cp932"),
            ("gb2312", "gb18030"),
            ("x-gbk", "gb18030"),
            ("ks_c_5601-1987", "cp949"),
            ("x-euc-jp", "euc_jp"),
            ("windows-874", "cp874"),
            ("big5", "big5hkscs"),
            ("iso-8859-9", "cp1254"),
            ("latin1", "cp1252"),
        ],
    )
    def test_charsets_have_the_names_of_the_web(self, label: str, python: str) -> None:
        said = {"cp932": "①髙", "gb18030": "镕€", "cp949": "똠", "euc_jp": "日本", "cp874": "ไทย€", "big5hkscs": "嗰"}
        title = said.get(python, "€ “x”")
        body = linking().replace("Why &amp; how", title).encode(python) + b"<p>\xff\xff</p>"
        page = FetchedPage("https://a.example/", 200, {"content-type": f"text/html; charset={label}"}, body)
        assert source_page.read(page, Target(ARTICLE_URL)).title == title

    @pytest.mark.parametrize(
        ("label", "raw", "text"),
        [
            ("iso-2022-jp", b'\x1b$B$"$\x1b(B<b>', "あ\ufffd<b>"),  # half a character takes nothing with it
            ("iso-2022-jp", b"\x1b$B-!\x1b(B \x1b(I1\x1b(B", "① ｱ"),
            ("iso-2022-jp", b"a\x1b$)Cb\x0e", "a\ufffd$)Cb\ufffd"),
            ("euc-jp", b"\xad\xa1\xa1\xc1\x8e\xb1\x8f\xa2\xb7~", "①～ｱ～~"),
            ("euc-jp", b"\x8f\xb0\xa1\x8f\xa1\xa1x\x8f<", "丂\ufffdx\ufffd<"),
            ("shift_jis", b"\x87\x40\xb1\x81<\xa0\xfd", "①ｱ\ufffd<\ufffd\ufffd"),
            ("big5", b"\xa1\x45\x81\x87A", "‧\ufffdA"),
            ("big5", b"\x87\x7a\x87\x7e\x87\xa1\x8e\x69\xa3\xe1\xc6\xcf", "㡵㻬𥣞箸€廴"),
            ("big5", b"\xa1\xfe\xa2\x40\xa2\x41\xa2\x42", "／＼∕﹨"),
            ("euc-kr", b"\xb0\xa1\xa5\xabA", "가\ufffdA"),
            ("gbk", b"\xa3\xa0\x80\x94\x30<\xff0", "\u3000€\ufffd0<\ufffd0"),
            ("gb18030", b"\x84\x31\xa5\x30\x81\x30\x81\x30", "\ufffd\x80"),
            ("koi8-u", b"\xae", "ў"),
            ("windows-1255", b"\xca", "\u05ba"),
            ("windows-1252", b"\x81", "\x81"),
        ],
    )
    def test_bytes_are_decoded_as_by_browsers(self, label: str, raw: bytes, text: str) -> None:
        """As Chromium's TextDecoder does; what fits nothing costs no other character."""
        assert plain_text.decode(raw, label) == text

    def test_the_charset_may_be_named_after_long_styles(self) -> None:
        body = f"<style>{'x' * 9000}</style><meta charset=windows-1251>" + linking().replace("Why &amp; how", "Привет")
        page = FetchedPage("https://a.example/", 200, {"content-type": "text/html"}, body.encode("windows-1251"))
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Привет"

    def test_readers_without_javascript_may_be_told_the_charset(self) -> None:
        body = '<noscript><meta charset="koi8-r"></noscript>' + linking().replace("Why &amp; how", "Привет")
        page = FetchedPage("https://a.example/", 200, {"content-type": "text/html"}, body.encode("koi8-r"))
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Привет"

    @pytest.mark.parametrize("label", ["gbk", "gb2312", "gb18030"])
    def test_a_euro_among_chinese_text_may_be_a_single_byte(self, label: str) -> None:
        body = linking().replace("Why &amp; how", "5 @").encode("gbk").replace(b"@", b"\x80")
        page = FetchedPage("https://a.example/", 200, {"content-type": f"text/html; charset={label}"}, body)
        assert source_page.read(page, Target(ARTICLE_URL)).title == "5 €"

    def test_xhtml_that_is_xml_has_no_meta(self) -> None:
        body = '<?xml version="1.0"?><meta charset="iso-8859-1"/>' + linking().replace("Why &amp; how", "Où")
        page = FetchedPage("https://a.example/", 200, {"content-type": "application/xhtml+xml"}, body.encode())
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Où"

    @pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16"])
    def test_a_byte_order_mark_decides(self, charset: str) -> None:
        headers = {"content-type": "text/html; charset=iso-8859-1"}
        page = FetchedPage("https://a.example/", 200, headers, linking().encode(charset))
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Why & how"

    @pytest.mark.parametrize(
        "beginning",
        [
            "<!-- <meta charset=latin1> --><meta charset=utf-8>",
            "<script>'<meta charset=latin1>'</script><meta charset='utf-8'>",
            '<meta name="description" content="about charset=latin1"><meta charset=" UTF-8 ">',
            '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">',
            '<?xml version="1.0" encoding="utf-8"?>',
            '<meta http-equiv="Content-Type" content="text/html; charset=unicode">',  # as Word writes it
        ],
    )
    def test_the_page_itself_names_its_charset_where_browsers_look(self, beginning: str) -> None:
        html = beginning + linking().replace("Why", "Où")
        page = FetchedPage("https://a.example/", 200, {"content-type": "text/html"}, html.encode() + b"<p>\xff")
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Où & how"

    def test_one_bad_byte_does_not_throw_the_charset_away(self) -> None:
        headers = {"content-type": "text/html; charset=koi8-r"}
        content = linking().replace("Why", "Почему").encode("koi8-r") + b"\xff"
        page = FetchedPage("https://a.example/", 200, headers, content)
        assert source_page.read(page, Target(ARTICLE_URL)).title == "Почему & how"

    def test_deep_nesting_is_no_problem(self) -> None:
        assert read("<div>" * 900 + linking()).title == "Why & how"
        with pytest.raises(NoLink):
            read("<div>" * 50_000 + linking())


@pytest.mark.usefixtures("allowed")
class TestPoison:
    """A page made to break the reader is put aside, and keeps no other ping waiting."""

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (b"<![<![", {}),
            (b"<title>\\ud800</title><a href='x'>", {"Content_Type": "text/html; charset=unicode_escape"}),
            (b"<a href='http://['>x</a><a href='//['>", {}),
            (b"\0" * 1000, {}),
            (b"<template>" * 20_000 + b"</xmp>" * 20_000, {}),
            (b"<a " * 100_000, {}),
            (b"<a href='https://blog.example/" + b"/" * 100_000 + b"b'>x</a>", {}),
            (b"<div>" * 100_000, {}),
            (b"x" * 200_000, {"Content_Type": "text/html; charset=punycode"}),
        ],
    )
    def test_it_is_refused_once(
        self, client: FlaskClient, neighbour: Web, body: bytes, headers: dict[str, str]
    ) -> None:
        send(client, neighbour.page("/poison", body, **headers))
        send(client, neighbour.page("/good", linking()))
        for _ in range(3):
            run_job("verify pings")
        db.session.rollback()
        states = dict(db.session.execute(select(Ping.source, Ping.state)).all())
        assert states == {f"{neighbour.url}/poison": "refused", f"{neighbour.url}/good": "verified"}

    def test_a_redirect_to_nonsense_is_refused(self, client: FlaskClient, neighbour: Web) -> None:
        send(client, neighbour.page("/poison", "", status=302, Location="http://["))
        run_job("verify pings")
        assert the_ping().state == "failed"

    def test_a_host_has_sixty_an_hour_however_it_is_spelt(self, client: FlaskClient, time: FrozenClock) -> None:
        answers = []
        for number in range(70):
            url = ("http://a.example:80/", "HTTP://A.EXAMPLE/", "https://a.example./")[number % 3] + str(number)
            client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
            answers.append(client.post(f"/trackback/blog/{ARTICLE}", data={"url": url}).data)
        assert sum(b"<error>0</error>" in answer for answer in answers) == 60
        time.pass_(minutes=61)

    def test_two_workers_make_one_linkback(self, client: FlaskClient, neighbour: Web, time: FrozenClock) -> None:
        send(client, neighbour.page("/post", linking()))
        db.begin_write()
        first = verifying.claim()
        db.session.commit()
        time.pass_(minutes=3)  # the lease is over, and another worker begins
        run_job("verify pings")
        assert first
        db.begin_write()
        verifying.complete(first, verifying.perform(first))
        db.session.commit()
        assert len(db.session.scalars(select(Comment)).all()) == 1

    def test_long_blog_names_fit(self, client: FlaskClient, neighbour: Web) -> None:
        send(client, neighbour.page("/post", linking()), blog_name="n" * 95)
        run_job("verify pings")
        assert the_ping().state == "verified"
