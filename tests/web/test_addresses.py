"""Who the client is: the socket's word, or what trusted proxies say, and nothing else."""

from collections.abc import Callable

import pytest
from flask import Flask

from commentsvc import settings
from commentsvc.web import current
from tests.cast import ARTICLE


@pytest.fixture
def seen(app: Flask) -> Callable[..., str]:
    """The address the service believes in, for a peer and its header."""

    def ask(peer: str, forwarded: str = "", trusted: str = "", **headers: str) -> str:
        values = settings.Settings.model_validate({"trusted_proxies": trusted}).trusted_proxies
        settings.use(settings.current().model_copy(update={"trusted_proxies": values}))
        sent = {"X-Forwarded-For": forwarded, **headers}
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": peer}, headers=sent):
            return current.address()

    return ask


def test_a_proxy_may_be_named_as_a_socket_for_both_versions_shows_it(seen: Callable[..., str]) -> None:
    assert seen("127.0.0.1", "203.0.113.7", "::ffff:127.0.0.1/128") == "203.0.113.7"
    assert seen("::ffff:127.0.0.9", "203.0.113.7", "::ffff:127.0.0.0/104") == "203.0.113.7"


def test_without_trusted_proxies_headers_change_nothing(seen: Callable[..., str]) -> None:
    assert seen("203.0.113.7", "127.0.0.1") == "203.0.113.7"
    assert seen("203.0.113.7", "127.0.0.1", **{"X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1"}) == "203.0.113.7"


def test_the_last_address_that_no_trusted_proxy_has_counts(seen: Callable[..., str]) -> None:
    assert seen("10.0.0.1", "1.1.1.1, 203.0.113.7", "10.0.0.0/8") == "203.0.113.7"
    assert seen("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.2", "10.0.0.0/8") == "203.0.113.7"
    assert seen("192.0.2.9", "203.0.113.7", "10.0.0.0/8") == "192.0.2.9"
    assert seen("::ffff:10.0.0.1", "203.0.113.7", "10.0.0.0/8") == "203.0.113.7"  # of a socket for both versions


@pytest.mark.parametrize("garbage", ["", ",", "nonsense", "1.2.3.4.5", "<script>", "unknown", "  ", "::g"])
def test_garbage_is_no_address(seen: Callable[..., str], garbage: str) -> None:
    assert seen("10.0.0.1", f"203.0.113.7, {garbage or 'x'}", "10.0.0.0/8") in ("", "203.0.113.7")


def test_headers_of_every_page(app: Flask, client) -> None:  # type: ignore[no-untyped-def]
    for path in ("/", f"/t/blog/{ARTICLE}", "/nothing", "/admin/sign-in"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Strict-Transport-Security"]
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "charset=utf-8" in headers["Content-Type"]
        assert "Werkzeug" not in headers.get("Server", "")


@pytest.mark.parametrize(
    "origin",
    ["https://blog.example.evil", "https://evilblog.example", "null", "https://other.example", "http://blog.example"],
)
def test_only_the_sites_own_pages_may_read(client, origin: str) -> None:  # type: ignore[no-untyped-def]
    for path in (f"/embed/blog/{ARTICLE}", f"/api/v1/threads/blog/{ARTICLE}", "/api/v1/counts?site=blog"):
        answer = client.get(path, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]
        ours = client.get(path, headers={"Origin": "https://blog.example"})
        assert ours.headers["Access-Control-Allow-Origin"] == "https://blog.example"


def test_preflights_are_answered_for_the_site_only(client) -> None:  # type: ignore[no-untyped-def]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    named = (f"/embed/blog/{ARTICLE}", f"/api/v1/threads/blog/{ARTICLE}/comments", "/api/v1/challenges?site=blog")
    for path in (*named, "/api/v1/challenges", "/api/v1/preview"):  # the body names the site, and comes later
        ours = client.options(path, headers=asked | {"Origin": "https://blog.example"})
        assert ours.status_code == 204
        assert "X-Commentsvc-Visitor" in ours.headers["Access-Control-Allow-Headers"]
        assert ours.headers["Access-Control-Allow-Origin"] == "https://blog.example"
        theirs = client.options(path, headers=asked | {"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in theirs.headers


def test_wrong_methods_and_paths_outside(client) -> None:  # type: ignore[no-untyped-def]
    assert client.open("/", method="TRACE").status_code == 405
    assert client.delete(f"/t/blog/{ARTICLE}").status_code == 405
    for path in (
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
        "/static/nothing.js",
    ):
        assert client.get(path).status_code == 404
