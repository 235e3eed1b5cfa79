"""A mail server that is down, slow, rude or forgetful: no email is lost, none is doubled, nobody else waits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from time import monotonic

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc import mail
from commentsvc.db import db
from commentsvc.mail import Cause
from commentsvc.models import Email, Moderator, Recipient
from commentsvc.models.email import EmailKind
from commentsvc.notifications import enqueue, outbox
from tests.cast import BOB, GRACE
from tests.jobs import run_job
from tests.post import messages, work
from tests.servers import MailServer, RudeMailServer, mail_server, rude_mail_server
from tests.time import FrozenClock
from tests.visitors import Visitor

Visit = Callable[[], Visitor]
SetUp = Callable[..., None]


def queue(*emails: str) -> None:
    """Emails in the outbox."""
    db.begin_write()
    for email in emails:
        enqueue.add_email(EmailKind.TEST, Recipient.get_or_create(email, "en"))
    db.session.commit()


def readers(count: int) -> list[str]:
    return [f"reader{number}@mail.example" for number in range(count)]


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outside internet is not there."""
    monkeypatch.setattr("commentsvc.dns_records.texts", lambda _name: [])


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of a minute."""
    monkeypatch.setattr(mail, "TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(mail, "TOTAL_TIMEOUT", timedelta(seconds=1.5))


@contextmanager
def rude(set_up: SetUp, **answers: object) -> Iterator[RudeMailServer]:
    with rude_mail_server(**answers) as server:
        set_up(mail_url=server.url)
        yield server


class TestDown:
    """F4: nobody listens."""

    def test_one_email_asks_for_all_whether_the_server_is_back(
        self, app: Flask, set_up: SetUp, time: FrozenClock
    ) -> None:
        queue(*readers(6))
        with rude(set_up, GREETING="421 come back later") as server:
            for probes in (1, 2):
                for _ in range(6):
                    run_job("send emails")
                assert server.connections == probes
                gaps = {message.due_at - time() for message in messages()}
                assert len(gaps) == 1
                time.pass_(seconds=max(gaps).total_seconds())
            assert all("come back later" in message.last_answer for message in messages())
            server.answers.clear()
            run_job("send emails")
        assert sorted(str(message["To"]) for message in server.taken) == readers(6)

    def test_it_costs_no_email_and_gaps_grow(self, bob: Visitor, set_up: SetUp, time: FrozenClock) -> None:
        set_up(mail_url="smtp://127.0.0.1:1")
        bob.comment(BOB, email=BOB.email, notify="on")
        gaps = []
        for _ in range(5):
            assert run_job("send emails") == 0
            (message,) = messages()
            assert message.state == "queued"
            gaps.append(message.due_at - time())
            time.pass_(seconds=gaps[-1].total_seconds())
        assert gaps[0] <= timedelta(minutes=2)
        assert gaps == sorted(gaps)
        assert gaps[-1] > 4 * gaps[0]
        assert "refused" in message.last_answer.lower()
        with mail_server() as server:
            set_up(mail_url=server.url)
            work()
            assert len(server.messages) == 1
        assert messages()[0].state == "sent"

    def test_all_go_at_once_when_it_is_back(self, app: Flask, set_up: SetUp, time: FrozenClock) -> None:
        """Nobody waits for six hours because of an outage that is over."""
        set_up(mail_url="smtp://127.0.0.1:1")
        queue(*readers(5))
        for _ in range(30):
            time.pass_(hours=1)
            for _ in range(6):
                run_job("send emails")
        assert min(message.due_at for message in messages()) > time()
        queue("new@mail.example")
        with mail_server() as server:
            set_up(mail_url=server.url)
            work()
            assert sorted(str(message["To"]) for message in server.messages) == ["new@mail.example", *readers(5)]

    def test_a_wave_while_it_is_away_is_one_email_all_the_same(
        self, visit: Visit, ada: Visitor, set_up: SetUp, rules: Callable[..., None], time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        set_up(mail_url="smtp://127.0.0.1:1")
        for number in range(5):
            visit().comment(GRACE, body=f"number {number}")
            time.pass_(minutes=20)
            run_job("send emails")
        with mail_server() as server:
            set_up(mail_url=server.url)
            time.pass_(hours=6)
            work()
            assert [message["Subject"] for message in server.messages] == ["5 comments need approval on A blog"]

    def test_the_admin_pages_say_that_no_worker_runs(
        self, ada: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        queue(*readers(1))
        time.pass_(minutes=11)
        assert "No email could be sent" in ada.client.get("/admin/queue").text

    def test_the_admin_pages_say_that_emails_wait_and_why(self, ada: Visitor, set_up: SetUp, time: FrozenClock) -> None:
        set_up(mail_url="smtp://127.0.0.1:1")
        queue(*readers(1))
        run_job("send emails")
        assert "No email could be sent" not in ada.client.get("/admin/queue").text
        time.pass_(minutes=11)
        page = ada.client.get("/admin/queue").text
        assert "No email could be sent since" in page
        assert "refused" in page

    def test_without_a_server_emails_wait(self, bob: Visitor, ada: Visitor, set_up: SetUp) -> None:
        set_up(mail_url="")
        bob.comment(BOB, email=BOB.email, notify="on")
        assert run_job("send emails") == 0
        assert messages()[0].state == "queued"
        assert "No mail server is configured" in ada.client.get("/admin/email").text

    def test_refusals_of_everything_are_trouble_and_of_one_are_not(
        self, ada: Visitor, set_up: SetUp, post_office: MailServer
    ) -> None:
        post_office.verdict = lambda _: "550 you are on a list"
        queue("one@mail.example")
        work()
        assert "No email could be sent" not in ada.client.get("/admin/queue").text
        queue("two@mail.example")
        work()
        assert "you are on a list" in ada.client.get("/admin/queue").text
        post_office.verdict = lambda _: "250 OK"
        queue("three@mail.example")
        work()
        assert "No email could be sent" not in ada.client.get("/admin/queue").text


class TestSlow:
    """F5: tarpits, hanging greetings, dripped answers, silence after the email."""

    @pytest.mark.parametrize(
        "answers",
        [
            {"GREETING": "hang 5"},
            {"GREETING": "drip"},
            {"EHLO": "drip"},
            {"MAIL": "hang 5"},
            {"RCPT": "drip"},
            {"END": "hang 5"},
        ],
        ids=lambda answers: "-".join(f"{stage}-{how}" for stage, how in answers.items()).replace(" ", "-"),
    )
    def test_one_email_ends_in_time_and_stays(
        self, answers: dict[str, str], app: Flask, set_up: SetUp, little_patience: None
    ) -> None:
        queue(*readers(1))
        with rude(set_up, **answers):
            started = monotonic()
            run_job("send emails")
            assert monotonic() - started < 5
        (message,) = messages()
        assert (message.state, message.tries) == ("queued", 1)
        assert message.last_answer

    def test_a_tarpit_gets_everything_through(self, app: Flask, set_up: SetUp) -> None:
        queue(*readers(4))
        with rude(set_up) as server:
            server.slow = 0.1
            work()
            assert len(server.taken) == 4
            assert server.connections == 1, "one connection for the batch"

    def test_who_hangs_keeps_nobody_else_waiting(
        self, app: Flask, set_up: SetUp, little_patience: None, time: FrozenClock
    ) -> None:
        queue("slow@mail.example", *readers(4))
        hangs = lambda line: "hang 3" if "slow@" in line else "250 fine"  # noqa: E731
        with rude(set_up, RCPT=hangs) as server:
            while run_job("send emails"):
                pass
            run_job("send emails")
            assert sorted(str(message["To"]) for message in server.taken) == readers(4)
        assert {message.recipient: message.state for message in messages()}["slow@mail.example"] == "queued"

    def test_a_lease_from_a_clock_that_was_ahead_is_over(
        self, app: Flask, post_office: MailServer, time: FrozenClock
    ) -> None:
        """A worker that died then leaves no email behind for a year."""
        queue("bob@mail.example")
        time.pass_(days=365)
        db.begin_write()
        outbox.claim()
        db.session.commit()
        time.pass_(days=-365)
        work()
        assert post_office.recipients == [["bob@mail.example"]]

    def test_two_workers_share_and_double_nothing(self, app: Flask, set_up: SetUp) -> None:
        queue(*readers(12))
        with rude(set_up) as server:
            server.slow = 0.02

            def sends() -> None:
                with app.app_context():
                    while run_job("send emails"):
                        pass

            threads = [threading.Thread(target=sends) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            work()
            assert sorted(str(message["To"]) for message in server.taken) == sorted(readers(12))


class TestRefusals:
    """F6: what is said at which stage, and whether that is the end."""

    @pytest.mark.parametrize("stage", ["GREETING", "MAIL", "RCPT", "DATA", "END"])
    @pytest.mark.parametrize("code", ["421", "451"])
    def test_a_later_is_tried_again_for_days(
        self, stage: str, code: str, app: Flask, set_up: SetUp, time: FrozenClock
    ) -> None:
        queue(*readers(1))
        started = time()
        with rude(set_up, **{stage: f"{code} come back later"}):
            while messages()[0].state == "queued":
                run_job("send emails")
                time.pass_(hours=6)
        (message,) = messages()
        assert timedelta(days=5) < time() - started < timedelta(days=6)
        assert message.state == "failed"
        assert message.tries > 15
        assert "come back later" in message.last_answer

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "END"])
    def test_a_final_no_is_final(self, stage: str, app: Flask, set_up: SetUp) -> None:
        queue(*readers(1))
        with rude(set_up, **{stage: "550 never"}):
            work()
        (message,) = messages()
        assert (message.state, message.last_answer, message.tries) == ("failed", "550 never", 1)

    def test_a_wrong_password_is_no_emails_fault(self, app: Flask, set_up: SetUp) -> None:
        queue(*readers(1))
        with rude_mail_server(EHLO="250-here\r\n250 AUTH PLAIN", AUTH="535 wrong") as server:
            set_up(mail_url=server.url.replace("//", "//user:secret@"))
            run_job("send emails")
        assert messages()[0].state == "queued"
        assert "535" in messages()[0].last_answer

    @pytest.mark.parametrize("answer", ["554 5.7.1 Relay access denied", "530 5.7.0 Authentication required"])
    def test_what_is_the_owners_to_mend_costs_no_email(
        self, answer: str, app: Flask, set_up: SetUp, time: FrozenClock
    ) -> None:
        queue(*readers(1))
        with rude(set_up, RCPT=answer):
            for _ in range(5):
                run_job("send emails")
                time.pass_(hours=1)
        assert db.session.scalars(select(Recipient.mail_status)).all() == ["open"]
        with mail_server() as server:
            set_up(mail_url=server.url)
            time.pass_(hours=6)
            work()
            assert len(server.messages) == 1

    def test_an_email_refused_for_what_it_says_is_no_fault_of_its_reader(self, app: Flask, set_up: SetUp) -> None:
        for _ in range(4):
            queue(*readers(1))
            with rude(set_up, RCPT="550 5.7.1 listed as a source of spam"):
                work()
        assert db.session.scalars(select(Recipient.mail_status)).all() == ["open"]

    def test_one_bad_address_of_ten(self, visit: Visit, post_office: MailServer, ada: Visitor) -> None:
        post_office.verdict = lambda recipient: "550 no such person" if "bad" in recipient else "250 OK"
        for number in range(10):
            email = "bad@mail.example" if number == 3 else f"reader{number}@mail.example"
            visit().comment(BOB, email=email, notify="on", body=f"text {number}")
        work()
        assert len(post_office.messages) == 9
        bad = db.session.scalars(select(Email).where(Email.recipient == "bad@mail.example")).one()
        assert (bad.state, bad.last_answer, bad.tries) == ("failed", "550 no such person", 1)
        assert "550 no such person" in ada.client.get("/admin/email?state=failed").text


class TestBrokenOff:
    """F7: the line breaks after the email was handed over."""

    @pytest.mark.every_value
    @pytest.mark.parametrize("how", ["drop", "drop after taking"])
    def test_twenty_emails_are_accepted_again_exactly_once(
        self, how: str, app: Flask, set_up: SetUp, time: FrozenClock
    ) -> None:
        queue(*readers(20))
        broken: set[str] = set()

        def end(message: EmailMessage) -> str:
            first = message["To"] not in broken
            broken.add(message["To"])
            return how if first else "250 taken"

        with rude(set_up, END=end) as server:
            for _ in range(60):
                run_job("send emails")
                time.pass_(seconds=30)
            accepted = [message for message in server.taken if message["To"] in broken]
        identities: dict[str, set[str]] = {}
        for message in accepted:
            identities.setdefault(message["To"], set()).add(message["Message-ID"])
        assert sorted(identities) == sorted(readers(20))
        assert all(len(one) == 1 for one in identities.values()), "the same letter, so mail servers see it is one"
        assert len(accepted) == (20 if how == "drop" else 40)
        assert {message.state for message in messages()} == {"sent"}

    def test_a_worker_that_died_gives_its_emails_back(
        self, app: Flask, post_office: MailServer, time: FrozenClock
    ) -> None:
        queue(*readers(1))
        db.begin_write()
        assert outbox.claim()
        db.session.commit()
        assert run_job("send emails") == 0
        time.pass_(minutes=6)
        work()
        assert len(post_office.messages) == 1


def test_a_database_that_fails_while_sending_sends_nothing_twice_at_once(
    app: Flask, post_office: MailServer, monkeypatch: pytest.MonkeyPatch, time: FrozenClock
) -> None:
    """What was taken but could not be marked is sent again when its lease is over, with the same identity."""
    from sqlalchemy.exc import OperationalError

    queue(*readers(1))

    def fails(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "mark_sent", fails)
        with pytest.raises(OperationalError):
            run_job("send emails")
    db.session.rollback()
    assert run_job("send emails") == 0
    time.pass_(minutes=6)
    work()
    assert len({message["Message-ID"] for message in post_office.messages}) == 1
    assert len(post_office.messages) == 2


def test_a_busy_database_does_not_double_an_email(
    app: Flask, post_office: MailServer, monkeypatch: pytest.MonkeyPatch, time: FrozenClock
) -> None:
    """What was sent is written down at the second try, if not at the first."""
    from sqlalchemy.exc import OperationalError

    queue(*readers(1))
    really, tries = outbox.mark_sent, []

    def busy_at_first(email_id: int, answer: str) -> None:
        tries.append(answer)
        if len(tries) == 1:
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        really(email_id, answer)

    monkeypatch.setattr(outbox, "mark_sent", busy_at_first)
    work()
    time.pass_(minutes=6)
    work()
    assert len(post_office.messages) == 1


def test_an_email_that_cannot_be_written_fails_alone(app: Flask, post_office: MailServer) -> None:
    db.begin_write()
    enqueue.add_email(EmailKind.RETURNED, Recipient.get_or_create("broken@mail.example", "en"), facts={})
    db.session.commit()
    queue(*readers(2))
    work()
    assert len(post_office.messages) == 2
    assert [message.state for message in messages()] == ["failed", "sent", "sent"]


def test_a_password_that_is_no_ascii_is_said(ada: Visitor, set_up: SetUp, time: FrozenClock) -> None:
    queue(*readers(1))
    with rude_mail_server(EHLO="250-here\r\n250 AUTH PLAIN") as server:
        set_up(mail_url=server.url.replace("//", "//user:p%C3%A4ss@"))
        run_job("send emails")
    assert messages()[0].last_answer
    time.pass_(minutes=11)
    assert "No email could be sent" in ada.client.get("/admin/queue").text


class TestTheWayOut:
    """A test email tells its sender what was said, and what to mend."""

    def send(self, ada: Visitor, email: str = "ada@blog.example") -> str:
        answer = ada.admin_post("/admin/email/tests", form_at="/admin/email", email=email)
        assert answer.status_code == 303, answer.text
        before = ada.client.get(answer.headers["Location"]).text
        assert "http-equiv" in before, "the page looks again by itself"
        work()
        after = ada.client.get(answer.headers["Location"]).text
        assert "http-equiv" not in after
        return after

    def test_it_shows_the_whole_dialogue(self, ada: Visitor, set_up: SetUp) -> None:
        with rude(set_up):
            page = self.send(ada)
        for said in ("220 here", "MAIL FROM", "RCPT TO", "354 go on", "250 taken", "dkim=pass"):
            assert said.lower() in page.lower(), said

    def test_and_no_password(self, ada: Visitor, set_up: SetUp) -> None:
        login = lambda line: "334 VXNlcm5hbWU6" if line.upper().startswith("AUTH") else "235 come in"  # noqa: E731
        for offered in ("PLAIN", "LOGIN"):
            with rude_mail_server(EHLO=f"250-here\r\n250 AUTH {offered}", AUTH=login) as server:
                server.answers["DXNLCG=="] = "334 UGFzc3dvcmQ6"
                set_up(mail_url=server.url.replace("//", "//user:topsecret@"))
                page = self.send(ada)
            for secret in ("topsecret", "dG9wc2VjcmV0", "AHVzZXIA", "dXNlcg=="):
                assert secret not in page

    @pytest.mark.parametrize(
        ("answers", "advice"),
        [
            ({"MAIL": "553 5.7.1 Sender address rejected: not owned by user"}, "does not accept COMMENTSVC_MAIL_FROM"),
            ({"RCPT": "554 5.7.1 Relay access denied"}, "does not pass on emails"),
            ({"MAIL": "530 5.7.0 Authentication required"}, "requires authentication"),
            ({}, "does not say which servers may send for it (SPF)"),
            ({}, "(DMARC)"),
        ],
        ids=["sender", "relay", "sign-in", "spf", "dmarc"],
    )
    def test_what_to_mend(self, answers: dict[str, str], advice: str, ada: Visitor, set_up: SetUp) -> None:
        set_up(mail_from="comments@blog-of-bob.net")
        with rude(set_up, **answers):
            assert advice in self.send(ada)

    def test_nothing_to_mend_is_not_made_up(self, ada: Visitor, set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
        records = {"blog-of-bob.net": ["v=spf1 mx -all"], "_dmarc.blog-of-bob.net": ["v=DMARC1; p=none"]}
        monkeypatch.setattr("commentsvc.dns_records.texts", lambda name: records.get(name, []))
        set_up(mail_from="comments@blog-of-bob.net")
        with rude(set_up):
            page = self.send(ada)
        assert "(SPF)" not in page
        assert "(DMARC)" not in page
        assert "(DKIM)" in page

    def test_nobody_there(self, ada: Visitor, set_up: SetUp) -> None:
        set_up(mail_url="smtp://127.0.0.1:1")
        assert "Nothing is listening at that address" in self.send(ada)

    @pytest.mark.parametrize(
        ("scheme", "answers", "cause"),
        [
            ("smtps", {}, Cause.NO_TLS),
            ("smtp+starttls", {}, Cause.NO_STARTTLS),
            ("smtp", {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 no"}, Cause.PASSWORD),
            ("smtp", {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "530 no"}, Cause.SIGN_IN),
            ("smtp", {"GREETING": "hang 5"}, Cause.SILENT),
        ],
    )
    def test_the_kind_of_error_is_what_tells(
        self, app: Flask, scheme: str, answers: dict[str, str], cause: Cause, set_up: SetUp,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """Words differ from server to server, and from language to language."""
        monkeypatch.setattr(mail, "TIMEOUT", timedelta(seconds=0.5))
        with rude_mail_server(**answers) as server:
            set_up(mail_url=server.url.replace("smtp://", f"{scheme}://user:secret@"))
            with pytest.raises(mail.DeliveryFailed) as failed, mail.connect():
                pass
        assert failed.value.cause == cause

    def test_a_host_that_is_none(self, app: Flask, set_up: SetUp) -> None:
        set_up(mail_url="smtp://mail.blog.invalid")
        with pytest.raises(mail.DeliveryFailed) as failed, mail.connect():
            pass
        assert failed.value.cause == Cause.NO_HOST

    def test_its_sender_reads_it_in_their_language(self, ada: Visitor, set_up: SetUp) -> None:
        set_up(mail_url="smtp://127.0.0.1:1")
        db.begin_write()
        Moderator.with_email("ada@blog.example").language = "de"  # type: ignore[union-attr]
        db.session.commit()
        page = self.send(ada)
        assert "Dort nimmt kein Server Verbindungen an." in page
        assert "Nothing is listening" not in page

    def test_an_address_that_is_none(self, ada: Visitor, set_up: SetUp) -> None:
        answer = ada.admin_post("/admin/email/tests", form_at="/admin/email", email="nobody")
        assert answer.status_code == 422
        assert 'value="nobody"' in answer.text
        assert not messages()


class TestAdminPages:
    """Every email, why it is late, another try, or none."""

    @pytest.mark.parametrize(
        "says", ["<img src=x onerror=alert(1)>", "100%(foo)s and %d", "%", "\x1b[31mred", "x" * 5000], ids=range(5)
    )
    def test_what_a_server_says_is_text(self, says: str, ada: Visitor, set_up: SetUp) -> None:
        queue(*readers(1))
        with rude(set_up, RCPT=f"550 {says}"):
            work()
        for path in ("/admin/email", f"/admin/email/{messages()[0].id}"):
            page = ada.client.get(path)
            assert page.status_code == 200
            assert "<img src=x" not in page.text

    def test_one_email_as_it_was_sent(self, ada: Visitor, subscribed: int, visit: Visit, client: FlaskClient) -> None:
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        message = messages()[-1]
        page = ada.client.get(f"/admin/email/{message.id}").text
        assert "Grace replied to you on" in page
        assert "The _cat_ found it." in page
        assert BOB.email in page
        assert message.message_id.strip("<>") in page
        assert "/unsubscribe/…" in page
        assert "/subscriptions/M" not in page, "a moderator does not speak for who got it"

    def test_cancel_and_send_after_all(self, ada: Visitor, post_office: MailServer) -> None:
        queue(*readers(1))
        number = messages()[0].id
        ada.admin_post(f"/admin/email/{number}/cancellation", form_at="/admin/email")
        work()
        assert not post_office.messages
        assert "cancelled by a moderator" in ada.client.get("/admin/email?state=cancelled").text
        ada.admin_post(f"/admin/email/{number}/attempts", form_at="/admin/email")
        work()
        assert len(post_office.messages) == 1

    def test_what_failed_goes_again(self, ada: Visitor, post_office: MailServer) -> None:
        post_office.verdict = lambda _: "550 never"
        queue(*readers(1))
        work()
        post_office.verdict = lambda _: "250 OK"
        ada.admin_post(f"/admin/email/{messages()[0].id}/attempts", form_at="/admin/email")
        work()
        assert len(post_office.messages) == 1

    def test_what_is_on_its_way_cannot_be_stopped(self, ada: Visitor, post_office: MailServer) -> None:
        queue(*readers(1))
        db.begin_write()
        assert outbox.claim()
        db.session.commit()
        for action in ("cancellation", "attempts"):
            answer = ada.admin_post(f"/admin/email/{messages()[0].id}/{action}", form_at="/admin/email")
            assert answer.status_code == 409

    def test_states_and_pages(self, ada: Visitor, post_office: MailServer) -> None:
        queue(*readers(outbox.PAGE_SIZE + 3))
        page = ada.client.get("/admin/email?state=queued").text
        assert page.count("<tr>") == outbox.PAGE_SIZE + 1
        older = page.partition("before=")[2].partition('"')[0]
        assert ada.client.get(f"/admin/email?state=queued&before={older}").text.count("<tr>") == 4
        assert "Nothing to show." in ada.client.get("/admin/email?state=failed").text

    def test_a_sign_in_link_is_shown_to_nobody(self, ada: Visitor, visit: Visit, post_office: MailServer) -> None:
        visit().admin_post("/admin/sign-in/link", form_at="/admin/sign-in", email="ada@blog.example")
        work()
        message = messages()[-1]
        assert message.state == "sent"
        assert message.text == ""
        assert "/admin/link/" not in ada.client.get(f"/admin/email/{message.id}").text

    @pytest.mark.parametrize("path", ["/admin/email/1", "/admin/email/99999999999", "/admin/subscriptions?before=x"])
    def test_what_is_not_there(self, path: str, ada: Visitor) -> None:
        assert ada.client.get(path).status_code in (200, 404)
