"""Emails that come back, and readers who call one spam: the address is left in peace."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.jobs import email as email_jobs
from commentsvc.models import Recipient, Subscription
from tests.cast import BOB, GRACE, MALLORY
from tests.post import link_in, messages, only, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor

Visit = Callable[[], Visitor]
SetUp = Callable[..., None]
MAILBOX = "comments@blog.example"


def report(
    to: str, message: EmailMessage, status: str = "5.1.1", action: str = "failed", kind: str = "delivery"
) -> bytes:
    """What mail servers send back (RFC 3464), or what mailbox providers send of complaints (RFC 5965)."""
    part = (
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; bob@mail.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n"
    )
    if kind == "feedback":
        part = "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.example\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\n"
        f"Content-Type: multipart/report; report-type={kind}-status; boundary=b\r\nMIME-Version: 1.0\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\n{part}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message['Message-ID']}\r\n\r\n--b--\r\n"
    ).encode()


def recipient() -> Recipient:
    db.session.rollback()
    return db.session.scalars(select(Recipient).where(Recipient.email == BOB.email)).one()


@pytest.fixture
def sent(subscribed: int, visit: Visit, post_office: MailServer, set_up: SetUp) -> tuple[EmailMessage, str]:
    """An email to Bob, and the envelope's sender it went with."""
    set_up(mail_reply_to=MAILBOX)
    visit().comment(GRACE, parent_id=str(subscribed))
    work()
    return only(post_office.messages), post_office.senders[-1]


def test_each_email_has_an_envelope_of_its_own(sent: tuple[EmailMessage, str], post_office: MailServer) -> None:
    message, sender = sent
    assert sender.startswith("comments+b")
    assert sender.endswith("@blog.example")
    assert message["From"].addresses[0].addr_spec == "comments@comments.example"


def test_without_a_mailbox_bounces_go_to_the_sender(subscribed: int, visit: Visit, post_office: MailServer) -> None:
    visit().comment(GRACE, parent_id=str(subscribed))
    work()
    assert post_office.senders[-1] == "comments@comments.example"


def test_an_address_that_is_gone_gets_no_more(
    sent: tuple[EmailMessage, str], subscribed: int, visit: Visit, ada: Visitor, post_office: MailServer
) -> None:
    message, sender = sent
    assert email_jobs.receive(report(sender, message)) == "bounce"
    assert recipient().mail_status == "bounced"
    visit().comment(MALLORY, parent_id=str(subscribed))
    work()
    assert len(post_office.messages) == 1
    page = ada.client.get("/admin/subscriptions?mail_status=bounced").text
    assert BOB.email in page
    assert "no such user" in page


def test_and_again_when_a_moderator_says_so(
    sent: tuple[EmailMessage, str], subscribed: int, visit: Visit, ada: Visitor, post_office: MailServer
) -> None:
    message, sender = sent
    email_jobs.receive(report(sender, message))
    at = "/admin/subscriptions"
    ada.admin_post(f"{at}/recipients/{recipient().id}/opening", form_at=at)
    visit().comment(MALLORY, parent_id=str(subscribed))
    work()
    assert len(post_office.messages) == 2


def test_a_full_mailbox_is_forgiven_twice(sent: tuple[EmailMessage, str], time: FrozenClock) -> None:
    message, sender = sent
    for expected in ("open", "open", "bounced"):
        email_jobs.receive(report(sender, message, status="5.2.2"))
        assert recipient().mail_status == expected


def test_and_forgotten_after_a_month(sent: tuple[EmailMessage, str], time: FrozenClock) -> None:
    message, sender = sent
    for _ in range(5):
        email_jobs.receive(report(sender, message, status="5.2.2"))
        time.pass_(days=31)
    assert recipient().mail_status == "open"


@pytest.mark.parametrize("status", ["5.7.1", "5.6.0", "5.3.4"])
def test_an_email_refused_for_what_it_says_speaks_not_against_its_reader(
    status: str, sent: tuple[EmailMessage, str]
) -> None:
    """Else a commenter could choose words that silence the owner."""
    message, sender = sent
    for _ in range(5):
        email_jobs.receive(report(sender, message, status=status))
    assert recipient().mail_status == "open"


def test_who_wants_no_emails_is_not_forgotten_for_a_bounce(sent: tuple[EmailMessage, str]) -> None:
    message, sender = sent
    db.begin_write()
    db.session.scalars(select(Recipient)).one().mail_status = "refused"
    db.session.commit()
    email_jobs.receive(report(sender, message))
    assert recipient().mail_status == "refused"


def test_a_delay_is_no_bounce(sent: tuple[EmailMessage, str]) -> None:
    message, sender = sent
    assert email_jobs.receive(report(sender, message, status="4.4.1", action="delayed")).startswith("ignored")
    assert recipient().mail_status == "open"


def test_a_complaint_ends_everything(sent: tuple[EmailMessage, str], post_office: MailServer, bob: Visitor) -> None:
    """It need not come to the signed address: providers send it where they were told to, with the email enclosed."""
    message, _ = sent
    assert email_jobs.receive(report("abuse@blog.example", message, kind="feedback")) == "complaint"
    assert recipient().mail_status == "complained"
    assert db.session.scalars(select(Subscription.state)).all() == ["stopped"]
    bob.client.post("/follow/blog/x", data={"email": BOB.email})
    work()
    assert len(post_office.messages) == 1


@pytest.mark.parametrize("to", ["comments+b1-0-5-0-00000000000000000000@blog.example", MAILBOX, "x@elsewhere.example"])
def test_nobody_can_forge_one(to: str, sent: tuple[EmailMessage, str]) -> None:
    forged = EmailMessage()
    forged["Message-ID"] = "<reply-1.guessed@comments.example>"
    assert email_jobs.receive(report(to, forged)).startswith("ignored")
    assert recipient().mail_status == "open"


def test_an_answer_of_the_holidays_to_the_envelope_is_nothing(sent: tuple[EmailMessage, str]) -> None:
    _, sender = sent
    mail = f"From: {BOB.email}\r\nTo: {sender}\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n"
    assert email_jobs.receive(mail.encode()).startswith("ignored")
    assert recipient().mail_status == "open"


def test_a_server_that_refuses_an_address_at_once_counts_too(
    subscribed: int, visit: Visit, post_office: MailServer
) -> None:
    post_office.verdict = lambda _: "550 5.1.1 no such user"
    for number in range(4):
        visit().comment(GRACE, body=f"number {number}", parent_id=str(subscribed))
        work()
    assert recipient().mail_status == "bounced"
    assert [message.state for message in messages()][1:] == ["failed"] * 3, "the fourth was not even written"


def test_the_person_sees_why_and_can_start_again(
    sent: tuple[EmailMessage, str], client: FlaskClient, post_office: MailServer
) -> None:
    message, sender = sent
    email_jobs.receive(report(sender, message))
    page = link_in(message, "subscriptions")
    assert "Emails to this address bounced" in client.get(page).text
    client.post(page, data={"change": "reopen"})
    assert recipient().mail_status == "open"
