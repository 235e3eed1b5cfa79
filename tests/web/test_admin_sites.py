"""Blogs in the admin pages: added, ruled, looked at, removed; every rule as the command has it."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Comment, ModeratorAction, PageCheck, Site, WatchedFeed
from commentsvc.sites import removal as site_removal
from commentsvc.sites import rules as site_rules
from commentsvc.sites import sites
from commentsvc.web.admin.first_steps import FirstSteps
from tests.cast import ARTICLE, BLOG, BOB, GRACE
from tests.jobs import run_job
from tests.servers import Web, web
from tests.time import FrozenClock
from tests.visitors import Visitor, row

SITE = "/admin/sites/blog"


@pytest.fixture
def blog(app: Flask, set_up: Callable[..., None], rules: Callable[..., None]):  # type: ignore[no-untyped-def]
    """A real web server with the blog's pages."""
    with web() as server:
        set_up(fetch_allow=frozenset({server.address}))
        rules("blog", origins=[BLOG, server.url])
        yield server


def form(site: Site, **changes: str) -> dict[str, str]:
    """The whole form as a browser sends it."""
    fields = {"origins": "\n".join(site.origins), "feed": ""}
    for rule in site_rules.RULES:
        value = getattr(site, rule.name)
        fields[rule.name] = "" if value is None else ",".join(value) if rule.several else str(value)
    return fields | changes


class TestAdding:
    """Another blog, with nothing typed lost."""

    def test_it_shows_the_two_lines(self, ada: Visitor) -> None:
        answer = ada.admin_post("/admin/sites", key="cats", name="All about cats", origins="https://Cats.example/")
        page = ada.client.get(answer.headers["Location"]).text
        assert "&lt;comment-thread site=&#34;cats&#34;&gt;" in page
        db.session.rollback()
        assert Site.named("cats").origins == ["https://cats.example"]

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"key": "b l", "origins": BLOG}, "A key may contain only letters"),
            ({"key": "blog", "origins": BLOG}, "A blog with this key already exists."),
            ({"key": "x", "origins": "blog.example"}, "“blog.example” is not a site address"),
            ({"key": "x", "origins": "https://*.example.org"}, "“https://*.example.org” is not a site address"),
            (
                {"key": "x", "origins": f"https://x.example {BLOG.upper()}/"},
                f"{BLOG} belongs to the blog blog already.",
            ),
            ({"key": "x", "origins": ""}, "Please fill in this field."),
        ],
    )
    def test_what_is_wrong_is_said(self, ada: Visitor, fields: dict[str, str], sentence: str) -> None:
        answer = ada.admin_post("/admin/sites", name="Kept", **fields)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'value="Kept"' in answer.text


class TestRules:
    """Each with its sentence; nothing changes where one is wrong; every change is undone as one."""

    def test_every_rule_stands_there_with_its_sentence(self, ada: Visitor) -> None:
        page = ada.client.get(SITE).text
        for rule in site_rules.RULES:
            assert f'name="{rule.name}"' in page, rule.name
            assert rule.sentence.replace("'", "&#39;") in page, rule.name

    def test_they_hold_at_once_and_are_taken_back(self, ada: Visitor, bob: Visitor, site: Site) -> None:
        sent = form(site, moderation="all", hold_words="casino, press\ncheap", share="mastodon", close_after_days="0")
        assert ada.admin_post(SITE, **sent).status_code == 303
        db.session.rollback()
        now = Site.named("blog")
        assert (now.moderation, now.hold_words, now.share) == ("all", "casino\npress\ncheap", ["mastodon"])
        assert now.close_after_days is None
        assert "Send for approval" in bob.client.get(f"/t/blog/{ARTICLE}").text
        action = db.session.scalars(select(ModeratorAction.id)).one()
        ada.admin_post(f"/admin/actions/{action}/reversal")
        db.session.rollback()
        now = Site.named("blog")
        assert (now.moderation, now.hold_words, now.share) == ("none", "", [])

    def test_the_feed_is_one_of_them(self, ada: Visitor, site: Site) -> None:
        ada.admin_post(SITE, **form(site, feed="https://blog.example/feed"))
        assert "https://blog.example/feed" in ada.client.get("/admin/linkbacks").text
        action = db.session.scalars(select(ModeratorAction.id)).one()
        ada.admin_post(f"/admin/actions/{action}/reversal")
        assert "https://blog.example/feed" not in ada.client.get("/admin/linkbacks").text

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"page_size": "0"}, "Please enter a number from 1 to 500."),
            ({"name": " "}, "Please fill in this field."),
            ({"page_size": "many"}, "Please enter a number from 1 to 500."),
            ({"email": "nobody"}, "Please enter an email address such as name@example.org"),
            ({"language": "xx"}, "The language “xx” is not available."),
            ({"captcha": "perhaps"}, "“perhaps” is not possible here"),
            ({"akismet_url": "nowhere"}, "“nowhere” is not a complete web address."),
            ({"feed": "nowhere"}, "“nowhere” is not a complete web address."),
            ({"origins": "nowhere"}, "“nowhere” is not a site address."),
            ({"origins": "https://other.example"}, "https://other.example belongs to the blog other already."),
        ],
    )
    def test_one_wrong_changes_none(self, ada: Visitor, site: Site, wrong: dict[str, str], sentence: str) -> None:
        answer = ada.admin_post(SITE, **form(site, moderation="all", hold_words="kept word") | wrong)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert "kept word" in answer.text
        for group in re.findall(r'<details class="group".*?</details>', answer.text, re.S):
            has_typed = "kept word" in group or "aria-invalid" in group or 'value="all" selected' in group
            assert group.startswith('<details class="group" open>') == has_typed
        db.session.rollback()
        assert Site.named("blog").moderation == "none"

    def test_all_that_is_wrong_is_said_at_once(self, ada: Visitor, site: Site) -> None:
        answer = ada.admin_post(SITE, **form(site, page_size="0", origins="nowhere", feed="nowhere"))
        for name in ("page_size", "origins", "feed"):
            assert re.search(rf'name="{name}"[^>]*aria-invalid', answer.text), name

    def test_only_owners_see_and_undo_them(self, ada: Visitor, hedy: Visitor) -> None:
        for path in ("/admin/sites", "/admin/sites/other"):
            assert hedy.client.get(path).status_code == 403
        ada.admin_post("/admin/sites/other", **form(Site.named("other"), moderation="none"))
        action = db.session.scalars(select(ModeratorAction.id)).one()
        assert hedy.admin_post(f"/admin/actions/{action}/reversal").status_code == 404
        assert f"/admin/actions/{action}/reversal" in ada.client.get("/admin/log").text
        page = hedy.client.get("/admin/log").text
        assert re.search(r"Changed blog settings\.\s*<span[^>]*>Moderation: Comments</span>", page), "and which"
        assert f"/admin/actions/{action}/reversal" not in page


class TestExamination:
    """Are the two lines in place? The worker looks."""

    def test_addresses_are_shown_as_they_were_typed(self, ada: Visitor, site: Site) -> None:
        ada.admin_post(SITE, **form(site, origins="https://Bücher.example"))
        assert ">https://bücher.example</textarea>" in ada.client.get(SITE).text
        assert "https://bücher.example" in ada.client.get("/admin/sites").text

    def test_it_tells_nobody_which_private_addresses_answer(self, ada: Visitor) -> None:
        with web() as private:
            for url in (f"{private.url}/", "http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]/"):
                place = ada.admin_post(f"{SITE}/page-check", url=url).headers["Location"]
                assert run_job("check pages") == 1
                assert "is not allowed" in ada.client.get(place).text
            assert private.asked == []

    def test_it_tells_what_is_missing(self, ada: Visitor, blog: Web) -> None:
        blog.page("/article", "<title>Bare</title><p>Nothing to show.</p>")
        assert ada.client.get(f"{SITE}/page-check").status_code == 404
        answer = ada.admin_post(f"{SITE}/page-check", url=f"{blog.url}/article")
        assert 'http-equiv="refresh"' in ada.client.get(answer.headers["Location"]).text
        assert run_job("check pages") == 1
        page = ada.client.get(answer.headers["Location"]).text
        assert 'class="wrong"' in page
        assert 'http-equiv="refresh"' not in page
        assert f'href="{SITE}/page-check"' in ada.client.get(SITE).text
        assert "<b>Canonical link</b> <span>" in page
        assert f"&lt;link rel=&#34;canonical&#34; href=&#34;{blog.url}/article&#34;&gt;</code>" in page
        assert "Skript</b> <span>fehlt." in ada.client.get(f"{SITE}/page-check?lang=de").text

    def test_it_finds_them(self, ada: Visitor, blog: Web) -> None:
        lines = ada.client.get(SITE).text.partition('dir="ltr">&lt;script')[2].partition("</pre>")[0]
        blog.page("/article", f"<title>x</title>{unescape('&lt;script' + lines)}")
        ada.admin_post(f"{SITE}/page-check", url=f"{blog.url}/article")
        run_job("check pages")
        findings = {name: mark == "fine" for name, mark, *_ in db.session.scalars(select(PageCheck.findings)).one()}
        assert findings["Script"]
        assert findings["Comment element"]

    def test_the_first_step_is_done_once_nothing_is_wrong(self, ada: Visitor, blog: Web, site: Site) -> None:
        lines = unescape(sites.two_lines(Site.named("blog")))
        canonical = f'<title>x</title><link rel="canonical" href="{blog.url}/article">'
        for page, is_done in ((canonical, False), (f"{canonical}{lines}", True)):
            blog.page("/article", page)
            ada.admin_post(f"{SITE}/page-check", url=f"{blog.url}/article")
            run_job("check pages")
            db.session.rollback()
            assert FirstSteps(site).is_page_right == is_done

    @pytest.mark.parametrize("url", ["nowhere", "ftp://x", "javascript:alert(1)"])
    def test_no_address_is_said(self, ada: Visitor, url: str) -> None:
        answer = ada.admin_post(f"{SITE}/page-check", url=url)
        assert answer.status_code == 422
        assert f'value="{url}"' in answer.text

    def test_private_places_are_not_looked_at(self, ada: Visitor, rules: Callable[..., None]) -> None:
        ada.admin_post(f"{SITE}/page-check", url="http://127.0.0.1:1/")
        run_job("check pages")
        assert "to COMMENTSVC_FETCH_ALLOW" in ada.client.get(f"{SITE}/page-check").text


def let_the_worker_delete() -> None:
    while run_job("remove sites"):
        pass


class TestRemoval:
    """Dangerous: asked by name, by somebody who showed who they are."""

    def test_by_name_alone(self, ada: Visitor, bob: Visitor) -> None:
        bob.comment(BOB)
        assert ada.admin_post(f"{SITE}/removal", key="blogg").status_code == 422
        assert ada.admin_post(f"{SITE}/removal", key="blog").status_code == 303
        let_the_worker_delete()
        assert db.session.scalars(select(Comment.id)).all() == []

    def test_gone_at_once_for_everybody(self, ada: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its key is free again, while the worker still deletes what was written there, a few rows at a time."""
        monkeypatch.setattr(site_removal, "BATCH_SIZE", 2)
        numbers = [bob.comment(BOB, body=f"number {number}") for number in range(5)]
        answer = bob.comment(GRACE, body="an answer", parent_id=str(numbers[0]))
        elsewhere = bob.comment(GRACE, "other", "x.html", body="elsewhere")
        assert bob.client.get(f"/t/blog/{ARTICLE}").status_code == 200
        number, thread = row(answer).thread.site_id, row(answer).thread_id
        db.begin_write()
        sites.watch(Site.named("blog"), f"{BLOG}/feed")
        db.session.commit()
        ada.admin_post(f"{SITE}/removal", key="blog")
        assert bob.client.get(f"/t/blog/{ARTICLE}").status_code == 404
        for place in (
            "queue?state=any",
            "queue?state=any&q=number",
            f"queue?state=any&site={number}",
            "log",
            "threads",
        ):
            page = ada.client.get(f"/admin/{place}").text
            assert "number 0" not in page, place
            assert ARTICLE not in page, place
        assert "Deleted a blog." in ada.client.get("/admin/log").text
        assert ada.client.get(f"/admin/comments/{answer}").status_code == 404
        assert ada.client.get(f"/admin/threads/{thread}").status_code == 404
        assert ada.admin_post(f"/admin/comments/{answer}/spam").status_code == 404
        ban = {"kind": "word", "value": "casino", "site": str(number)}
        assert ada.admin_post("/admin/bans", form_at="/admin/bans", **ban).status_code == 422
        assert db.session.scalars(select(WatchedFeed)).all() == []
        assert ada.client.get("/admin/sites/blog").status_code == 404
        assert ">A blog<" not in ada.client.get("/admin/sites").text
        assert ada.admin_post("/admin/sites", key="blog", origins="https://blog.example").status_code == 303
        assert row(answer).parent_id == numbers[0]
        let_the_worker_delete()
        assert db.session.scalars(select(Comment.id)).all() == [elsewhere]
        assert {site.key for site in db.session.scalars(select(Site))} == {"blog", "other"}

    def test_who_signed_in_long_ago_is_asked_again(self, ada: Visitor, time: FrozenClock) -> None:
        time.pass_(hours=1)
        answer = ada.admin_post(f"{SITE}/removal", key="blog")
        assert "/admin/confirmation" in answer.headers["Location"]
        assert Site.named("blog")
