"""The admin pages: who gets in, what they can do, and that it can be undone."""

import gzip
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc.accounts import moderators, one_time_links, passwords
from commentsvc.db import db
from commentsvc.errors import InvalidFields
from commentsvc.models import Decision, Moderator, ModeratorSession, Thread
from tests.cast import ADA, ADAS_PASSWORD, ARTICLE, BOB, GRACE, MALLORY
from tests.time import FrozenClock
from tests.visitors import Visitor, hidden_fields, row

COOKIE = "__Host-moderator"
OWNERS = {"sites", "people", "email", "admin_subscriptions", "channels", "moderators", "imports"}  # blueprints


class TestSigningIn:
    """Only moderators, and not for ever."""

    def test_wrong_words_are_refused_without_saying_which(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        answers = []
        for email, password in ((ADA.email, "wrong"), ("nobody@blog.example", ADAS_PASSWORD)):
            stranger = visit()
            answer = stranger.admin_post("/admin/sign-in", form_at="/admin/sign-in", email=email, password=password)
            assert answer.status_code == 403
            assert COOKIE not in str(answer.headers)
            answers.append(answer.text.replace(email, "").replace(hidden_fields(answer)["csrf_token"], ""))
        assert answers[0] == answers[1]

    def test_many_tries_are_slowed_down(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        stranger = visit()
        tries = [
            stranger.admin_post("/admin/sign-in", form_at="/admin/sign-in", email=ADA.email, password="x").status_code
            for _ in range(11)
        ]
        assert tries[0] == 403
        assert tries[-1] == 429

    def test_the_cookie_is_kept_from_scripts_and_other_sites(self, ada: Visitor, visit: Callable[[], Visitor]) -> None:
        answer = visit().admin_post("/admin/sign-in", form_at="/admin/sign-in", email=ADA.email, password=ADAS_PASSWORD)
        cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith(COOKIE))
        for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert part in cookie

    def test_an_old_cookie_is_dead_after_signing_out(self, ada: Visitor) -> None:
        cookie = ada.client.get_cookie(COOKIE, domain="comments.example").value
        ada.admin_post("/admin/sign-out")
        ada.client.set_cookie(COOKIE, cookie, domain="comments.example", secure=True)
        assert ada.client.get("/admin/queue").status_code == 303

    def test_and_after_a_new_password(self, ada: Visitor) -> None:
        db.begin_write()
        moderator = Moderator.with_email(ADA.email)
        assert moderator
        passwords.set_password(moderator, "difference engine 1822")
        db.session.commit()
        assert ada.client.get("/admin/queue").status_code == 303

    def test_and_after_half_a_day_without_use(self, ada: Visitor, time: FrozenClock) -> None:
        time.pass_(hours=11)
        assert ada.client.get("/admin/queue").status_code == 200
        time.pass_(hours=11)
        assert ada.client.get("/admin/queue").status_code == 200
        time.pass_(hours=13)
        assert ada.client.get("/admin/queue").status_code == 303

    def test_and_after_thirty_days_in_any_case(self, ada: Visitor, time: FrozenClock) -> None:
        for _ in range(3 * 30):
            time.pass_(hours=8)
            ada.client.get("/admin/queue")
        assert ada.client.get("/admin/queue").status_code == 303

    def test_a_link_signs_in_once_and_only_by_its_button(
        self, ada: Visitor, moderator: Moderator, visit: Callable[[], Visitor]
    ) -> None:
        link = urlsplit(one_time_links.sign_in_url(moderator)).path
        person = visit()
        assert COOKIE not in str(person.client.get(link).headers)
        assert person.admin_post(link, form_at=link).status_code == 303
        assert person.client.get("/admin/queue").status_code == 200
        other = visit()
        assert other.admin_post(link, form_at=link).status_code == 410
        assert other.client.get("/admin/queue").status_code == 303

    def test_a_link_is_good_for_an_hour(
        self, moderator: Moderator, visit: Callable[[], Visitor], time: FrozenClock
    ) -> None:
        link = urlsplit(one_time_links.sign_in_url(moderator)).path
        time.pass_(minutes=61)
        page = visit().client.get(link)
        assert page.status_code == 410
        assert "Sign in below, or have a new link sent to you." in page.text
        assert 'action="/admin/sign-in/link"' in page.text
        assert visit().admin_post(link, form_at=link).status_code == 410

    def test_tokens_are_stored_as_hashes(self, ada: Visitor) -> None:
        cookie = ada.client.get_cookie(COOKIE, domain="comments.example").value
        assert db.session.scalars(select(ModeratorSession.token_hash)).one() != cookie

    @pytest.mark.parametrize(
        "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "/admin/\\evil", "/admin/\nx"]
    )
    def test_the_way_back_leads_nowhere_else(self, ada: Visitor, wanted: str) -> None:
        answer = ada.client.get("/admin/sign-in", query_string={"next": wanted})
        assert answer.headers["Location"] == "/admin/queue"

    def test_the_way_back_leads_to_the_page_wanted(self, visit: Callable[[], Visitor], ada: Visitor) -> None:
        stranger = visit()
        answer = stranger.client.get("/admin/log")
        assert answer.headers["Location"] == "/admin/sign-in?next=/admin/log"

    @pytest.mark.parametrize(
        "password", ["", "short", ADA.email, "x" * 501, "password1234", "1234567890", "qwertyuiop"]
    )
    def test_weak_passwords_are_refused(self, app: Flask, password: str) -> None:
        db.begin_write()
        with pytest.raises(InvalidFields):
            passwords.set_password(moderators.add(ADA.email, "Ada"), password)


def _path(rule: str, number: str = "1") -> str:
    """An address that a rule of the map stands for."""
    path = re.sub(r"<id[^>]*>", number, rule).replace("<resource>", "approval").replace("<token>", "x")
    return re.sub(r"<any[^>]*>", "approval", path).replace("<key>", "blog").replace("<verb>", "approval")


class TestGuards:
    """No admin page shows anything to a stranger, no action works without its token."""

    def test_every_page_asks_strangers_to_sign_in(self, app: Flask, visit: Callable[[], Visitor]) -> None:
        stranger = visit()
        rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]
        assert len(rules) > 5
        for rule in rules:
            path = _path(rule.rule)
            if rule.endpoint.partition(".")[0] in ("sign_in", "set_up"):
                continue
            for method in (rule.methods or set()) - {"OPTIONS"}:
                answer = stranger.client.open(path, method=method)
                assert answer.status_code in (303, 400, 403), (method, path)
                assert "/admin/sign-in" in answer.headers.get("Location", "/admin/sign-in")

    def test_what_is_the_owners_refuses_moderators(self, app: Flask, hedy: Visitor) -> None:
        """Every address of these blueprints, with a form that is right in everything else."""
        token = hidden_fields(hedy.client.get("/admin/queue"))["csrf_token"]
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in OWNERS]
        assert {rule.endpoint.partition(".")[0] for rule in rules} == OWNERS
        for rule in rules:
            for method in (rule.methods or set()) - {"OPTIONS"}:
                answer = hedy.client.open(_path(rule.rule), method=method, data={"csrf_token": token})
                assert answer.status_code == 403, (method, rule.rule)

    def test_no_page_tells_a_moderator_of_other_blogs(
        self, app: Flask, hedy: Visitor, ada: Visitor, bob: Visitor
    ) -> None:
        comment = bob.comment(BOB, email=BOB.email, body="said on the blog alone")
        ada.decide(comment, "spam")
        ada.admin_post(f"/admin/comments/{comment}/notes", body="said on the blog alone")
        number, thread = str(comment), str(row(comment).thread_id)
        for rule in app.url_map.iter_rules():
            if not rule.rule.startswith("/admin") or "GET" not in (rule.methods or ()):
                continue
            for query in ("", f"?state=any&person={number}", f"?comment={number}&q=said", f"?site=1&thread={thread}"):
                path = re.sub(r"<id[^>]*thread_id>", thread, rule.rule)
                page = hedy.client.get(_path(path, number) + query)
                assert "said on the blog alone" not in page.text, path
                assert BOB.email not in page.text, path
                assert page.status_code < 500, path

    def test_actions_need_the_forms_token(self, bob: Visitor, ada: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        comment = bob.comment()
        for data in ({}, {"csrf_token": "wrong"}, {"csrf_token": bob.open_form().get("csrf_token", "x")}):
            assert ada.client.post(f"/admin/comments/{comment}/approval", data=data).status_code == 403
        token = hidden_fields(ada.client.get("/admin/queue"))["csrf_token"]
        for headers in ({"Origin": "https://blog.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = ada.client.post(f"/admin/comments/{comment}/approval", data={"csrf_token": token}, headers=headers)
            assert answer.status_code == 403
        assert row(comment).state == "pending"

    def test_reading_changes_nothing(self, bob: Visitor, ada: Visitor) -> None:
        comment = bob.comment()
        for resource in ("spam", "trash", "hold", "approval"):
            assert ada.client.get(f"/admin/comments/{comment}/{resource}").status_code == 405
        assert row(comment).state == "approved"

    def test_pages_are_never_kept_and_run_no_foreign_script(self, ada: Visitor) -> None:
        for path in ("/admin/queue", "/admin/log", "/admin/email"):
            answer = ada.client.get(path)
            assert answer.headers["Cache-Control"] == "no-store"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy

    def test_pages_are_packed_and_their_length_tells_nothing(self, ada: Visitor) -> None:
        answers = [ada.client.get("/admin/log", headers={"Accept-Encoding": "gzip"}) for _ in range(20)]
        assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
        assert b"<h1>Activity log</h1>" in gzip.decompress(answers[0].data)
        assert len({len(answer.data) for answer in answers}) > 5
        assert "Content-Encoding" not in ada.client.get("/admin/log").headers

    def test_visitors_cookies_open_no_admin_page(self, bob: Visitor) -> None:
        bob.comment()
        assert bob.client.get("/admin/queue").status_code == 303


class TestDeciding:
    """Approve, spam, trash, hold, and back."""

    @pytest.fixture
    def held(self, bob: Visitor, rules: Callable[..., None]) -> int:
        """Bob's comment, waiting."""
        rules("blog", moderation="all")
        return bob.comment()

    def test_what_waits_is_shown_with_why(self, ada: Visitor, held: int) -> None:
        page = ada.client.get("/admin/queue").text
        assert f'id="comment-{held}"' in page
        assert "this blog holds all comments" in page
        assert "<strong>cord</strong>" in page

    def test_approving_shows_it_and_counts_it(self, ada: Visitor, held: int, visit: Callable[[], Visitor]) -> None:
        ada.decide(held, "approval")
        page = visit().client.get(f"/t/blog/{ARTICLE}").text
        assert "<strong>cord</strong>" in page
        assert "1 comment" in page

    @pytest.mark.parametrize("resource", ["spam", "trash", "hold"])
    def test_taking_it_back_hides_it(
        self, ada: Visitor, held: int, visit: Callable[[], Visitor], resource: str
    ) -> None:
        ada.decide(held, "approval")
        ada.decide(held, resource)
        page = visit().client.get(f"/t/blog/{ARTICLE}").text
        assert "<strong>cord</strong>" not in page
        assert "0 comments" in page

    def test_undo_is_offered_and_works(self, ada: Visitor, held: int) -> None:
        answer = ada.decide(held, "spam")
        page = ada.client.get(answer.headers["Location"]).text
        assert "Marked as spam." in page
        reversal = re.findall(r'action="(/admin/actions/\d+/reversal)"', page)[0]
        assert "Undone." in ada.client.get(ada.admin_post(reversal).headers["Location"]).text
        assert row(held).state == "pending"

    def test_every_change_is_in_the_log(self, ada: Visitor, held: int) -> None:
        for resource in ("approval", "approval", "trash"):
            ada.decide(held, resource)
        changes = db.session.execute(select(Decision.before, Decision.after).order_by(Decision.id)).all()
        assert [tuple(change) for change in changes] == [
            (None, "pending"),
            ("pending", "approved"),
            ("approved", "trashed"),
        ]
        page = ada.client.get("/admin/log?of=decisions").text
        assert "Approved → Trash" in page
        assert "automatically" in page

    def test_a_removed_comment_with_answers_leaves_a_tombstone(
        self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor]
    ) -> None:
        first = bob.comment(BOB)
        answer = visit().comment(GRACE, parent_id=str(first))
        ada.decide(first, "trash")
        page = visit().client.get(f"/t/blog/{ARTICLE}?view=threaded").text
        assert "This comment was removed." in page
        assert "<bdi>Bob</bdi>" not in page
        assert f'<li class="depth-1" id="comment-{answer}">' in page
        ada.decide(answer, "trash")
        assert "This comment was removed." not in visit().client.get(f"/t/blog/{ARTICLE}").text

    def test_a_held_comment_with_answers_is_not_called_removed(
        self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor]
    ) -> None:
        first = bob.comment(BOB)
        visit().comment(GRACE, parent_id=str(first))
        for resource, said in (
            ("hold", "This comment is not visible right now."),
            ("trash", "This comment was removed."),
            ("hold", "This comment is not visible right now."),
        ):
            ada.decide(first, resource)
            page = visit().client.get(f"/t/blog/{ARTICLE}?view=threaded").text
            assert said in page
            assert "<bdi>Bob</bdi>" not in page

    def test_the_version_rises_with_every_visible_change(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        versions = [db.session.scalars(select(Thread.version)).one()]
        for resource in ("trash", "approval"):
            ada.decide(comment, resource)
            versions.append(db.session.scalars(select(Thread.version)).one())
        assert versions == sorted(set(versions))

    def test_hostile_comments_are_harmless_here_too(
        self, ada: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="all")
        visit().comment(MALLORY, author='"><script>alert(1)</script>', title="<script>x</script>")
        page = ada.client.get("/admin/queue").text
        assert "alert(1)</script>" not in page
        assert page.count("<script") == 2, "our own"

    def test_unknown_comments_and_actions_are_nothing(self, ada: Visitor, held: int) -> None:
        assert ada.admin_post("/admin/comments/999/approval").status_code == 404
        assert ada.admin_post(f"/admin/comments/{held}/explosion").status_code == 404

    def test_long_lists_have_pages(self, ada: Visitor, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        for number in range(31):
            bob.comment(body=f"text number {number}.")
        page = ada.client.get("/admin/queue")
        assert "text number 30." in page.text
        assert "text number 0." not in page.text
        before = page.text.partition("before=")[2].partition('"')[0]
        assert "text number 0." in ada.client.get(f"/admin/queue?before={before}").text


class TestPolicy:
    """In which state a comment starts."""

    def test_first_comments_wait_and_later_ones_do_not(
        self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="first")
        first = bob.comment(BOB)
        assert row(first).state == "pending"
        assert row(first).reasons == ["no other comment by this author has been approved yet"]
        ada.decide(first, "approval")
        assert row(bob.comment(body="second")).state == "approved"
        impostor = visit().comment(BOB, email=BOB.email, body="third")
        assert row(impostor).state == "pending", "a typed name is no history"

    def test_a_history_on_one_site_is_none_on_another(self, bob: Visitor, rules: Callable[..., None]) -> None:
        bob.comment()
        rules("other", moderation="first")
        assert row(bob.comment(site="other")).state == "pending"

    @pytest.mark.parametrize(("links", "state"), [(2, "approved"), (3, "pending")])
    def test_many_links_wait(self, bob: Visitor, links: int, state: str) -> None:
        text = " ".join(f"HTTPS://example.org/{number}" for number in range(links))
        assert row(bob.comment(body=text)).state == state

    @pytest.mark.parametrize(("most", "links"), [(0, 0), (1, 1), (3, 3)])
    def test_the_moderator_hears_of_the_links_once(
        self, bob: Visitor, rules: Callable[..., None], most: int, links: int
    ) -> None:
        rules("blog", hold_links=most)
        text = "The cord and where it goes: " + " ".join(f"https://example.org/{number}" for number in range(links))
        comment = row(bob.comment(body=text))
        assert comment.state == "pending"
        assert comment.reasons.count(["links: %(count)d", {"count": links}]) == 1
