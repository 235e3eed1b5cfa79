"""What makes a day at the admin pages short: first steps, one place for each thing, nobody lost."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models import Comment, Moderator, Site
from tests.cast import ADA, ARTICLE, BOB, GRACE, HEDY
from tests.visitors import Visitor

Rules = Callable[..., None]


class TestTheFirstDay:
    """Until the first comment is there, the list says what to do."""

    def test_the_first_steps_lead_to_it(self, ada: Visitor) -> None:
        page = ada.client.get("/admin/queue").text
        assert "First steps" in page
        assert "&lt;comment-thread site=" in page
        assert 'action="/admin/sites/' in page

    def test_they_are_gone_with_the_first_comment(self, ada: Visitor, bob: Visitor) -> None:
        bob.comment(BOB)
        page = ada.client.get("/admin/queue").text
        assert "First steps" not in page
        assert "Nothing pending" in page

    def test_they_are_the_owners(self, hedy: Visitor) -> None:
        assert "First steps" not in hedy.client.get("/admin/queue").text


class TestTheMenu:
    """Where one is, and what one may do."""

    def test_one_place_is_marked(self, ada: Visitor) -> None:
        for path in ("/admin/queue", "/admin/bans", "/admin/sites", "/admin/stats"):
            side = ada.client.get(path).text.partition('<header class="side">')[2].partition('<nav class="tabs"')[0]
            assert side.count('aria-current="page"') == 1, path

    def test_the_group_of_the_page_is_open(self, ada: Visitor) -> None:
        page = ada.client.get("/admin/bans").text
        assert re.search(r"<details open><summary>Moderation</summary>", page)
        assert "<details><summary>Settings</summary>" in page

    def test_a_moderator_sees_no_settings_and_is_not_lost_there(self, hedy: Visitor) -> None:
        assert "<summary>Settings</summary>" not in hedy.client.get("/admin/queue").text
        answer = hedy.client.get("/admin/sites")
        assert answer.status_code == 403
        assert "Only owners can see or change this." in answer.text
        assert 'href="/admin/threads"' in answer.text

    def test_a_page_that_is_not_there_keeps_the_menu(self, ada: Visitor) -> None:
        answer = ada.client.get("/admin/comments/999")
        assert answer.status_code == 404
        assert 'href="/admin/threads"' in answer.text


class TestBadges:
    """Who writes the blog and who only moderates it is said by each moderator's own badge."""

    @pytest.mark.parametrize(("badge", "shown"), [("author", "Author"), ("moderator", "Moderator"), ("none", "")])
    def test_it_stands_beside_earlier_comments_too(self, ada: Visitor, bob: Visitor, badge: str, shown: str) -> None:
        ada.post(body="by the owner", challenge_answer="")
        bob.client.get(f"/t/blog/{ARTICLE}")
        owner = db.session.scalars(select(Moderator).where(Moderator.email == ADA.email)).one()
        ada.admin_post(f"/admin/moderators/{owner.id}", form_at="/admin/moderators", role="owner", badge=badge)
        page = bob.client.get(f"/t/blog/{ARTICLE}").text
        assert re.findall(r'<span class="badge" part="badge">(\w+)</span>', page) == [shown] * bool(shown)

    def test_who_is_invited_to_moderate_is_no_author(self, ada: Visitor) -> None:
        site = str(Site.named("blog").id)
        form = {"email": "new@blog.example", "role": "moderator", "site": site}
        ada.admin_post("/admin/moderators", form_at="/admin/moderators", **form)
        assert Moderator.with_email("new@blog.example").badge == "moderator"  # type: ignore[union-attr]


class TestInviting:
    """Whoever is invited can come in."""

    def test_without_a_mail_server_the_owner_gets_the_link(
        self, ada: Visitor, visit: Callable[[], Visitor], set_up: Callable[..., None]
    ) -> None:
        set_up(mail_url="")
        form = {"email": "new@blog.example", "name": "Nora", "role": "owner"}
        answer = ada.admin_post("/admin/moderators", form_at="/admin/moderators", **form)
        page = ada.client.get(answer.headers["Location"]).text
        link = re.findall(r'<code dir="ltr">https://comments.example(/admin/link/[^<]+)</code>', page)[0]
        assert "Nora can sign in now." in page
        assert visit().client.get(link).status_code == 200

    def test_who_was_removed_may_be_brought_back_later(self, ada: Visitor, hedy: Visitor) -> None:
        number = Moderator.with_email(HEDY.email).id  # type: ignore[union-attr]
        ada.admin_post(f"/admin/moderators/{number}/removal", form_at="/admin/moderators")
        page = ada.client.get("/admin/moderators").text
        assert f'action="/admin/moderators/{number}/return"' in page.partition("Removed moderators")[2]
        form = {"email": HEDY.email, "name": "", "role": "owner"}
        ada.admin_post("/admin/moderators", form_at="/admin/moderators", **form)
        assert Moderator.with_email(HEDY.email).name == HEDY.name  # type: ignore[union-attr]

    def test_a_moderator_of_nothing_is_refused(self, ada: Visitor) -> None:
        form = {"email": "new@blog.example", "role": "moderator"}
        answer = ada.admin_post("/admin/moderators", form_at="/admin/moderators", **form)
        assert answer.status_code == 422
        assert "Please choose at least one blog." in answer.text
        assert 'value="new@blog.example"' in answer.text


class TestPeople:
    """Who writes here."""

    def test_the_latest_come_first_once_each(self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        for number in range(2):
            bob.comment(BOB, body=f"number {number}", email=BOB.email)
        visit().comment(GRACE)
        page = ada.client.get("/admin/people").text
        rows = re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2], re.S)
        assert ["Grace" in row for row in rows] == [True, False]
        assert BOB.email in rows[1]
        assert ">2</a>" in rows[1]

    def test_who_was_imported_wrote_last_here(self, ada: Visitor, bob: Visitor) -> None:
        """What was imported has higher numbers, and is old."""
        here = bob.comment(BOB, email=BOB.email)
        number = bob.comment(BOB, body="from elsewhere", email=BOB.email)
        db.begin_write()
        imported = db.session.get_one(Comment, number)
        imported.created_at = imported.written_at = clock.now() - timedelta(days=2000)
        db.session.commit()
        assert f'href="/admin/comments/{here}"' in ada.client.get("/admin/people").text


class TestInTheRow:
    """What a row shows of a comment, and what can be done there."""

    def test_what_is_answered_is_shown_as_readers_see_it(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        first = bob.comment(BOB, body="It *never* did")
        rules("blog", moderation="all")
        bob.comment(BOB, body="Yes", parent_id=str(first))
        assert "It never did" in ada.client.get("/admin/queue").text

    def test_comments_have_numbers_and_a_move_offers_them(self, ada: Visitor, bob: Visitor) -> None:
        first, second = bob.comment(BOB, body="one"), bob.comment(BOB, body="two")
        page = ada.client.get(f"/admin/comments/{second}").text
        assert f"#{second}" in page
        assert f'<option value="{first}">Bob: one</option>' in page

    def test_a_reply_can_be_looked_at_first(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB)
        answer = ada.admin_post(f"/admin/comments/{comment}/reply", body="with *stars*", preview="1")
        assert answer.status_code == 200
        assert "<strong>stars</strong>" in answer.text
        assert "with *stars*</textarea>" in answer.text
        assert "stars" not in bob.client.get(f"/t/blog/{ARTICLE}").text
