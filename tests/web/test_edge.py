"""What caches in front of the service are told: how long an answer may be kept, what it shows, and what has changed."""

import hashlib
import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from commentsvc import content_versions, edge
from commentsvc.models import Site
from tests.cast import ARTICLE, BOB
from tests.servers import Web, web
from tests.visitors import Visitor

THREAD = f"/embed/blog/{ARTICLE}"
COUNTS = f"/api/v1/counts?site=blog&key={ARTICLE}"


@pytest.fixture
def cache() -> Iterator[Web]:
    """The address that purges go to."""
    with web() as there:
        there.page("/purge", "")
        yield there


@pytest.fixture
def purging(app: Flask, cache: Web, set_up: Callable[..., None]) -> Iterator[None]:
    """The service tells it."""
    set_up(edge_purge_url=f"{cache.url}/purge", edge_purge_token="open sesame", fetch_allow=frozenset({cache.address}))
    edge.watch()
    yield
    content_versions.thread_changed.disconnect(edge._purge_thread)
    content_versions.site_changed.disconnect(edge._purge_site)


class TestLifetimes:
    """A second, unless the operator wants more."""

    def test_browsers_ask_each_time_and_caches_each_second(self, client: FlaskClient) -> None:
        headers = client.get(THREAD).headers
        assert headers["Cache-Control"] == "public, max-age=0, s-maxage=1, stale-if-error=86400"
        assert "CDN-Cache-Control" not in headers
        assert "Cache-Tag" not in headers

    def test_a_longer_one_is_for_shared_caches_alone(self, client: FlaskClient, set_up: Callable[..., None]) -> None:
        set_up(edge_seconds=60)
        headers = client.get(THREAD).headers
        assert headers["Cache-Control"] == "public, max-age=0, s-maxage=60, stale-if-error=86400"
        assert headers["CDN-Cache-Control"] == ("public, max-age=60, stale-while-revalidate=60, stale-if-error=86400")

    @pytest.mark.parametrize("path", [f"/t/blog/{ARTICLE}", "/admin/sign-in", "/health"])
    def test_what_is_somebodys_own_is_not_kept(self, client: FlaskClient, path: str) -> None:
        assert "s-maxage" not in client.get(path).headers.get("Cache-Control", "")


class TestPurges:
    """What changed is dropped at once, wherever it is kept."""

    def test_a_new_comment_drops_the_thread_and_what_shows_several(
        self, purging: None, cache: Web, client: FlaskClient, bob: Visitor, site: Site
    ) -> None:
        thread, counts = (client.get(path).headers["Cache-Tag"].split(",") for path in (THREAD, COUNTS))
        digest = hashlib.sha256(ARTICLE.encode()).hexdigest()[:16]
        assert thread == [f"site-{site.id}", f"site-{site.id}-thread-{digest}"]
        assert counts == [f"site-{site.id}", f"site-{site.id}-activity"]
        assert client.get(THREAD).headers["Surrogate-Key"] == " ".join(thread)
        bob.comment(BOB)
        told = {"tags": [thread[1], counts[1]]}
        assert purged(cache) == [told, told], "once more, when every process has noticed"

    def test_a_changed_site_drops_everything_of_it(
        self, purging: None, cache: Web, rules: Callable[..., None], site: Site
    ) -> None:
        site_id = site.id
        rules("blog", page_size=5)
        content_versions._send_site(site_id)
        assert {"tags": [f"site-{site_id}"]} in purged(cache)

    def test_nobody_waits_for_a_cache_that_is_away(
        self, purging: None, cache: Web, bob: Visitor, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache.forget()  # it answers 404
        bob.comment(BOB)
        for thread in edge._senders:
            thread.join()
        assert "2 tags were not purged (status 404)" in caplog.text


def purged(cache: Web) -> list[dict[str, list[str]]]:
    """What the cache was told, once all is sent."""
    for thread in edge._senders:
        thread.join()
    assert all(headers["Authorization"] == "Bearer open sesame" for _, headers in cache.asked)
    return [json.loads(body) for _, _, body in cache.received]
