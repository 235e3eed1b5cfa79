"""Every address that we make begins with BASE_URL, also where it has a path, and whatever the request says."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from commentsvc import links, settings
from commentsvc.accounts import moderators
from commentsvc.app import create_app
from commentsvc.db import db
from tests.cast import ARTICLE, BLOG
from tests.conftest import ADA, ADAS_PASSWORD, SECRET, _add_sites, empty, hash_of
from tests.visitors import hidden_fields

BASE = "https://shop.example/comments"


@pytest.fixture
def below(tmp_path: Path, database_url: str) -> Iterator[FlaskClient]:
    """A client of a service below a path, behind a proxy that leaves paths as they are."""
    config = settings.Settings(data_dir=tmp_path, database_url=database_url, secret_key=SECRET, base_url=BASE)
    app = create_app(config)
    with app.app_context():
        db.begin_write()
        empty()
        _add_sites()
        moderators.add(ADA.email, ADA.name).password_hash = hash_of(ADAS_PASSWORD)
        db.session.commit()
        db.session.remove()
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def addresses(text: str) -> list[str]:
    found = re.findall(r'(?:href|src|action)="([^"]+)"', text)
    return [one for one in found if not one.startswith(("#", "?", "mailto:"))]


def sign_in(client: FlaskClient, **fields: str) -> TestResponse:
    hidden = hidden_fields(client.get("/comments/admin/sign-in"))
    return client.post(
        "/comments/admin/sign-in", data=hidden | {"email": ADA.email, "password": ADAS_PASSWORD} | fields
    )


@pytest.mark.every_value
@pytest.mark.parametrize(
    "page", ["/", f"/t/blog/{ARTICLE}", f"/embed/blog/{ARTICLE}", "/admin/sign-in", "/follow/blog/a", "/privacy"]
)
def test_pages_lead_nowhere_but_below_the_path(below: FlaskClient, page: str) -> None:
    answer = below.get(f"/comments{page}")
    assert answer.status_code == 200
    found = [one for one in addresses(answer.text) if not one.startswith(BLOG)]
    assert found
    for one in found:
        assert one.startswith((f"{BASE}/", "/comments/")), one
        asked = below.get(one.removeprefix("https://shop.example").partition("#")[0])
        assert asked.status_code in (200, 302, 303, 405), one


def test_programs_are_given_addresses_below_it(below: FlaskClient) -> None:
    page = below.get(f"/comments/t/blog/{ARTICLE}")
    assert page.headers["X-Pingback"] == f"{BASE}/pingback"
    assert f"<{BASE}/webmention>" in page.headers["Link"]
    assert f"{BASE}/trackback/blog/{ARTICLE}" in page.text
    assert f'href="{BASE}/feed/blog"' in below.get("/comments/feed/blog").text
    assert below.get("/comments/api/openapi.json").json["servers"] == [{"url": BASE}]


def test_cookies_stay_below_it(below: FlaskClient) -> None:
    cookie = below.get(f"/comments/t/blog/{ARTICLE}").headers["Set-Cookie"]
    assert cookie.startswith("__Secure-visitor=")
    assert "Path=/comments" in cookie
    signed_in = sign_in(below)
    assert signed_in.headers["Location"] == "/comments/admin/queue"
    own = [one for one in signed_in.headers.getlist("Set-Cookie") if "moderator" in one]
    assert own
    assert all(one.startswith("__Secure-") and "Path=/comments" in one for one in own)
    assert below.get("/comments/admin/queue").status_code == 200


def test_who_must_sign_in_comes_back_to_the_page(below: FlaskClient) -> None:
    answer = below.get("/comments/admin/bans")
    assert answer.headers["Location"] == "/comments/admin/sign-in?next=/comments/admin/bans"
    assert sign_in(below, next="/comments/admin/bans").headers["Location"] == "/comments/admin/bans"


@pytest.mark.parametrize(
    "foreign", ["/admin/bans", "/commentsevil/admin/", "//evil.example/comments/admin/", "/comments/t/\\evil"]
)
def test_who_signs_in_is_led_nowhere_else(below: FlaskClient, foreign: str) -> None:
    assert sign_in(below, next=foreign).headers["Location"] == "/comments/admin/queue"


def test_a_health_check_beside_the_proxy_needs_no_path(below: FlaskClient) -> None:
    assert below.get("/health").status_code == 200


@pytest.mark.every_value
@pytest.mark.parametrize(
    "endpoint", ["/t/blog", "/embed/blog", "/api/v1/threads/blog", "/follow/blog", "/trackback/blog"]
)
def test_no_redirect_takes_the_word_of_a_request_for_our_address(client: FlaskClient, endpoint: str) -> None:
    """The Host header is the client's word, and permanent redirects are kept by caches."""
    for method in (client.get, client.post):
        answer = method(endpoint, base_url="http://evil.example", headers={"X-Forwarded-Host": "evil.example"})
        assert "evil" not in answer.headers.get("Location", "")
        assert "evil" not in answer.text


@pytest.mark.every_value
@pytest.mark.parametrize(
    ("path", "key"),
    [
        (f"/{ARTICLE}", ARTICLE),
        (f"//{ARTICLE}", ARTICLE),
        ("caf%C3%A9", "café"),
        ("caf%E9", "caf%E9"),
        ("caf%e9/%ff", "caf%E9/%FF"),
        ("%3Fp=12", "?p=12"),
        ("c%23/2020/01/x.html", "c%23/2020/01/x.html"),
        ("c%2523/2020/01/x.html", "c%23/2020/01/x.html"),
        ("/a%23comments", "a"),
        ("/a/%23comments", "a"),
        ("learn/c%23", "learn/c%23"),
        ("Issue%20%2312", "Issue %2312"),
        ("c%23-tips", "c%23-tips"),
        ("/learn/c%23", "learn/c%23"),
        ("../../admin/comments/1/approval", "admin/comments/1/approval"),
        ("..%2f..%2fadmin%2fcomments%2f1%2fapproval", "admin/comments/1/approval"),
        ("x/..%2f..%2f..%2fadmin", "admin"),
        (f"%0A{ARTICLE}%0A", ARTICLE),
        (f"%0A%20/ {ARTICLE}%20", ARTICLE),
    ],
)
def test_a_path_names_the_thread_that_its_address_means(client: FlaskClient, path: str, key: str) -> None:

    def get(endpoint: str) -> TestResponse:
        raw = unquote_to_bytes(f"/{endpoint}/blog/{path}").decode("latin-1")  # the client would read them as UTF-8
        return client.get("/", environ_overrides={"PATH_INFO": raw})

    for endpoint in ("embed", "api/v1/threads", "t"):
        assert get(endpoint).status_code == 200, endpoint
    assert get("api/v1/threads").json["url"] == links.article(BLOG, key)
    actions = re.findall(r'action="([^"]+)"', get("t").text)
    assert actions
    assert all(".." not in one and not one.startswith("/admin") for one in actions)


def test_doubled_slashes_are_read_by_browsers_of_other_sites_too(client: FlaskClient) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": f"//embed/blog/{ARTICLE}"}, headers={"Origin": BLOG})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == BLOG


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/t/blog/?p=123", "/t/blog/%3Fp%3D123"),
        ("/t/blog/?p=123&utm_source=x", "/t/blog/%3Fp%3D123"),
        ("/t/blog/index.php?p=12&id=7", "/t/blog/index.php%3Fp%3D12%26id%3D7"),
    ],
)
def test_an_article_known_by_its_query_is_found_by_who_puts_it_behind_the_thread(
    client: FlaskClient, asked: str, place: str
) -> None:
    answer = client.get(asked)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"https://comments.example{place}"
    assert client.get(place).status_code == 200


def test_unknown_parameters_do_not_lead_away_from_a_thread(client: FlaskClient, app: Flask) -> None:
    assert client.get(f"/t/blog/{ARTICLE}?utm_source=feed&fbclid=1").status_code == 200
