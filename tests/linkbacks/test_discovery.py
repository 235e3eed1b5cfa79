"""Where does a page want to be told? The 23 pages of webmention.rocks, served here, and the older protocols' ways."""

import time as wall
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from lxml import html

from commentsvc import safe_http
from commentsvc import settings as all_settings
from commentsvc.linkbacks import discovery, trackback
from commentsvc.linkbacks.discovery import Endpoint
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind
from commentsvc.safe_http import FetchedPage
from commentsvc.settings import Settings
from tests.servers import Web, web


def header(*values: str) -> dict[str, str]:
    return {"Link": ", ".join(values)}


# Number, headers, body, and the endpoint; {0} is the address of the site.
ROCKS = [
    (1, header("</end>; rel=webmention"), "", "/end"),
    (2, header("<{0}/end>; rel=webmention"), "", "/end"),
    (3, {}, '<link rel="webmention" href="/end">', "/end"),
    (4, {}, '<link rel="webmention" href="{0}/end">', "/end"),
    (5, {}, '<a rel="webmention" href="/end">x</a>', "/end"),
    (6, {}, '<a rel="webmention" href="{0}/end">x</a>', "/end"),
    (7, {"LinK": "<{0}/end>; rel=webmention"}, "", "/end"),
    (8, header('<{0}/end>; rel="webmention"'), "", "/end"),
    (9, {}, '<link rel="webmention somethingelse" href="{0}/end">', "/end"),
    (10, header('<{0}/end>; rel="webmention somethingelse"'), "", "/end"),
    (
        *(11, header('</end>; rel="webmention"')),
        '<link rel="webmention" href="/wrong"><a rel="webmention" href="/wrong">x</a>',
        "/end",
    ),
    (12, {}, '<link rel="not-webmention" href="/wrong"><link rel="webmention" href="/end">', "/end"),
    (13, {}, '<!-- <a href="/wrong" rel="webmention"></a> --><a href="/end" rel="webmention">x</a>', "/end"),
    (14, {}, '<code>&lt;a href="/wrong" rel="webmention"&gt;</code><a href="/end" rel="webmention">x</a>', "/end"),
    (15, {}, '<link rel="webmention" href="">', "/test/15"),
    (16, {}, '<a href="/end" rel="webmention">x</a><link rel="webmention" href="/wrong">', "/end"),
    (17, {}, '<link rel="webmention" href="/end"><a href="/wrong" rel="webmention">x</a>', "/end"),
    (18, {}, "", "/end"),  # several Link headers: see below
    (19, header("</wrong>; rel=other", '</end>; rel="webmention"'), "", "/end"),
    (20, {}, '<link rel="webmention"><a href="/end" rel="webmention">x</a>', "/end"),
    (21, {}, '<link rel="webmention" href="/end?query=yes&amp;a=b">', "/end?query=yes&a=b"),
    (22, {}, '<link rel="webmention" href="22/webmention">', "/test/22/webmention"),
    (23, {}, '<link rel="webmention" href="webmention-endpoint/x">', "/moved/webmention-endpoint/x"),
]


@pytest.fixture
def site(tmp_path: object) -> Iterator[Web]:
    """Somebody's pages."""
    with web() as one:
        all_settings.use(Settings(fetch_allow=frozenset({one.address})))
        yield one


def several_headers(handler: object) -> None:
    handler.send_response(200)  # type: ignore[attr-defined]
    for value in ("</wrong>; rel=other", '</end>; rel="webmention"', "</wrong2>; rel=more"):
        handler.send_header("Link", value)  # type: ignore[attr-defined]
    handler.send_header("Content-Length", "0")  # type: ignore[attr-defined]
    handler.end_headers()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("number", "headers", "body", "endpoint"), ROCKS, ids=[str(one[0]) for one in ROCKS])
def test_rocks(site: Web, number: int, headers: dict[str, str], body: str, endpoint: str) -> None:
    path = f"/test/{number}"
    named = {name: value.format(site.url) for name, value in headers.items()}
    target = site.page(path, body.replace("{0}", site.url), **named)
    if number == 18:
        site.pages[path] = several_headers
    if number == 23:
        site.page("/moved/page", body)
        target = site.page(path, "", status=302, Location="/moved/page")
    found = discovery.endpoint_of(safe_http.fetch(target), target)
    assert found == Endpoint(Kind.WEBMENTION, site.url + endpoint)
    assert [asked for asked, _ in site.asked].count(path) == 1, "the page is fetched once"


def page(body: str, **headers: str) -> FetchedPage:
    named = {"content-type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return FetchedPage("https://a.example/post", 200, named, body.encode())


def found(body: str, target: str = "https://a.example/post", **headers: str) -> tuple[str, str] | None:
    endpoint = discovery.endpoint_of(page(body, **headers), target)
    return (endpoint.protocol, endpoint.url) if endpoint else None


class TestLinkHeaders:
    """RFC 8288, as it is seen in the wild."""

    @pytest.mark.parametrize(
        ("value", "url"),
        [
            ('<https://e.example/a,b>; rel="webmention"', "https://e.example/a,b"),
            ('<https://e.example/>; title="a, b; rel=x"; rel="webmention"', "https://e.example/"),
            ("<https://e.example/>;rel=webmention", "https://e.example/"),
            ('<https://e.example/>; REL="WebMention"', "https://e.example/"),
            ('<https://e.example/>; rel="http://webmention.org/"', None),
            ('<javascript:alert(1)>; rel="webmention"', None),
            ("<>; rel=webmention", "https://a.example/post"),
            ("nonsense", None),
            ("<" * 10_000, None),
            ('<x>; rel="' + "\\" * 20_000, None),
        ],
    )
    def test_values(self, value: str, url: str | None) -> None:
        assert found("", link=value) == (("webmention", url) if url else None)


class TestOlderProtocols:
    """Asked in their order."""

    def test_pingback_by_header_before_element(self) -> None:
        element = '<link rel="pingback" href="https://e.example/xmlrpc">'
        assert found(element) == ("pingback", "https://e.example/xmlrpc")
        assert found(element, x_pingback="https://h.example/") == ("pingback", "https://h.example/")

    def test_trackback_by_element_or_rdf(self, client: FlaskClient) -> None:
        here = "https://a.example/post"
        assert found('<link rel="trackback" href="/tb/1">') == ("trackback", "https://a.example/tb/1")
        block = trackback.rdf(here, "A & B", "https://a.example/tb?id=1&x=2")
        assert found(f"<p>{block}</p>") == ("trackback", "https://a.example/tb?id=1&x=2")
        other = trackback.rdf("https://a.example/other", "Other", "https://a.example/tb/other")
        assert found(other + block) == ("trackback", "https://a.example/tb?id=1&x=2")
        assert found(other) is None

    def test_hyphens_in_addresses_are_found_again(self) -> None:
        here = "https://a.example/post--one"
        block = trackback.rdf(here, "A -- B", "https://a.example/tb/post--one")
        assert "--" not in block.removeprefix("<!--").removesuffix("-->")
        offered = FetchedPage(here, 200, {"content-type": "text/html"}, block.encode())
        assert discovery.endpoint_of(offered, here) == Endpoint(Kind.TRACKBACK, "https://a.example/tb/post--one")

    def test_the_richest_protocol_is_taken(self) -> None:
        all_three = '<link rel="trackback" href="/t"><link rel="pingback" href="/p"><a rel="webmention" href="/w">x</a>'
        assert found(all_three) == ("webmention", "https://a.example/w")

    def test_our_own_page_offers_all_three(self, client: FlaskClient) -> None:
        answer = client.get("/t/blog/x.html")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        ours = FetchedPage("https://comments.example/t/blog/x.html", 200, headers, answer.data)
        offered = [(one.protocol, one.url) for one in discovery.endpoints(ours, "https://blog.example/x.html")]
        assert list(dict.fromkeys(offered)) == [
            ("webmention", "https://comments.example/webmention"),
            ("pingback", "https://comments.example/pingback"),
            ("trackback", "https://comments.example/trackback/blog/x.html"),
        ]

    @pytest.mark.parametrize(
        "body", ["", "<a " * 50_000, "<rdf:Description " * 20_000, "\0", "<link rel=webmention href='http://['>"]
    )
    def test_pages_that_offer_nothing(self, body: str) -> None:
        assert found(body) is None

    @pytest.mark.parametrize(
        ("body", "link"),
        [
            ("<rdf:Description " + "a" * 900_000 + ">", ""),
            ("<rdf:Description " * 58_000, ""),
            ("<b>" * 150_000 + "</i>" * 120_000, ""),
            ("", "<" * 63_000),
            ("", '<>"' + '<>\\"' * 15_700),
            ("", "<x>" + ";a" * 30_000),
        ],
        ids=["attributes", "descriptions", "end tags", "openings", "quotes", "parameters"],
    )
    def test_pages_made_to_take_long(self, body: str, link: str) -> None:
        started = wall.process_time()
        assert found(body, link=link) is None
        assert wall.process_time() - started < 5


def test_addresses_count_from_the_base_that_a_page_names() -> None:
    """``<base href>``, the first, itself relative to the page; a header counts from the page."""
    body = (
        '<base href="/deep/"><base href="https://wrong.example/"><link rel="webmention" href="there">'
        '<link rel="pingback" href="ping">'
    )
    page = FetchedPage("https://a.example/post", 200, {"link": "<here>; rel=webmention"}, body.encode())
    found = [one.url for one in discovery.endpoints(page, page.url)]
    assert found == ["https://a.example/here", "https://a.example/deep/there", "https://a.example/deep/ping"]


def test_a_base_in_a_drawing_is_none() -> None:
    body = (
        '<svg><base href="https://wrong.example/"></svg><math><base href="https://wrong.example/"></math>'
        '<base href="/deep/"><link rel="webmention" href="there">'
    )
    page = FetchedPage("https://a.example/post", 200, {}, body.encode())
    assert [one.url for one in discovery.endpoints(page, page.url)] == ["https://a.example/deep/there"]
    assert plain_text.base_of(html.document_fromstring(body), page.url) == "https://a.example/deep/"


@pytest.mark.parametrize(
    "around",
    ["svg><foreignObject", "svg><g><foreignObject><p", "math><mi", "math><annotation-xml encoding='text/html'"],
)
def test_html_in_a_drawing_has_a_base(around: str) -> None:
    body = f'<{around}><base href="/deep/"></svg></math><base href="/wrong/"><link rel="webmention" href="there">'
    page = FetchedPage("https://a.example/post", 200, {}, body.encode())
    assert [one.url for one in discovery.endpoints(page, page.url)] == ["https://a.example/deep/there"]
    assert plain_text.base_of(html.document_fromstring(body), page.url) == "https://a.example/deep/"


def test_addresses_are_resolved_as_browsers_do() -> None:
    """Backslashes are slashes; spaces and line breaks around and in an address are nothing."""
    body = "<base href='\\deep\\'><link rel='webmention' href=' the\nre '>"
    page = FetchedPage("https://a.example/post", 200, {}, body.encode())
    assert [one.url for one in discovery.endpoints(page, page.url)] == ["https://a.example/deep/there"]


@pytest.mark.parametrize("base", ["data:x", "javascript:1", "mailto:a@b.example", "about:blank", "http://["])
def test_what_cannot_be_a_base_is_none(base: str) -> None:
    body = f'<base href="{base}"><link rel="webmention" href="/end">'
    page = FetchedPage("https://a.example/post", 200, {"x-pingback": "/ping"}, body.encode())
    assert [one.url for one in discovery.endpoints(page, page.url)] == [
        "https://a.example/end",
        "https://a.example/ping",
    ]


def test_other_formats_have_headers_only() -> None:
    body = '<link rel="webmention" href="/x">'
    assert found(body, content_type="image/png") is None
    assert found(body, content_type="image/png", link="</y>; rel=webmention") == ("webmention", "https://a.example/y")
