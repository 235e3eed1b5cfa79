"""Watching a blog's feed: what is new or changed is announced, what was there before is left alone."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc import settings as all_settings
from commentsvc.db import db
from commentsvc.linkbacks import watching
from commentsvc.models import Announcement, Site, WatchedFeed
from commentsvc.safe_http import FetchedPage, FetchFailed
from commentsvc.sites import sites
from tests.cast import BLOG
from tests.jobs import run_job
from tests.servers import Web, web
from tests.time import FrozenClock

ATOM = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>A blog</title><id>x</id>{}</feed>'
ENTRY = '<entry><id>{0}</id><title>{1}</title><updated>2026-11-01T00:00:00Z</updated><link href="{0}"/></entry>'
RSS = (
    '<rss version="2.0"><channel><title>A blog</title><item><title>One</title>'
    "<link>https://blog.example/1</link><description>x</description></item></channel></rss>"
)


@pytest.fixture
def host(app: Flask) -> Iterator[Web]:
    """Where the feed is."""
    before = all_settings.current()
    with web() as site:
        all_settings.use(before.model_copy(update={"fetch_allow": frozenset({site.address})}))
        yield site
    all_settings.use(before)


@pytest.fixture
def feed(host: Web, site: Site) -> str:
    """The address of a feed that is watched."""
    db.begin_write()
    sites.watch(Site.named("blog"), f"{host.url}/feed")
    db.session.commit()
    return f"{host.url}/feed"


def put_up(host: Web, *articles: tuple[str, str], **headers: str) -> None:
    entries = "".join(ENTRY.format(url, title) for url, title in articles)
    host.page("/feed", ATOM.format(entries), Content_Type="application/atom+xml", **headers)


def states() -> dict[str, str]:
    db.session.rollback()
    return dict(db.session.execute(select(Announcement.url, Announcement.state)).all())


def look(time: FrozenClock) -> None:
    time.pass_(minutes=15)
    assert run_job("watch feeds") == 1


class TestWatching:
    """Round after round."""

    def test_what_was_there_is_old_and_what_comes_is_announced(self, host: Web, feed: str, time: FrozenClock) -> None:
        put_up(host, (f"{BLOG}/1", "One"))
        look(time)
        assert states() == {f"{BLOG}/1": "old"}
        put_up(host, (f"{BLOG}/2", "Two"), (f"{BLOG}/1", "One"))
        look(time)
        assert states() == {f"{BLOG}/1": "old", f"{BLOG}/2": "queued"}

    def test_what_changes_is_announced_again(self, host: Web, feed: str, time: FrozenClock) -> None:
        put_up(host, (f"{BLOG}/1", "One"))
        look(time)
        look(time)
        assert states() == {f"{BLOG}/1": "old"}
        put_up(host, (f"{BLOG}/1", "One, corrected"))
        look(time)
        assert states() == {f"{BLOG}/1": "queued"}

    def test_two_entries_about_one_article_are_one(self, host: Web, feed: str, time: FrozenClock) -> None:
        for _ in range(3):
            put_up(host, (f"{BLOG}/1", "One"), (f"{BLOG}/1", "One again"))
            look(time)
        assert states() == {f"{BLOG}/1": "old"}

    def test_pages_of_others_are_nobodys_articles(self, host: Web, feed: str, time: FrozenClock) -> None:
        put_up(host)
        look(time)
        put_up(host, ("https://elsewhere.example/1", "One"), ("javascript:alert(1)", "Two"), ("", "Three"))
        look(time)
        assert states() == {}

    def test_it_asks_only_for_what_changed(self, host: Web, feed: str, time: FrozenClock) -> None:
        put_up(host, (f"{BLOG}/1", "One"), ETag='"abc"', Last_Modified="Sun, 01 Nov 2026 00:00:00 GMT")
        look(time)
        host.page("/feed", "", status=304)
        look(time)
        asked = host.asked[-1][1]
        assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"abc"', "Sun, 01 Nov 2026 00:00:00 GMT")
        assert states() == {f"{BLOG}/1": "old"}
        look(time)
        assert host.asked[-1][1]["If-None-Match"] == '"abc"'

    def test_every_quarter_of_an_hour(self, host: Web, feed: str, time: FrozenClock) -> None:
        put_up(host)
        look(time)
        assert run_job("watch feeds") == 0
        time.pass_(minutes=14)
        assert run_job("watch feeds") == 0

    def test_trouble_is_noted_and_passes(self, host: Web, feed: str, time: FrozenClock) -> None:
        host.page("/feed", "<p>hello</p>")
        look(time)
        assert db.session.scalars(select(WatchedFeed.reason)).one() == "this is not a feed"
        host.page("/feed", "", status=500)
        time.pass_(hours=1)
        run_job("watch feeds")
        assert "500" in db.session.scalars(select(WatchedFeed.reason)).one()
        put_up(host, (f"{BLOG}/1", "One"))
        time.pass_(hours=1)
        run_job("watch feeds")
        assert db.session.scalars(select(WatchedFeed.reason)).one() == ""
        assert states() == {f"{BLOG}/1": "old"}

    def test_another_feed_or_none(self, host: Web, feed: str) -> None:
        for url, count in ((feed, 1), (f"{host.url}/other", 1), ("", 0), ("", 0)):
            db.begin_write()
            sites.watch(Site.named("blog"), url)
            db.session.commit()
            assert len(db.session.scalars(select(WatchedFeed)).all()) == count


class TestFormats:
    """Any feed."""

    @pytest.mark.parametrize("body", [ATOM.format(ENTRY.format("https://blog.example/1", "One")), RSS])
    def test_atom_and_rss(self, body: str) -> None:
        (entry,) = watching.entries(FetchedPage("https://blog.example/feed", 200, {}, body.encode()))
        assert entry.url == "https://blog.example/1"

    @pytest.mark.parametrize(
        ("label", "codec", "header"),
        [("x-sjis", "cp932", ""), ("windows-31j", "cp932", ""), ("utf-8", "utf-8", ""), ("", "cp932", "shift_jis")],
    )
    def test_charsets_by_any_name(self, label: str, codec: str, header: str) -> None:
        declared = f'<?xml version="1.0" encoding="{label}"?>' if label else ""
        entry = '<entry><title>x</title><link href=" https://blog.example/日 本 "/></entry>'
        body = f'{declared}<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'.encode(codec)
        kind = f"application/atom+xml; charset={header}" if header else "application/atom+xml"
        (found,) = watching.entries(FetchedPage("https://blog.example/feed", 200, {"content-type": kind}, body))
        assert found.url == "https://blog.example/%E6%97%A5%20%E6%9C%AC"

    def test_relative_addresses(self) -> None:
        body = ATOM.format(ENTRY.format("/1", "One")).encode()
        (entry,) = watching.entries(FetchedPage("https://blog.example/feed/", 200, {}, body))
        assert entry.url == "https://blog.example/1"

    @pytest.mark.parametrize(
        "body", [b"", b"/etc/passwd", b"http://127.0.0.1:1/", b"{}", b"\xff" * 100, b"<a" * 10_000]
    )
    def test_what_is_no_feed(self, body: bytes) -> None:
        with pytest.raises(FetchFailed):
            watching.entries(FetchedPage("https://blog.example/feed", 200, {}, body))

    def test_a_bomb_of_entities(self) -> None:
        entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
        bomb = (
            f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><rss version="2.0"><channel><title>&e9;</title></channel></rss>'
        )
        watching.entries(FetchedPage("https://blog.example/feed", 200, {}, bomb.encode()))
