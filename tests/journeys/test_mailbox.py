"""Answers travel as they do outside: our SMTP out, a real mailbox in, the worker in between."""

import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests import mailbox
from tests.cast import BOB
from tests.post import text_of
from tests.running import Running
from tests.servers import MailServer, mail_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not mailbox.program(), reason=mailbox.MISSING)]
TIMEOUT = 60  # seconds


@pytest.fixture
def inbox() -> Iterator[mailbox.MailboxServer]:
    """The mailbox that answers go to."""
    with mailbox.running() as server:
        yield server


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    """The mail server that emails go out by."""
    with mail_server() as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, inbox: mailbox.MailboxServer, post_office: MailServer) -> Iterator[Running]:
    """A server with both, whose moderator is Ada."""
    one = Running(
        tmp_path,
        {
            "COMMENTSVC_MAIL_URL": post_office.url,
            "COMMENTSVC_MAIL_REPLY_TO": mailbox.ADDRESS,
            "COMMENTSVC_MAIL_INBOX": inbox.url,
        },
    )
    one.run("site", "add", "blog", "https://blog.example", "--captcha", "never", "--moderation", "none")
    one.run("moderator", "add", "ada@blog.example", "--name", "Ada")
    one.start()
    yield one
    one.kill()


def eventually(found: Callable[[], object]) -> object:
    deadline = time.monotonic() + TIMEOUT
    while not (there := found()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)
    return there


def say(server: Running, **fields: object) -> int:
    body = json.dumps({"author": "Bob", "body": "Mine has a cord", **fields}).encode()
    address = f"{server.url}/api/v1/threads/blog/phone/comments"
    with urllib.request.urlopen(urllib.request.Request(address, body, {"Content-Type": "application/json"})) as answer:
        return int(json.load(answer)["id"])


def thread(server: Running) -> str:
    with urllib.request.urlopen(f"{server.url}/t/blog/phone") as answer:
        return str(answer.read().decode())


def email_to(post_office: MailServer, email: str, subject: str) -> EmailMessage:
    def found() -> EmailMessage | None:
        return next((one for one in post_office.messages if one["To"] == email and subject in one["Subject"]), None)

    message = eventually(found)
    assert isinstance(message, EmailMessage)
    return message


def answer(message: EmailMessage, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = message["To"], message["Reply-To"], f"<{hash(text)}@mail.example>"
    quoted = "\n".join(f"> {line}" for line in text_of(message).splitlines())
    mail.set_content(f"{text}\n\nOn Monday, 23.11.2026, A blog wrote:\n{quoted}")
    return mail


def test_answers_and_decisions_and_bounces(
    server: Running, inbox: mailbox.MailboxServer, post_office: MailServer
) -> None:
    first = say(server, email=BOB.email, notify=True)
    confirm = re.search(r"http://\S+/confirm/\S+", text_of(email_to(post_office, BOB.email, "Please confirm")))
    assert confirm
    urllib.request.urlopen(confirm[0], data=b"").close()
    say(server, author="Grace", body="The cat found it", parent_id=first)

    # Bob answers the email, and his answer stands in the thread.
    reply = email_to(post_office, BOB.email, "Grace replied to you")
    inbox.deliver(answer(reply, "Good cat"), to=str(reply["Reply-To"]))
    eventually(lambda: "Good cat" in thread(server))

    # Ada answers the email about what waits, which lets it stand and answers it.
    server.run("site", "set", "blog", "--moderation", "all")
    say(server, author="Mallory", body="Is this on?")
    held = email_to(post_office, "ada@blog.example", "needs approval")
    assert "Is this on?" not in thread(server)
    inbox.deliver(answer(held, "It is, welcome"), to=str(held["Reply-To"]))
    eventually(lambda: "It is, welcome" in thread(server))
    assert "Is this on?" in thread(server)

    # An email to Bob comes back, and he is written to no more.
    report = (
        b"From: MAILER-DAEMON@mail.example\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mail.example\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    sender = post_office.senders[post_office.messages.index(reply)]
    assert server.run("bounce", stdin=report.decode()).startswith("ignored"), "it says of which letter by its address"
    inbox.deliver(report, to=sender)
    eventually(lambda: "bounced" in _reach(server))


def _reach(server: Running) -> str:
    with sqlite3.connect(server.folder / "commentsvc.sqlite3") as file:
        return str(file.execute("SELECT mail_status FROM recipient WHERE email = ?", (BOB.email,)).fetchone())


def test_the_pipe_does_the_same(server: Running, post_office: MailServer) -> None:
    first = say(server, email=BOB.email, notify=True)
    confirm = re.search(r"http://\S+/confirm/\S+", text_of(email_to(post_office, BOB.email, "Please confirm")))
    assert confirm
    urllib.request.urlopen(confirm[0], data=b"").close()
    say(server, author="Grace", body="The cat found it", parent_id=first)
    reply = email_to(post_office, BOB.email, "Grace replied to you")
    assert server.run("receive", stdin=answer(reply, "Good cat").as_string()) == "posted: approved\n"
    assert "Good cat" in thread(server)


def test_a_mailbox_that_is_not_there_is_said_by_the_doctor(server: Running) -> None:
    wrong = {"COMMENTSVC_MAIL_INBOX": urllib.parse.quote("imap://x:y@127.0.0.1:1/INBOX", safe=":/@")}
    other = Running(server.folder, server.environment | wrong)
    done = subprocess.run(
        [sys.executable, "-m", "commentsvc", "doctor"], env=other.settings, capture_output=True, text=True
    )
    assert "✗ Mailbox: cannot be read" in done.stdout
