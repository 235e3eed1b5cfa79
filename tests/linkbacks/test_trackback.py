"""TrackBack 1.2: the answers byte for byte, charsets, and what is refused."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from commentsvc import links
from commentsvc.db import db
from commentsvc.linkbacks import trackback
from commentsvc.linkbacks.trackback import UrlMissing
from commentsvc.models import Ping, Thread
from tests.cast import ARTICLE, ARTICLE_URL, BLOG
from tests.visitors import Visitor

SOURCE = "https://exchange.example/rotary"
SUCCESS = b'<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>0</error>\n</response>\n'
FORM = "application/x-www-form-urlencoded"


def failure(message: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>1</error>\n'
        f"<message>{message}</message>\n</response>\n"
    ).encode()


def ping(client: FlaskClient, key: str = ARTICLE, **fields: str) -> bytes:
    answer = client.post(f"/trackback/blog/{key}", data={"url": SOURCE} | fields)
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    return answer.data


def pings() -> list[Ping]:
    db.session.rollback()
    return list(db.session.scalars(select(Ping)))


class TestAnswers:
    """What a sender reads."""

    def test_success_is_the_specifications_body(self, client: FlaskClient) -> None:
        assert ping(client) == SUCCESS
        assert [(one.source, one.target, one.state) for one in pings()] == [(SOURCE, ARTICLE_URL, "queued")]

    def test_receiving_opens_no_thread(self, client: FlaskClient) -> None:
        ping(client)
        assert db.session.scalar(select(func.count(Thread.id))) == 0

    @pytest.mark.parametrize(
        "url", ["", "  ", "javascript:alert(1)", "ftp://a.example/", "/relative", "http://", "https:///x"]
    )
    def test_without_a_web_address_it_fails(self, client: FlaskClient, url: str) -> None:
        assert ping(client, url=url) == failure("The field “url” is missing or is not a complete web address.")
        assert not pings()

    def test_the_same_twice_fails_and_adds_nothing(self, client: FlaskClient) -> None:
        ping(client)
        assert ping(client) == failure("This page has already been registered for this article.")
        assert ping(client, url=f"{SOURCE}#part") == failure("This page has already been registered for this article.")
        assert len(pings()) == 1

    def test_own_pages_fail(self, client: FlaskClient) -> None:
        for own in (ARTICLE_URL, f"{ARTICLE_URL}?utm_source=x#y", f"https://comments.example/t/blog/{ARTICLE}"):
            assert b"cannot mention itself" in ping(client, url=own)

    def test_a_closed_article_fails(self, client: FlaskClient, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", trackbacks="off")
        assert ping(client) == failure("This article does not accept mentions.")
        rules("blog", trackbacks="like-comments")
        bob.comment()
        db.begin_write()
        db.session.execute(Thread.__table__.update().values(access="closed"))
        db.session.commit()
        assert ping(client) == failure("This article does not accept mentions.")

    def test_unknown_sites_fail_in_the_same_form(self, client: FlaskClient) -> None:
        answer = client.post("/trackback/nobody/x", data={"url": SOURCE})
        assert answer.status_code == 200
        assert b"<error>1</error>" in answer.data

    def test_too_many_fail_in_the_same_form(self, client: FlaskClient) -> None:
        answers = [ping(client, url=f"https://{number}.example/") for number in range(61)]
        assert answers[59] == SUCCESS
        assert b"<error>1</error>" in answers[60]

    def test_a_person_is_led_to_the_article_and_nothing_is_made(self, client: FlaskClient) -> None:
        answer = client.get(f"/trackback/blog/{ARTICLE}?url={SOURCE}")
        assert (answer.status_code, answer.headers["Location"]) == (302, ARTICLE_URL)
        assert not pings()

    def test_messages_are_escaped(self) -> None:
        assert trackback.failure("a < b & c") == failure("a &lt; b &amp; c").decode()


class TestFields:
    """What a sender writes."""

    def test_missing_title_and_blog_name_are_made_from_the_address(self) -> None:
        request = trackback.parse(f"url={SOURCE}".encode(), FORM)
        assert (request.title, request.blog_name, request.excerpt) == (
            SOURCE,
            "exchange.example",
            "",
        )

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"title=%C3%9Cber", f"{FORM}; charset=utf-8"),
            (b"title=%C3%9Cber", FORM),
            (b"title=%DCber", f"{FORM}; charset=iso-8859-1"),
            (b"title=%DCber&charset=ISO-8859-1", FORM),
            (b"title=%DCber", FORM),
            (b"title=%DCber", f"{FORM}; charset=no-such-charset"),
            (b"title=%DCber&charset=utf-7", FORM),
            (b"title=\xc3\x9cber", FORM),
            (b"title=%C3%9Cber", f"{FORM}; charset=utf-16"),
        ],
    )
    def test_charsets(self, body: bytes, content_type: str) -> None:
        """Header, field, UTF-8, Windows-1252, in this order."""
        assert trackback.parse(body + f"&url={SOURCE}".encode(), content_type).title == "Über"

    def test_all_fields_are_in_one_charset(self) -> None:
        body = f"url={SOURCE}&title=sch%C3%B6ne+Welt&excerpt=ma%C3".encode()  # cut by bytes
        request = trackback.parse(body, FORM)
        assert (request.title, request.excerpt) == ("schöne Welt", "ma\ufffd")

    def test_windows_quotes(self) -> None:
        assert trackback.parse(f"url={SOURCE}&title=%93x%94".encode(), FORM).title == "“x”"

    def test_tags_go_and_entities_are_decoded_once(self) -> None:
        request = trackback.parse(f"url={SOURCE}&excerpt=%3Cb%3Ea%3C%2Fb%3E+%26amp%3Blt%3B%0A%0Ac".encode(), FORM)
        assert request.excerpt == "a &lt; c"

    def test_long_fields_are_cropped(self) -> None:
        request = trackback.parse(f"url={SOURCE}&title={'t' * 400}&excerpt={'word+' * 100}".encode(), FORM)
        assert len(request.title) <= 250
        assert len(request.excerpt) <= 252
        assert request.excerpt.endswith("word…")

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=200), st.text(max_size=60))
    def test_any_bytes_are_read_or_refused(self, body: bytes, content_type: str) -> None:
        """Never an accident."""
        with suppress(UrlMissing):
            trackback.parse(b"url=https%3A%2F%2Fa.example&" + body, content_type)


class TestDiscovery:
    """How senders find the address."""

    def test_the_page_names_it_in_link_and_rdf(self, client: FlaskClient) -> None:
        page = client.get(f"/t/blog/{ARTICLE}").text
        address = f"https://comments.example/trackback/blog/{ARTICLE}"
        assert f'<link rel="trackback" type="application/x-www-form-urlencoded" href="{address}">' in page
        assert f'trackback:ping="{address}" />' in page
        assert f'dc:identifier="{ARTICLE_URL}"' in page

    @given(st.text(alphabet="-> <\"'&abc!", max_size=40))
    def test_no_title_ends_the_comment_early(self, title: str) -> None:
        block = trackback.rdf(ARTICLE_URL, title, "https://comments.example/trackback/blog/x")
        inner = block.removeprefix("<!--").removesuffix("-->")
        assert "--" not in inner
        assert "<script" not in trackback.rdf(ARTICLE_URL, "--><script>", "https://x.example/")

    def test_the_article_address_of_a_key(self) -> None:
        assert links.article(BLOG, "a b/ü?p=1&q=2") == f"{BLOG}/a%20b/%C3%BC?p=1&q=2"
