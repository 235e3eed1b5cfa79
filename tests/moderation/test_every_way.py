"""A moderator approves a comment: in the admin pages, by a mailed link, by mail. What follows is the same."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from commentsvc import clock
from commentsvc.comments import editing
from commentsvc.db import db
from commentsvc.jobs import email as email_jobs
from commentsvc.models import Comment, ModeratorAction, Ping
from commentsvc.models.comment import Kind
from commentsvc.models.ping import PingState
from tests.cast import ADA, ARTICLE, MALLORY
from tests.post import link_in, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, row

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
Way = Callable[[Visitor, Visitor, int, EmailMessage], None]
PAGE = f"/embed/blog/{ARTICLE}"
OWNER = "owner@blog.example"


def in_the_admin_pages(ada: Visitor, _stranger: Visitor, comment: int, _message: EmailMessage) -> None:
    ada.decide(comment, "approval")


def by_a_mailed_link(_ada: Visitor, stranger: Visitor, _comment: int, message: EmailMessage) -> None:
    assert stranger.client.post(link_in(message, "moderate")).status_code == 303


def by_mail(_ada: Visitor, _stranger: Visitor, _comment: int, message: EmailMessage) -> None:
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Message-ID"] = message["To"], message["Reply-To"], "<1@mail.example>"
    answer.set_content("approve")
    assert email_jobs.receive(answer.as_bytes()) == "decided: approved"


WAYS = pytest.mark.parametrize("way", [in_the_admin_pages, by_a_mailed_link, by_mail])


@pytest.fixture
def held(
    visit: Visit, ada: Visitor, rules: Rules, set_up: Callable[..., None], time: FrozenClock, post_office: MailServer
) -> tuple[int, EmailMessage]:
    """What waits, and what Ada reads of it."""
    set_up(mail_reply_to="comments@blog.example", mail_inbox="imap://localhost")
    rules("blog", moderation="all")
    comment = visit().comment(MALLORY, body="Is this on?")
    work(time)
    return comment, post_office.messages.pop()


def actions() -> list[ModeratorAction]:
    db.session.rollback()
    return list(db.session.scalars(select(ModeratorAction)))


@WAYS
def test_readers_see_it_at_once(way: Way, held: tuple[int, EmailMessage], ada: Visitor, visit: Visit) -> None:
    reader = visit().client
    assert "Is this on?" not in reader.get(PAGE).text, "and now the page is kept"
    way(ada, visit(), *held)
    assert "Is this on?" in reader.get(PAGE).text


@WAYS
def test_the_log_knows_who_and_undoes_it(way: Way, held: tuple[int, EmailMessage], ada: Visitor, visit: Visit) -> None:
    way(ada, visit(), *held)
    (action,) = actions()
    assert action.verb == "approval"
    assert action.moderator
    assert action.moderator.email == ADA.email
    log = ada.client.get("/admin/log").text
    assert "Approved." in log
    assert f"/admin/actions/{action.id}/reversal" in log
    ada.undo_last()
    assert row(held[0]).state == "pending"
    assert "Is this on?" not in visit().client.get(PAGE).text


@WAYS
def test_a_linkback_that_waited_for_long_is_checked_again(
    way: Way, held: tuple[int, EmailMessage], ada: Visitor, visit: Visit
) -> None:
    comment = held[0]
    db.begin_write()
    linkback = db.session.get_one(Comment, comment)
    linkback.kind = Kind.WEBMENTION
    source = "https://neighbour.example/post"
    long_ago = clock.now() - timedelta(days=20)
    db.session.add(
        Ping(
            protocol="webmention", site_id=linkback.site_id, key=ARTICLE, target="", source=source, source_hash="x",
            source_host="neighbour.example", comment_id=comment, state=PingState.VERIFIED,
            checked_at=long_ago, due_at=clock.now() + timedelta(days=9),
        )
    )  # fmt: skip
    db.session.commit()
    way(ada, visit(), *held)
    db.session.rollback()
    assert db.session.scalars(select(Ping)).one().due_at == clock.now()


@pytest.mark.parametrize("way", [by_a_mailed_link, by_mail])
def test_who_reads_the_sites_own_mailbox_stands_in_the_log(
    way: Way, ada: Visitor, visit: Visit, rules: Rules, set_up: Callable[..., None], time: FrozenClock,
    post_office: MailServer,
) -> None:  # fmt: skip
    set_up(mail_reply_to="comments@blog.example", mail_inbox="imap://localhost")
    rules("blog", moderation="all", email=OWNER)
    comment = visit().comment(MALLORY, body="Is this on?")
    work(time)
    message = post_office.messages.pop()
    assert message["To"] == OWNER
    way(ada, visit(), comment, message)
    assert "the owner, by email" in ada.client.get("/admin/log").text
    ada.undo_last()
    assert row(comment).state == "pending"


def test_what_its_author_deleted_stays_deleted(
    held: tuple[int, EmailMessage], ada: Visitor, visit: Visit, post_office: MailServer
) -> None:
    comment, message = held
    db.begin_write()
    editing.delete_own(db.session.get_one(Comment, comment))
    db.session.commit()
    assert ada.admin_post(f"/admin/comments/{comment}/approval").status_code == 409
    ada.admin_post("/admin/comments/decisions", verb="approval", all="1", newest=str(comment), listed="state=trashed")
    ada.admin_post("/admin/comments/decisions", verb="approval", chosen=[str(comment)], listed="state=trashed")
    assert ada.admin_post(f"/admin/comments/{comment}/reply", body="Indeed").status_code == 409
    assert visit().client.post(link_in(message, "moderate")).status_code == 409
    assert row(comment).state == "trashed"
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Message-ID"] = message["To"], message["Reply-To"], "<3@mail.example>"
    answer.set_content("approve")
    assert "deleted by its author" in email_jobs.receive(answer.as_bytes())
    page = ada.client.get("/admin/queue?state=trashed").text
    assert "deleted by its author" in page
    assert f"/admin/comments/{comment}/approval" not in page


def test_a_reply_by_mail_is_one_action(held: tuple[int, EmailMessage], ada: Visitor, visit: Visit) -> None:
    """It approves, posts, and is undone as one, as the one in the admin pages is."""
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Message-ID"] = held[1]["To"], held[1]["Reply-To"], "<2@mail.example>"
    answer.set_content("It is on, indeed.")
    assert email_jobs.receive(answer.as_bytes()) == "replied and approved"
    assert email_jobs.receive(answer.as_bytes()) == "taken before"
    assert "It is on, indeed." in visit().client.get(PAGE).text
    assert [one.verb for one in actions()] == ["reply"]
    ada.undo_last()
    assert row(held[0]).state == "pending"
    assert "It is on, indeed." not in visit().client.get(PAGE).text
