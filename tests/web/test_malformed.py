"""Malformed and hostile requests: refused with a sentence, never an accident, never slow."""

import time as wall
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc import settings as all_settings
from commentsvc.accounts import moderators, one_time_links
from commentsvc.db import db
from commentsvc.linkbacks import trackback
from commentsvc.links import thread_key
from commentsvc.markup import plain_text
from commentsvc.models import Email, Recipient, Thread
from tests.cast import ADA, ADAS_PASSWORD, ARTICLE, ARTICLE_URL, BOB, GRACE
from tests.jobs import run_job
from tests.servers import mail_server
from tests.visitors import Visitor, row

ODD_KEYS = [
    "http://[",
    "http://a]/",
    "http://%E2%84%80/",
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",
    "a" * 3000,
    "/" * 3000 + "a",
]


@pytest.mark.every_value
@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_addresses_are_no_accident(client: FlaskClient, key: str) -> None:
    for endpoint in ("t/blog", "embed/blog", "api/v1/threads/blog", "trackback/blog"):
        assert client.get(f"/{endpoint}/{key}").status_code in (200, 302, 404), endpoint


@pytest.mark.every_value
@pytest.mark.parametrize("site", ["%00", "a%00", "b b", "x" * 300, "..", "%ff", "'"])
def test_odd_sites_do_not_exist(client: FlaskClient, site: str) -> None:
    for path in (f"/t/{site}/x", f"/embed/{site}/x", f"/api/v1/threads/{site}/x", f"/api/v1/counts?site={site}"):
        assert client.get(path).status_code == 404


@pytest.mark.every_value
@pytest.mark.parametrize("value", ["http://[", "\0", "\ud800", "a" * 5000, -1, None, [], {}])
def test_odd_json_is_refused(client: FlaskClient, value: object) -> None:
    import json

    for body in ({"site": "blog", "key": value}, {"site": value, "key": "x"}):
        answer = client.post("/api/v1/challenges", data=json.dumps(body), content_type="application/json")
        assert answer.status_code in (201, 400, 404)


FORM = "application/x-www-form-urlencoded"
TYPED = "body=Привет&author="
ENCODED = "body=%CF%F0%E8%E2%E5%F2&author="


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TYPED.encode(), FORM),
        (TYPED.encode("windows-1251"), f"{FORM}; charset=windows-1251"),
        (ENCODED.encode(), f"{FORM}; charset=x-cp1251"),
        (f"{ENCODED}&_charset_=windows-1251".encode(), FORM),
        (TYPED.encode("koi8-r"), f"{FORM}; charset=koi8-r"),
    ],
)
def test_a_form_in_the_charset_of_its_page_is_read(client: FlaskClient, body: bytes, content_type: str) -> None:
    answer = client.post(f"/t/blog/{ARTICLE}", data=body, content_type=content_type)
    assert answer.status_code == 403, "as the form was not opened before; its text is still there"
    assert "Привет" in answer.text


def test_json_may_begin_with_a_byte_order_mark(client: FlaskClient) -> None:
    typed = '{"site": "blog", "key": "x"}'.encode("utf-8-sig")
    assert client.post("/api/v1/challenges", data=typed, content_type="application/json").status_code == 201


FORMS = [
    *("/admin/sign-in", "/admin/sign-in/link", "/admin/sign-in/passkey", "/admin/set-up/x", "/admin/link/x"),
    *(f"/t/blog/{ARTICLE}", f"/embed/blog/{ARTICLE}", f"/follow/blog/{ARTICLE}"),
    *("/webmention", "/privacy", "/confirm/x", "/unsubscribe/x", "/moderate/x"),
]


@pytest.mark.parametrize("endpoint", FORMS)
def test_a_part_of_a_form_without_a_name_is_refused(client: FlaskClient, endpoint: str) -> None:
    for part in ("form-data", 'form-data; filename="x"', "attachment", ""):
        body = f"--b\r\nContent-Disposition: {part}\r\n\r\nx\r\n--b--\r\n".encode()
        answer = client.post(endpoint, data=body, content_type="multipart/form-data; boundary=b")
        assert 400 <= answer.status_code < 500, (part, answer.text)


@pytest.mark.every_value
@pytest.mark.parametrize("parent", [-5, 10**30, 2**63, 2**31, True, "x", 1.5])
def test_odd_parents_are_never_dropped_silently(
    client: FlaskClient, rules: Callable[..., None], parent: object
) -> None:
    rules("blog", captcha="never")
    answer = client.post("/api/v1/threads/blog/x/comments", json={"author": "B", "body": "x", "parent_id": parent})
    assert answer.status_code in (400, 422)


@pytest.mark.every_value
@pytest.mark.parametrize(
    "form",
    [
        b"url=http://[", b"url=http://a]/", b"url=http://a%E2%84%80b/", b"url=http://x.de/%00",
        b"url=http://x.de/%0d%0aX",
        b"url=http://x.de/%5cud800&charset=unicode_escape",
        b"url=http://x.de/&title=%5cud800&charset=raw-unicode-escape",
        b"url=http://x.de/&charset=%00", b"url=http://x.de/&title=<![<![", b"url=http://" + b"h" * 300 + b".de/",
        b"url=http://x.de/&blog_name=" + b"n" * 300, b"%", b"&&&",
        b"=", b"\xff\xfe", b"url=http://x.de/&" + b"a=b&" * 100,
    ],
)  # fmt: skip
def test_odd_pings_are_answered_in_their_form(client: FlaskClient, form: bytes) -> None:
    for content_type in ("application/x-www-form-urlencoded", 'x/y; charset="\0"', "", "multipart/form-data"):
        answer = client.post(f"/trackback/blog/{ARTICLE}", data=form, content_type=content_type)
        assert answer.status_code == 200
        assert b"<error>" in answer.data


def test_a_ping_too_large_is_answered_in_its_form(client: FlaskClient) -> None:
    for size in (70_000, 300_000):
        answer = client.post(f"/trackback/blog/{ARTICLE}", data={"url": "https://a.example/", "title": "x" * size})
        assert answer.status_code == 200
        assert b"<error>1</error>" in answer.data


HOSTILE: list[tuple[str, Callable[[], object]]] = [
    ("slashes in a key", lambda: _may_fail(thread_key, "a" + "/" * 60_000 + "b")),
    ("marks in a key", lambda: _may_fail(thread_key, "a" + "\u0301" * 60_000)),
    ("indexes in a key", lambda: _may_fail(thread_key, "index.html/" * 180)),
    ("a long address", lambda: _may_fail(trackback.parse, b"url=http://" + b"a" * 60_000 + b"+b", "")),
    ("open tags in a title", lambda: trackback.parse(b"url=http://a.de/&title=" + b"<a+" * 20_000, "")),
    ("equal signs in a title", lambda: trackback.parse(b"url=http://a.de/&title=" + b"<a+=" * 15_000, "")),
    ("tags in a text", lambda: plain_text.from_html("<template>" * 5000 + "</xmp>" * 5000)),
]


@pytest.mark.parametrize(("name", "work"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_nothing_small_takes_long(name: str, work: Callable[[], object]) -> None:
    started = wall.process_time()
    work()
    assert wall.process_time() - started < 1


def _may_fail(function: Callable[..., object], *given: object) -> None:
    from contextlib import suppress

    from commentsvc.errors import Refusal

    with suppress(ValueError, Refusal):
        function(*given)


class TestWhatAPageClaims:
    """Title and address come from strangers, so a held comment publishes neither."""

    def test_a_held_comments_title_is_not_shown(self, bob: Visitor, ada: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        comment = bob.comment(BOB, title="BUY PILLS", url=ARTICLE_URL)
        for place in (f"/t/blog/{ARTICLE}", f"/api/v1/threads/blog/{ARTICLE}", f"/embed/blog/{ARTICLE}"):
            assert "BUY PILLS" not in bob.client.get(place).text
        ada.decide(comment, "approval")
        assert "BUY PILLS" in bob.client.get(f"/t/blog/{ARTICLE}").text

    def test_the_first_shown_title_stays(self, bob: Visitor) -> None:
        bob.comment(BOB, title="The phone", url=ARTICLE_URL)
        bob.comment(GRACE, title="Something else", url=f"{ARTICLE_URL}/elsewhere")
        assert db.session.execute(select(Thread.title, Thread.url)).one() == ("The phone", ARTICLE_URL)

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example\\@blog.example/x", "https://user:pw@blog.example/", "https://blog.example/\0", "https://[",
            "https://blog.example/\r\nX: y", "https://blog.example/a b", "https://blog.example\\.evil.example/",
            "https://" + "a" * 3000,
        ],
    )  # fmt: skip
    def test_addresses_that_hide_something_are_refused(self, bob: Visitor, url: str) -> None:
        assert bob.post(BOB, url=url).status_code == 403


class TestIdentity:
    """Whose key, whose link, whose session."""

    def test_a_key_without_a_visitor_is_nobodys(self, client: FlaskClient, rules: Callable[..., None]) -> None:
        rules("blog", captcha="never", moderation="all")
        first = {"author": "Bob", "body": "a held secret"}
        other = {"author": "Mallory", "body": "something else"}
        answers = [
            client.post("/api/v1/threads/blog/x/comments", json=body, headers={"Idempotency-Key": "1"}).json
            for body in (first, other)
        ]
        assert answers[0]["id"] != answers[1]["id"]
        assert "secret" not in str(answers[1])

    def test_a_program_without_a_visitor_may_repeat_a_request(
        self, client: FlaskClient, rules: Callable[..., None]
    ) -> None:
        rules("blog", captcha="never", moderation="none")
        post = {"author": "Bob", "body": "sent twice"}
        headers = {"Idempotency-Key": "1"}
        first, second = (client.post("/api/v1/threads/blog/x/comments", json=post, headers=headers) for _ in range(2))
        assert first.status_code == second.status_code == 201
        assert first.json["id"] == second.json["id"]

    def test_the_same_key_with_another_text_loses_neither(self, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", captcha="never")
        form = bob.fill(BOB, body="one")
        one, two = bob.send(form), bob.send(form | {"body": "two, different"})
        assert one.headers["Location"] != two.headers["Location"]

    def test_ids_are_never_used_again(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        db.begin_write()
        gone = moderators.add("gone@blog.example")
        db.session.commit()
        link = urlsplit(one_time_links.sign_in_url(gone)).path
        db.begin_write()
        db.session.delete(gone)
        db.session.commit()
        db.begin_write()
        moderators.add("new@blog.example")
        db.session.commit()
        assert visit().admin_post(link, form_at=link).status_code == 410

    def test_strangers_cannot_lock_the_owner_out(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        for number in range(4):
            stranger = visit()
            stranger.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
            for _ in range(11):
                stranger.admin_post("/admin/sign-in", form_at="/admin/sign-in", email=ADA.email, password="x")
        owner = visit()
        owner.client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
        owner.sign_in(ADA.email, ADAS_PASSWORD)

    def test_a_page_of_the_blog_does_not_write_as_the_moderator(self, ada: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", captcha="never")
        form = ada.fill(ADA)
        headers = {"Origin": "https://blog.example", "Sec-Fetch-Site": "same-site"}
        answer = ada.send(form, headers=headers)
        assert answer.status_code == 303
        assert row(int(answer.headers["Location"].rpartition("-")[2])).moderator_id is None

    def test_of_held_texts_nobody_else_is_told(
        self, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="all")
        bob.comment(BOB)
        assert visit().post(BOB).status_code == 303
        assert bob.post(BOB).status_code == 409

    def test_metrics_are_for_the_machine_itself(self, client: FlaskClient) -> None:
        assert client.get("/metrics").status_code == 404
        client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
        assert "commentsvc_comments" in client.get("/metrics").text or client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 404


class TestOneBadLetter:
    """It fails alone."""

    @pytest.mark.parametrize("email", ["ü@example.org", "日本@例え.jp"])
    def test_addresses_that_not_every_server_takes_are_refused(self, bob: Visitor, email: str) -> None:
        assert bob.post(BOB, email=email, notify="on").status_code == 422

    def test_names_of_hosts_may_be_in_any_script(self, bob: Visitor) -> None:
        assert row(bob.comment(BOB, email="bob@bücher.example")).email == "bob@xn--bcher-kva.example"

    def test_the_others_arrive(self, visit: Callable[[], Visitor]) -> None:
        for number in range(3):
            visit().comment(BOB, email=f"reader{number}@mail.example", notify="on", body=f"text {number}")
        db.begin_write()
        for table, column in ((Email, "recipient"), (Recipient, "email")):
            setattr(db.session.scalars(select(table).order_by(table.id)).first(), column, "ü@mail.example")
        db.session.commit()
        with mail_server() as server:
            all_settings.use(all_settings.current().model_copy(update={"mail_url": server.url}))
            while run_job("send emails"):
                pass
            run_job("send emails")
            assert len(server.messages) == 2
        db.session.rollback()
        assert sorted(db.session.scalars(select(Email.state))) == ["failed", "sent", "sent"]
