"""The list of subscriptions in the dashboard, and one-time links by mail."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Email, Recipient, Subscription
from tests.cast import ADA, ARTICLE, BOB, GRACE
from tests.post import link_in, only, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor

Visit = Callable[[], Visitor]
AT = "/admin/subscriptions"


def subscription() -> Subscription:
    db.session.rollback()
    return db.session.scalars(select(Subscription).order_by(Subscription.id)).first()  # type: ignore[return-value]


class TestTheList:
    """Look for, pause, delete."""

    def test_who_hears_of_what(self, ada: Visitor, subscribed: int) -> None:
        page = ada.client.get(AT).text
        assert BOB.email in page
        assert f"Replies to their comment on “{ARTICLE}”" in page

    def test_a_part_of_an_address_finds_it(self, ada: Visitor, subscribed: int) -> None:
        assert BOB.email in ada.client.get(f"{AT}?q=BOB.can").text
        for nobody in ("grace", "%25", "_ob"):
            page = ada.client.get(f"{AT}?q={nobody}").text
            assert BOB.email not in page
            assert "Nothing to show." in page

    def test_pause_and_go_on(self, ada: Visitor, subscribed: int, visit: Visit, post_office: MailServer) -> None:
        number = subscription().id
        ada.admin_post(f"{AT}/{number}/pause", form_at=AT)
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        assert not post_office.messages
        ada.admin_post(f"{AT}/{number}/resumption", form_at=AT)
        visit().comment(GRACE, body="again", parent_id=str(subscribed))
        work()
        assert len(post_office.messages) == 1

    def test_nobody_is_confirmed_by_a_moderator(self, ada: Visitor, bob: Visitor, post_office: MailServer) -> None:
        bob.comment(BOB, email=BOB.email, notify="on")
        answer = ada.admin_post(f"{AT}/{subscription().id}/resumption", form_at=AT)
        assert answer.status_code == 400
        assert subscription().state == "unconfirmed"

    def test_delete_takes_its_emails_along(
        self, ada: Visitor, subscribed: int, visit: Visit, post_office: MailServer
    ) -> None:
        visit().comment(GRACE, parent_id=str(subscribed))
        ada.admin_post(f"{AT}/{subscription().id}/removal", form_at=AT)
        work()
        assert not post_office.messages
        assert db.session.scalars(select(Subscription)).all() == []

    def test_pages(self, ada: Visitor) -> None:
        db.begin_write()
        db.session.add_all(Recipient(email=f"r{number:03}@mail.example") for number in range(60))
        db.session.commit()
        first = ada.client.get(AT).text
        assert "r059@" in first
        assert "r005@" not in first
        older = first.partition("before=")[2].partition('"')[0]
        assert "r005@" in ada.client.get(f"{AT}?before={older}").text

    @pytest.mark.parametrize("path", ["/1/pause", "/1/removal", "/recipients/1/opening", "/99999999/resumption"])
    def test_what_is_not_there(self, path: str, ada: Visitor) -> None:
        assert ada.admin_post(AT + path.replace("/1/", "/987654/"), form_at=AT).status_code == 404


class TestLinksByMail:
    """Sign in without a password."""

    def ask(self, visitor: Visitor, email: str) -> str:
        answer = visitor.admin_post("/admin/sign-in/link", form_at="/admin/sign-in", email=email)
        assert answer.status_code == 200
        return answer.text

    def test_it_signs_in_once(self, ada: Visitor, visit: Visit, post_office: MailServer) -> None:
        self.ask(visit(), ADA.email.upper())
        work()
        message = only(post_office.messages)
        assert message["To"] == ADA.email
        browser = visit()
        link = link_in(message, "admin/link")
        assert browser.admin_post(link, form_at=link).status_code == 303
        assert browser.client.get("/admin/queue").status_code == 200
        again = visit()
        assert again.admin_post(link, form_at=link).status_code == 410

    def test_the_answer_says_nothing_about_who_moderates(
        self, ada: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        import re

        pages = {
            re.sub(r'name="csrf_token" value="[^"]+"', "", self.ask(visit(), email)).replace(email, "")
            for email in (ADA.email, "nobody@mail.example")
        }
        assert len(pages) == 1
        work()
        assert len(post_office.messages) == 1

    def test_nobody_can_flood_a_moderator(self, ada: Visitor, visit: Visit, post_office: MailServer) -> None:
        for _ in range(8):
            self.ask(visit(), ADA.email)
        work()
        assert len(post_office.messages) == 5

    def test_a_link_is_fresh_however_late_the_email_goes(
        self, ada: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        self.ask(visit(), ADA.email)
        time.pass_(hours=3)
        work()
        link = link_in(only(post_office.messages), "admin/link")
        assert visit().admin_post(link, form_at=link).status_code == 303
        assert db.session.scalars(select(Email.text)).all() == [""]
