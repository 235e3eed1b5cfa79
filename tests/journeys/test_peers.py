"""Other people's programs talk to ours, and ours to theirs, over HTTP: packages for webmentions, old formats."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from urllib.request import Request, urlopen
from xmlrpc.client import ServerProxy

import pytest
import ronkyuu
from webmentions import Webmention, WebmentionDirection, WebmentionsHandler
from webmentions.storage import WebmentionsStorage

from tests.running import Running
from tests.servers import Web, web

ARTICLE = "/2026/11/cords.html"
TIMEOUT = 20  # seconds
Neighbours = tuple[Running, Web, Web]


class Memory(WebmentionsStorage):
    """Where the peer keeps what it got and what it sent."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], Webmention] = {}

    def store_webmention(self, mention: Webmention) -> None:
        self.kept[mention.direction.value, mention.source, mention.target] = mention

    def delete_webmention(self, source: str, target: str, direction: object) -> None:
        self.kept.pop((direction.value, source, target), None)  # type: ignore[attr-defined]

    def retrieve_webmentions(self, resource: str, direction: object) -> list[Webmention]:
        return [
            one for one in self.kept.values() if one.direction == direction and resource in (one.source, one.target)
        ]

    def mark_sent(self, source: str, target: str) -> None:
        self.store_webmention(Webmention(source=source, target=target, direction=WebmentionDirection.OUT))


@pytest.fixture
def neighbours(tmp_path: Path) -> Iterator[Neighbours]:
    """A comment server, its blog, and another blog."""
    server = Running(tmp_path)
    with web() as blog, web() as other:
        server.environment["COMMENTSVC_FETCH_ALLOW"] = f"{blog.address},{other.address}"
        server.run("site", "add", "blog", blog.url, "--moderation", "none", "--language", "en")
        blog.page(ARTICLE, page_of(server, blog))
        server.start()
        yield server, blog, other
        server.kill()


def page_of(server: Running, blog: Web, *targets: str) -> str:
    """The article, with the lines that docs/linkbacks.md gives."""
    links = "".join(f'<p>see <a href="{target}">this</a></p>' for target in targets)
    return f"""<!doctype html><html><head><title>Cords</title><link rel="canonical" href="{blog.url}{ARTICLE}">
<link rel="webmention" href="{server.url}/webmention">
<link rel="pingback" href="{server.url}/pingback">
<link rel="trackback" type="application/x-www-form-urlencoded" href="{server.url}/trackback/blog{ARTICLE}">
</head><body><article class="h-entry"><h1 class="p-name">Cords</h1><div class="e-content"><p>On cords.</p>{links}</div>
</article></body></html>"""


def thread(server: Running) -> dict[str, list[dict[str, str]]]:
    with urlopen(f"{server.url}/api/v1/threads/blog{ARTICLE}") as answer:
        return dict(json.load(answer))


def wait_for(look: Callable[[], object]) -> None:
    deadline = monotonic() + TIMEOUT
    while not look():
        assert monotonic() < deadline, "waited in vain"
        sleep(0.2)


def kinds(server: Running) -> list[str]:
    return sorted(one["kind"] for one in thread(server)["linkbacks"])


def peer(base: Web) -> tuple[WebmentionsHandler, Memory]:
    memory = Memory()
    return WebmentionsHandler(memory, base_url=base.url, ssrf_protection=False), memory


def test_the_package_webmentions_sends(neighbours: Neighbours) -> None:
    server, blog, other = neighbours
    handler, _ = peer(other)
    reply = (
        f'<div class="h-entry"><a class="p-author h-card" href="{other.url}/">Grace</a>'
        f'<a class="u-in-reply-to" href="{blog.url}{ARTICLE}">re</a><p class="e-content">Mine is red.</p></div>'
    )
    handler.process_outgoing_webmentions(other.page("/reply", reply))
    wait_for(lambda: thread(server)["comments"])
    (comment,) = thread(server)["comments"]
    assert (comment["author"], comment["body"], comment["response"]) == ("Grace", "Mine is red.", "reply")


def test_the_package_ronkyuu_sends(neighbours: Neighbours) -> None:
    server, blog, other = neighbours
    source = other.page("/post", f'<title>Why</title><p><a href="{blog.url}{ARTICLE}">cords</a></p>')
    answer = ronkyuu.sendWebmention(source, f"{blog.url}{ARTICLE}", test_urls=False)
    assert answer.status_code == 201
    wait_for(lambda: kinds(server) == ["webmention"])
    assert thread(server)["linkbacks"][0]["title"] == "Why"


def test_the_package_webmentions_receives_ours(neighbours: Neighbours) -> None:
    """It verifies and reads our blog's page; told again after the link is gone, it forgets."""
    server, blog, other = neighbours
    handler, memory = peer(other)
    target = other.page("/post", "<p>hello</p>", Link='</end>; rel="webmention"')
    other.page("/end", "", status=202)

    def take() -> None:
        handler.process_incoming_webmention(other.posted[-1]["source"], other.posted[-1]["target"])

    blog.page(ARTICLE, page_of(server, blog, target))
    assert "webmention, status 202" in server.run("ping", f"{blog.url}{ARTICLE}")
    take()
    (kept,) = memory.kept.values()
    assert (kept.source, kept.target) == (f"{blog.url}{ARTICLE}", target)
    blog.page(ARTICLE, page_of(server, blog))
    assert "webmention, status 202" in server.run("ping", f"{blog.url}{ARTICLE}")
    blog.page(ARTICLE, "gone", status=410)
    take()
    assert not memory.kept


def test_a_client_of_xml_rpc_pings(neighbours: Neighbours) -> None:
    server, blog, other = neighbours
    source = other.page("/post", f'<title>Why</title><p><a href="{blog.url}{ARTICLE}">cords</a></p>')
    with ServerProxy(f"{server.url}/pingback") as proxy:
        assert source in str(proxy.pingback.ping(source, f"{blog.url}{ARTICLE}"))
    wait_for(lambda: kinds(server) == ["pingback"])


# What WordPress (wp-trackback's sender) and Serendipity write, byte by byte.
OF_WORDPRESS = "title={title}&url={url}&blog_name={blog}&excerpt={excerpt}"
OF_SERENDIPITY = "url={url}&title={title}&blog_name={blog}&excerpt={excerpt}"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (OF_WORDPRESS, "application/x-www-form-urlencoded; charset=UTF-8"),
        (OF_SERENDIPITY, "application/x-www-form-urlencoded"),
    ],
)
def test_old_blogs_send_trackbacks(neighbours: Neighbours, body: str, content_type: str) -> None:
    server, blog, other = neighbours
    source = other.page("/post", f'<title>x</title><p>An excerpt of <a href="{blog.url}{ARTICLE}">cords</a></p>')
    form = body.format(title="Why+%C3%BCber", url=source.replace(":", "%3A"), blog="Next+door", excerpt="An+excerpt")
    asked = Request(f"{server.url}/trackback/blog{ARTICLE}", form.encode(), {"Content-Type": content_type})
    with urlopen(asked) as answer:
        assert answer.read().count(b"<error>0</error>") == 1
    wait_for(lambda: kinds(server) == ["trackback"])
    (shown,) = thread(server)["linkbacks"]
    assert (shown["title"], shown["author"], shown["body"]) == ("Why über", "Next door", "An excerpt")


def asked(server: Running, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(server.folder / "commentsvc.sqlite3")) as database, database:
        return database.execute(statement).fetchall()


def test_a_watched_feed_is_enough(neighbours: Neighbours, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two comment servers; the article is new in the feed of one, and shown below the article of the other."""
    server, blog, other = neighbours
    second = Running(tmp_path_factory.mktemp("second"))
    second.environment["COMMENTSVC_FETCH_ALLOW"] = f"{blog.address},{other.address},{server.url.partition('//')[2]}"
    atom = '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><id>x</id>{}</feed>'
    entry = '<entry><id>1</id><title>New</title><updated>2026-11-01T00:00:00Z</updated><link href="/new.html"/></entry>'
    other.page("/new.html", f'<title>New</title><article><a href="{blog.url}{ARTICLE}">cords</a></article>')
    other.page("/feed", atom.format(""), Content_Type="application/atom+xml")
    second.run("site", "add", "other", other.url, "--feed", f"{other.url}/feed")
    second.start()
    wait_for(lambda: asked(second, "SELECT is_read FROM watched_feed") == [(1,)])
    second.kill()
    other.page("/feed", atom.format(entry), Content_Type="application/atom+xml")
    a_quarter_of_an_hour_later = "UPDATE watched_feed SET due_at = '2026-01-01 00:00:00', leased_until = NULL"
    asked(second, a_quarter_of_an_hour_later)
    second.start()
    try:
        wait_for(lambda: kinds(server) == ["webmention"])
    finally:
        second.kill()
