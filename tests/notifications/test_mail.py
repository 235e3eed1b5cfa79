"""Letters as the mail server receives them: who gets one, what stands in it, and what happens when sending fails."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc import settings as all_settings
from commentsvc import worker
from commentsvc.db import db
from commentsvc.models import Letter, Subscription
from tests.cast import ADA, ARTICLE, BOB, GRACE, MALLORY
from tests.servers import MailServer, mail_server
from tests.time import FrozenClock
from tests.visitors import Visitor


@pytest.fixture
def post_office(app: Flask) -> Iterator[MailServer]:
    """A real SMTP server that the service sends to."""
    with mail_server() as server:
        before = all_settings.current()
        all_settings.use(before.model_copy(update={"mail_url": server.url}))
        yield server
        all_settings.use(before)


def only(letters: list[EmailMessage]) -> EmailMessage:
    (letter,) = letters
    return letter


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part
    return str(part.get_content())


def link_in(letter: EmailMessage, path: str) -> str:
    return next(word for word in text_of(letter).split() if f"/{path}/" in word).removeprefix(
        "https://comments.example"
    )


def work() -> None:
    while worker.send_letters():
        pass


@pytest.fixture
def subscribed(bob: Visitor, post_office: MailServer) -> int:
    """Bob's comment, after he asked to hear of answers and confirmed it."""
    comment = bob.comment(BOB, email=BOB.email, notify="on")
    work()
    confirm = link_in(only(post_office.letters), "confirm")
    bob.client.post(confirm)
    post_office.letters.clear()
    return comment


class TestConfirming:
    """Nobody gets letters who did not say yes."""

    def test_the_first_letter_asks_and_holds_no_text_of_anybody(self, bob: Visitor, post_office: MailServer) -> None:
        bob.comment(MALLORY, email="victim@mail.example", notify="on", author="Buy pills", body="Buy pills now")
        work()
        letter = only(post_office.letters)
        assert letter["To"] == "victim@mail.example"
        assert "pills" not in letter.as_string()
        assert "A blog" in text_of(letter)

    def test_reading_the_link_changes_nothing_the_button_does(
        self, bob: Visitor, visit: Callable[[], Visitor], post_office: MailServer
    ) -> None:
        bob.comment(BOB, email=BOB.email, notify="on")
        work()
        link = link_in(only(post_office.letters), "confirm")
        scanner = visit().client
        assert "Yes, write to me" in scanner.get(link).text
        assert db.session.scalar(select(Subscription.state)) == "unconfirmed"
        assert "Done." in scanner.post(link).text
        assert db.session.scalar(select(Subscription.state)) == "active"

    def test_unconfirmed_means_no_letter(
        self, bob: Visitor, visit: Callable[[], Visitor], post_office: MailServer
    ) -> None:
        first = bob.comment(BOB, email=BOB.email, notify="on")
        work()
        post_office.letters.clear()
        visit().comment(GRACE, parent_id=str(first))
        work()
        assert not post_office.letters

    def test_an_address_is_asked_once_a_day_whoever_asks(
        self, bob: Visitor, visit: Callable[[], Visitor], post_office: MailServer
    ) -> None:
        bob.comment(BOB, email=BOB.email, notify="on")
        visit().comment(MALLORY, email=BOB.email.upper(), notify="on")
        work()
        assert len(post_office.letters) == 1

    def test_who_confirmed_once_is_not_asked_again(
        self, bob: Visitor, subscribed: int, post_office: MailServer
    ) -> None:
        bob.comment(BOB, email=BOB.email, notify="on", body="Another one")
        work()
        assert not post_office.letters
        assert set(db.session.scalars(select(Subscription.state))) == {"active"}


class TestReplies:
    """The letter that somebody answered."""

    def test_it_arrives_and_reads_well(
        self, subscribed: int, visit: Callable[[], Visitor], post_office: MailServer
    ) -> None:
        answer = visit().comment(GRACE, email=GRACE.email, parent_id=str(subscribed), title="The phone")
        work()
        letter = only(post_office.letters)
        assert post_office.recipients[-1] == [BOB.email]
        assert letter["To"] == BOB.email
        assert letter["From"] == "comments@comments.example"
        assert letter["Subject"].startswith("Grace answered you on")
        text = text_of(letter)
        assert "The _cat_ found it." in text
        assert f"> {BOB.says}" in text
        assert f"https://comments.example/t/blog/{ARTICLE}?comment={answer}#comment-{answer}" in text
        html = letter.get_body(("html",))
        assert html
        assert "<img" not in html.get_content()
        assert "The _cat_ found it." in html.get_content()
        assert GRACE.email not in letter.as_string()

    def test_its_headers_are_the_standards(
        self, subscribed: int, visit: Callable[[], Visitor], post_office: MailServer
    ) -> None:
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        letter = only(post_office.letters)
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert letter["List-Unsubscribe"].startswith("<https://comments.example/unsubscribe/")
        assert BOB.email not in letter["List-Unsubscribe"]
        assert letter["List-ID"].endswith("comments.example>")
        assert letter["In-Reply-To"] == letter["References"]
        assert letter["Message-ID"].endswith("@comments.example>")
        assert not letter.defects

    def test_one_click_stops_it(self, subscribed: int, visit: Callable[[], Visitor], post_office: MailServer) -> None:
        grace = visit()
        grace.comment(GRACE, parent_id=str(subscribed))
        work()
        link = only(post_office.letters)["List-Unsubscribe"].strip("<>").removeprefix("https://comments.example")
        mail_program = visit().client
        assert "Shall we stop" in mail_program.get(link).text
        answer = mail_program.post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        grace.comment(GRACE, body="And another", parent_id=str(subscribed))
        work()
        assert len(post_office.letters) == 1

    def test_a_held_answer_is_told_only_when_approved_and_once(
        self,
        subscribed: int,
        visit: Callable[[], Visitor],
        ada: Visitor,
        post_office: MailServer,
        rules: Callable[..., None],
    ) -> None:
        rules("blog", moderation="all", email="owner@blog.example")
        answer = visit().comment(GRACE, parent_id=str(subscribed))
        work()
        assert only(post_office.letters)["To"] == "owner@blog.example"
        post_office.letters.clear()
        for resource in ("approval", "hold", "approval"):
            ada.decide(answer, resource)
        work()
        assert only(post_office.letters)["To"] == BOB.email

    def test_ones_own_answer_is_no_news(self, bob: Visitor, subscribed: int, post_office: MailServer) -> None:
        bob.comment(BOB, email=BOB.email, body="I forgot", parent_id=str(subscribed))
        work()
        assert not post_office.letters

    def test_german_writers_read_german(
        self, visit: Callable[[], Visitor], post_office: MailServer, rules: Callable[..., None]
    ) -> None:
        rules("other", moderation="none")
        visit().comment(BOB, site="other", email=BOB.email, notify="on")
        work()
        assert only(post_office.letters)["Subject"] == "Sollen wir Ihnen über Antworten bei Another schreiben?"


class TestModerators:
    """The letter that something waits."""

    def test_it_leads_to_the_queue(
        self, bob: Visitor, ada: Visitor, post_office: MailServer, rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="all")
        comment = bob.comment(BOB, email=BOB.email)
        work()
        letter = only(post_office.letters)
        assert letter["To"] == ADA.email
        assert letter["Subject"].startswith("Bob waits for approval")
        assert f"https://comments.example/admin/queue#comment-{comment}" in text_of(letter)
        assert BOB.email not in letter.as_string()


@pytest.mark.parametrize(
    "name",
    [
        "A\r\nBcc: victim@mail.example",
        "A\nBcc: v@mail.example",
        "A\u2028Bcc: v@mail.example",
        "=?utf-8?q?=0ABcc:v@mail.example?=",
    ],
)
def test_no_name_adds_headers_or_recipients(
    name: str, subscribed: int, visit: Callable[[], Visitor], post_office: MailServer
) -> None:
    visit().comment(GRACE, author=name, parent_id=str(subscribed))
    work()
    letter = only(post_office.letters)
    assert letter["Bcc"] is None
    assert post_office.recipients[-1] == [BOB.email]


class TestTrouble:
    """A mail server that is down, slow or rude."""

    def queued(self) -> Letter:
        db.session.rollback()
        return db.session.scalars(select(Letter).order_by(Letter.id.desc())).first()  # type: ignore[return-value]

    def test_down_costs_no_letter_and_gaps_grow(self, bob: Visitor, app: Flask, time: FrozenClock) -> None:
        all_settings.use(all_settings.current().model_copy(update={"mail_url": "smtp://127.0.0.1:1"}))
        bob.comment(BOB, email=BOB.email, notify="on")
        gaps = []
        for _ in range(5):
            assert worker.send_letters() == 0
            letter = self.queued()
            assert letter.state == "queued"
            gaps.append(letter.due_at - time())
            time.pass_(seconds=gaps[-1].total_seconds())
        assert gaps[0] <= timedelta(minutes=2)
        assert gaps == sorted(gaps)
        assert gaps[-1] > 4 * gaps[0]
        assert "refused" in letter.last_answer.lower()
        with mail_server() as server:
            all_settings.use(all_settings.current().model_copy(update={"mail_url": server.url}))
            work()
            assert len(server.letters) == 1
        assert self.queued().state == "sent"

    def test_a_final_no_is_final_and_others_arrive(self, visit: Callable[[], Visitor], post_office: MailServer) -> None:
        post_office.verdict = lambda recipient: "550 no such person" if "bad" in recipient else "250 OK"
        for number in range(10):
            email = "bad@mail.example" if number == 3 else f"reader{number}@mail.example"
            visit().comment(BOB, email=email, notify="on", body=f"text {number}")
        work()
        assert len(post_office.letters) == 9
        bad = db.session.scalars(select(Letter).where(Letter.recipient == "bad@mail.example")).one()
        assert (bad.state, bad.last_answer, bad.tries) == ("failed", "550 no such person", 1)

    def test_a_later_is_tried_again_for_days(self, bob: Visitor, post_office: MailServer, time: FrozenClock) -> None:
        post_office.verdict = lambda _: "451 come back later"
        bob.comment(BOB, email=BOB.email, notify="on")
        started = time()
        while self.queued().state == "queued":
            worker.send_letters()
            time.pass_(hours=6)
        assert time() - started > timedelta(days=5)
        assert self.queued().tries > 15

    def test_broken_off_after_data_is_accepted_again_once_with_the_same_id(
        self, bob: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        ids: list[str] = []
        post_office.after_data = lambda: "421 gone" if not ids.append("x") and len(ids) == 1 else "250 taken"
        bob.comment(BOB, email=BOB.email, notify="on")
        worker.send_letters()
        first_id = self.queued().message_id
        time.pass_(minutes=2)
        work()
        assert [letter["Message-ID"] for letter in post_office.letters] == [first_id]

    def test_a_worker_that_died_gives_its_letters_back(
        self, bob: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        from commentsvc.notifications import outbox

        bob.comment(BOB, email=BOB.email, notify="on")
        db.begin_write()
        assert outbox.claim()
        db.session.commit()
        assert worker.send_letters() == 0
        time.pass_(minutes=6)
        work()
        assert len(post_office.letters) == 1

    def test_without_a_server_letters_wait(self, bob: Visitor, ada: Visitor) -> None:
        all_settings.use(all_settings.current().model_copy(update={"mail_url": ""}))
        bob.comment(BOB, email=BOB.email, notify="on")
        assert worker.send_letters() == 0
        assert self.queued().state == "queued"
        assert "No mail server is set" in ada.client.get("/admin/letters").text
