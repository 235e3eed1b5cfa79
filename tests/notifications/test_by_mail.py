"""Answers by mail become comments, a moderator's become decisions; what no person wrote becomes nothing."""

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc import mailbox, throttle
from commentsvc.comments import by_mail
from commentsvc.db import db
from commentsvc.jobs import email as email_jobs
from commentsvc.models import Comment, Decision, Moderator, Subscription
from commentsvc.models.comment import State
from commentsvc.moderation import actions
from commentsvc.notifications import incoming, return_address
from tests.cast import ADA, ARTICLE, BOB, GRACE, HEDY, MALLORY
from tests.post import html_of, link_in, only, text_of, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, hidden_fields, row

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
SetUp = Callable[..., None]
MAILBOX = "comments@blog.example"
NUMBERS = iter(range(10_000))


@pytest.fixture(autouse=True)
def open_mailbox(set_up: SetUp) -> None:
    """The owner has set it up."""
    set_up(mail_reply_to=MAILBOX)


def answer_to(message: EmailMessage, text: str, **headers: str) -> EmailMessage:
    """What a mail program sends when its user answers."""
    mail = EmailMessage()
    quoted = "\n".join(f"> {line}" for line in text_of(message).splitlines())
    mail.set_content(
        f"{text}\n\nOn Mon, 23 Nov 2026, A blog <{message['From'].addresses[0].addr_spec}> wrote:\n{quoted}"
    )
    mail["From"] = f"Somebody <{message['To']}>"
    mail["To"] = message["Reply-To"] or message["From"]
    mail["Subject"] = f"Re: {message['Subject']}"
    mail["In-Reply-To"] = message["Message-ID"]
    mail["Message-ID"] = f"<answer-{next(NUMBERS)}@mail.example>"
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    return mail


def receive(mail: EmailMessage | bytes) -> str:
    return email_jobs.receive(mail if isinstance(mail, bytes) else mail.as_bytes())


def test_an_email_that_fails_unexpectedly_keeps_nobody_from_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_mail: object) -> str:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(by_mail, "process", fail)
    assert receive(b"From: grace@mail.example\r\n\r\nHello") == "ignored: it could not be understood"
    assert not db.session().in_transaction(), "which would hold SQLite's lock"


def newest() -> Comment:
    db.session.rollback()
    return db.session.scalars(select(Comment).order_by(Comment.id.desc())).first()  # type: ignore[return-value]


@pytest.fixture
def reply(subscribed: int, visit: Visit, post_office: MailServer) -> EmailMessage:
    """The email in which Bob reads that Grace answered him."""
    visit().comment(GRACE, parent_id=str(subscribed), title="The phone")
    work()
    return post_office.messages.pop()


@pytest.fixture
def held(visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock) -> EmailMessage:
    """The email in which Ada reads that Mallory's comment waits."""
    rules("blog", moderation="all")
    visit().comment(MALLORY, body="Is this on?")
    work(time)
    return post_office.messages.pop()


class TestAnswers:
    """A reader answers an email, and it stands there."""

    def test_it_becomes_a_comment(self, reply: EmailMessage, client: object) -> None:
        assert "Write your reply above this line" in text_of(reply)
        assert "Write your reply above this line" in html_of(reply)
        assert receive(answer_to(reply, "Thank you, *Grace* :-)")) == "posted: approved"
        comment = newest()
        assert comment.body == "Thank you, *Grace* :-)"
        assert "<strong>Grace</strong>" in comment.body_html
        assert comment.author == BOB.name
        assert comment.parent
        assert comment.parent.author == GRACE.name
        assert comment.email == BOB.email
        page = client.get(f"/t/blog/{ARTICLE}").text  # type: ignore[attr-defined]
        assert "<strong>Grace</strong>" in page
        assert BOB.email not in page

    def test_who_is_answered_hears_of_it_and_so_it_goes_on(
        self, reply: EmailMessage, visit: Visit, post_office: MailServer
    ) -> None:
        receive(answer_to(reply, "Thank you"))
        visit().comment(GRACE, body="You are welcome", parent_id=str(newest().id))
        work()
        assert "You are welcome" in text_of(only(post_office.messages))
        assert post_office.messages[0]["To"] == BOB.email

    def test_the_same_policy_judges_it(self, reply: EmailMessage, rules: Rules) -> None:
        rules("blog", moderation="all")
        assert receive(answer_to(reply, "Thank you")) == "posted: pending"
        rules("blog", moderation="none", disallowed_words="casino")
        assert receive(answer_to(reply, "casino casino")) == "posted: spam"

    def test_who_was_approved_before_is_known(self, reply: EmailMessage, rules: Rules) -> None:
        rules("blog", moderation="first")
        assert receive(answer_to(reply, "Thank you")) == "posted: approved"

    def test_who_confirmed_another_subscription_is_known(
        self, subscribed: int, visit: Visit, bob: Visitor, post_office: MailServer, rules: Rules
    ) -> None:
        """Of several, only the one in the confirmation's link knows who opened it."""
        second = bob.comment(BOB, "blog", "second.html", body="Second", email=BOB.email, notify="on")
        visit().comment(GRACE, "blog", "second.html", parent_id=str(second))
        work()
        rules("blog", moderation="first")
        assert receive(answer_to(post_office.messages.pop(), "Thank you")) == "posted: approved"

    def test_who_answered_by_mail_unsubscribes_once(
        self, reply: EmailMessage, visit: Visit, post_office: MailServer, client: FlaskClient
    ) -> None:
        """Each comment has a subscription of its own, of which its author knows nothing."""
        receive(answer_to(reply, "Thank you"))
        visit().comment(GRACE, body="You are welcome", parent_id=str(newest().id))
        work()
        link = link_in(post_office.messages.pop(), "unsubscribe")
        assert client.get(link).text.count("Replies to your comment") == 1
        assert "You are unsubscribed." in client.post(link).text
        assert set(db.session.scalars(select(Subscription.state))) == {"stopped"}

    def test_nobody_is_asked_again_for_an_address_that_answers(
        self, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        """Where the email that asked was opened in another browser."""
        bob = visit()
        first = bob.comment(BOB, email=BOB.email, notify="on")
        work()
        visit().client.post(link_in(post_office.messages.pop(), "confirm"))
        visit().comment(GRACE, parent_id=str(first))
        work()
        time.pass_(hours=25)
        receive(answer_to(post_office.messages.pop(), "Thank you"))
        work()
        assert not post_office.messages
        assert set(db.session.scalars(select(Subscription.state))) == {"active"}

    def test_a_mail_that_comes_twice_is_one_comment(self, reply: EmailMessage) -> None:
        mail = answer_to(reply, "Thank you")
        assert receive(mail) == "posted: approved"
        assert receive(mail) == "taken before"

    def test_html_alone_will_do(self, reply: EmailMessage) -> None:
        mail = answer_to(reply, "")
        mail.clear_content()
        quote = f"<blockquote>{html_of(reply)}</blockquote>"
        mail.set_content(f"<div>Thank <b>you</b></div><div>Grace</div>{quote}", subtype="html")
        assert receive(mail) == "posted: approved"
        assert newest().body == "Thank you\n\nGrace"

    def test_flowed_lines_are_joined(self, reply: EmailMessage) -> None:
        mail = answer_to(reply, "This was one \nparagraph.\nThis is another.")
        mail.set_param("format", "flowed")
        receive(mail)
        assert newest().body == "This was one paragraph.\nThis is another."

    def test_other_charsets(self, reply: EmailMessage) -> None:
        mail = answer_to(reply, "")
        mail.clear_content()
        mail.set_content("Schöne Grüße", charset="iso-8859-1")
        receive(mail)
        assert newest().body == "Schöne Grüße"

    def test_the_address_survives_mail_systems(self, reply: EmailMessage) -> None:
        address = reply["Reply-To"]
        assert len(str(address).partition("@")[0]) <= 64
        assert receive(answer_to(reply, "Loud", To=str(address).upper())) == "posted: approved"
        forwarded = answer_to(reply, "Quiet", To="list@elsewhere.example", Delivered_To=str(address))
        assert receive(forwarded) == "posted: approved"

    def test_it_is_off_unless_it_is_set_up(
        self, subscribed: int, visit: Visit, post_office: MailServer, set_up: SetUp
    ) -> None:
        set_up(mail_reply_to="")
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        message = only(post_office.messages)
        assert message["Reply-To"] is None
        assert "above this line" not in text_of(message)


class TestAnswersThatCannotStand:
    """They go back to who wrote them, with the reason; once."""

    def returned(self, post_office: MailServer) -> EmailMessage:
        work()
        message = only(post_office.messages)
        assert message["Subject"] == "Your reply could not be posted"
        assert message["To"] == BOB.email
        return message

    def test_a_closed_thread(
        self, reply: EmailMessage, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", close_after_days=1)
        time.pass_(days=2)
        mail = answer_to(reply, "My long *thought*\nabout it")
        assert receive(mail).startswith("refused: Comments on this article are closed")
        assert receive(mail).startswith("refused")
        message = self.returned(post_office)
        assert "Comments on this article are closed." in text_of(message)
        assert "> My long *thought*\n> about it" in text_of(message).replace("\r", "")
        assert f"https://comments.example/t/blog/{ARTICLE}" in text_of(message)
        assert message["In-Reply-To"] == mail["Message-ID"]
        assert message["Auto-Submitted"] == "auto-generated"

    def test_a_parent_that_is_gone(self, reply: EmailMessage, ada: Visitor, post_office: MailServer) -> None:
        ada.decide(newest().id, "trash")
        assert "is not shown right now" in receive(answer_to(reply, "Thank you"))
        self.returned(post_office)

    def test_nothing_typed(self, reply: EmailMessage, post_office: MailServer) -> None:
        assert "Please write a comment" in receive(answer_to(reply, ""))

    def test_too_long(self, reply: EmailMessage) -> None:
        assert "at most 20000 characters" in receive(answer_to(reply, "x" * 20_001))

    def test_said_already(self, reply: EmailMessage) -> None:
        receive(answer_to(reply, "Thank you"))
        assert "already posted this text" in receive(answer_to(reply, "Thank you"))

    def test_too_late(self, reply: EmailMessage, post_office: MailServer, time: FrozenClock) -> None:
        time.pass_(days=62)
        assert "arrived too late" in receive(answer_to(reply, "Thank you"))
        self.returned(post_office)

    def test_who_wants_no_emails_answers_none(self, reply: EmailMessage) -> None:
        db.begin_write()
        db.session.scalars(select(Subscription)).one().state = "stopped"
        db.session.commit()
        assert "You have unsubscribed" in receive(answer_to(reply, "Thank you"))

    def test_a_banned_writer(self, reply: EmailMessage, ada: Visitor) -> None:
        ada.admin_post("/admin/bans", form_at="/admin/bans", kind="email", value=BOB.email)
        assert "You cannot comment here" in receive(answer_to(reply, "Thank you"))

    def test_more_than_a_person_writes(self, reply: EmailMessage, rules: Rules) -> None:
        rules("blog", comments_per_minute=2)
        said = [receive(answer_to(reply, f"text {number}")) for number in range(4)]
        assert said[:2] == ["posted: approved"] * 2
        assert "very quickly" in said[3]

    def test_another_address_than_the_emails(self, reply: EmailMessage, post_office: MailServer) -> None:
        """An email may have been passed on; it goes back to who was meant, and nobody else."""
        assert "a different address" in receive(answer_to(reply, "Thank you", From="grace@elsewhere.example"))
        self.returned(post_office)


class TestWhatNoPersonWrote:
    """Programs answer emails, too; nothing they say is shown, and nothing is said to them."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Auto-Submitted", "auto-replied"),
            ("Auto-Submitted", "auto-generated; owner-email=x"),
            ("Precedence", "bulk"),
            ("Precedence", "auto_reply"),
            ("X-Autoreply", "yes"),
            ("X-Auto-Response-Suppress", "All"),
            ("List-Id", "<list.example>"),
            ("Return-Path", "<>"),
            ("From", "MAILER-DAEMON@mail.example"),
            ("From", ""),
        ],
        ids=lambda value: re.sub(r"\W+", "-", value),
    )
    def test_it_is_ignored(self, name: str, value: str, reply: EmailMessage, post_office: MailServer) -> None:
        before = newest().id
        mail = answer_to(reply, "I am out of the office", **{name: value})
        assert receive(mail).startswith("ignored")
        work()
        assert newest().id == before
        assert not post_office.messages

    def test_two_of_us_would_not_write_to_each_other_for_ever(self, reply: EmailMessage) -> None:
        """Our own emails, sent back to us, are no answers."""
        mail = answer_to(reply, "x")
        for name in ("Auto-Submitted", "X-Auto-Response-Suppress"):
            mail[name] = reply[name]
        assert receive(mail).startswith("ignored")

    def test_a_loop_ends(self, reply: EmailMessage, post_office: MailServer, rules: Rules) -> None:
        comment = newest()
        db.begin_write()
        db.session.get_one(Comment, comment.id).thread.access = "closed"
        db.session.commit()
        for number in range(40):
            receive(answer_to(reply, f"I am a robot {number}"))
        work()
        assert len(post_office.messages) <= throttle.RETURNED.amount


class TestHostileMails:
    """Whatever a stranger sends to the mailbox."""

    @pytest.mark.parametrize(
        "identity",
        [
            "<x=?utf-8?q?=3D=3Futf-8=3Fq=3F=0ABcc=3Aevil=40x=3F=3D?=x>",
            "<a=?utf-8?q?=0ABcc:evil@x.example?=>",
            "<a b>",
            "<>",
            "<[>",
            "<a@[",
            "<\u2028@x>",
            "",
        ],
        ids=range(8),
    )
    def test_no_identity_of_theirs_reaches_a_header_unchecked(
        self, identity: str, reply: EmailMessage, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", close_after_days=1)
        time.pass_(days=2)
        raw = answer_to(reply, "Nothing may be lost").as_bytes()
        raw = re.sub(rb"(?im)^message-id:.*\n", f"Message-ID: {identity}\n".encode(), raw, count=1)
        assert receive(raw).startswith("refused")
        work()
        message = only(post_office.messages)
        assert "> Nothing may be lost" in text_of(message)
        assert message["Bcc"] is None
        assert message["References"] is None

    @pytest.mark.parametrize("quoted", ["unquoted", "mangled", "piped"])
    def test_our_links_are_never_published(
        self, quoted: str, held: EmailMessage, post_office: MailServer, client: object
    ) -> None:
        message = text_of(held)
        if quoted == "mangled":
            message = message.replace("✂ – – –", "then")
        elif quoted == "piped":
            message = "\n".join(f"| {line}" for line in message.replace("✂ – – –", "then").splitlines())
        mail = answer_to(held, "")
        mail.set_content(f"Fine with me.\n\n{message}")
        said = receive(mail)
        page = client.get(f"/t/blog/{ARTICLE}").text  # type: ignore[attr-defined]
        assert "/moderate/" not in page
        assert said in ("replied and approved",) or "parts of our email" in said

    def test_who_only_asked_cannot_change_what_is_answered(
        self, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        """Mallory commented as Bob; Bob said yes to the email, in his own browser, and answers by mail."""
        mallory = visit()
        first = mallory.comment(MALLORY, author="Bob", email=BOB.email, notify="on")
        work()
        visit().client.post(link_in(post_office.messages.pop(), "confirm"))
        visit().comment(GRACE, parent_id=str(first))
        work()
        receive(answer_to(post_office.messages.pop(), "Thank you"))
        answer = newest()
        assert answer.body == "Thank you"
        assert mallory.client.get(f"/comments/{answer.id}/revision").status_code == 403

    @pytest.mark.parametrize("subject", ["Automatic reply: x", "Out of Office", "Abwesenheitsnotiz", "自動応答"])
    def test_holidays_without_their_header(self, subject: str, held: EmailMessage) -> None:
        assert receive(answer_to(held, "I am on holiday.", Subject=subject)).startswith("ignored")

    @pytest.mark.parametrize(
        "head",
        [
            "To: " + '"a" ' * 60_000,
            "From: " + "\\" * 200_000,
            "Content-Type: text/plain" + ";" * 200_000,
            "Auto-Submitted: " + "=?utf-8?q?x?= " * 15_000,
            "Message-ID: " + "." * 200_000,
            "Cc: " + "a," * 100_000,
        ],
        ids=range(6),
    )
    def test_headers_that_keep_a_parser_busy_are_not_read(
        self, head: str, reply: EmailMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The standard library would take minutes for some of these, and a comment would wait meanwhile."""
        locked = monkeypatch.setattr
        locked("commentsvc.db.db.begin_write", lambda: pytest.fail("nothing is locked for what cannot be read"))
        assert receive(f"{head}\r\n\r\nx".encode()).startswith("ignored")

    def test_many_parts_are_not_read(self, app: object) -> None:
        parts = "".join(f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(900))
        assert "too many parts" in receive(f"Content-Type: multipart/mixed; boundary=b0\r\n\r\n{parts}".encode())


class TestAddresses:
    """Only we make them, and each is good for one thing."""

    def test_a_changed_one_is_nobodys(self, reply: EmailMessage, post_office: MailServer) -> None:
        """Whichever of its characters it is."""
        before, address = newest().id, str(reply["Reply-To"])
        for place in range(address.index("+") + 1, address.index("@")):
            other = "a" if address[place] != "a" else "b"
            forged = address[:place] + other + address[place + 1 :]
            assert receive(answer_to(reply, "Thank you", To=forged)).startswith("ignored"), forged
        work()
        assert (newest().id, post_office.messages) == (before, [])

    def test_a_forger_cannot_have_us_write_to_anybody(self, reply: EmailMessage, post_office: MailServer) -> None:
        for address in ("comments+r1-1-1-0-00000000000000000000@blog.example", MAILBOX, "comments+x@blog.example"):
            assert receive(answer_to(reply, "Buy pills", To=address)).startswith("ignored")
        work()
        assert not post_office.messages

    def test_a_readers_decides_nothing_and_a_bounces_answers_nothing(self, held: EmailMessage) -> None:
        """What an address is for is part of what is signed."""
        made = return_address.read(str(held["Reply-To"]))
        assert made
        assert made.purpose == "m"
        for purpose in "br":
            forged = str(held["Reply-To"]).replace("+m", f"+{purpose}")
            assert return_address.read(forged) is None


class TestDecisions:
    """A moderator answers the email about what waits."""

    @pytest.mark.parametrize(
        ("words", "state"),
        [
            ("approve", "approved"),
            ("Approve.", "approved"),
            ("SPAM", "spam"),
            ("*trash*", "trashed"),
            ("trash\n\nBye", "trashed"),
        ],
    )
    def test_one_word_decides(self, words: str, state: str, held: EmailMessage) -> None:
        assert "“approve”, “spam” or “trash”" in text_of(held)
        assert receive(answer_to(held, words)) == f"decided: {state}"
        comment = newest()
        assert comment.state == state
        decision = db.session.scalars(select(Decision).order_by(Decision.id.desc())).first()
        assert decision
        assert decision.moderator
        assert decision.moderator.email == ADA.email

    def test_the_email_shows_what_a_reply_is_to_and_which_article_it_is_about(
        self, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        """The title is of the comment: readers see it only once that is shown."""
        parent = visit().comment(GRACE, body="Does it *ring*?")
        rules("blog", moderation="all")
        visit().comment(MALLORY, body="It does.", parent_id=str(parent), title="The phone, explained")
        work(time)
        message = post_office.messages.pop()
        assert f"> {GRACE.name}: Does it *ring*?" in text_of(message)
        assert f"<bdi>{GRACE.name}</bdi>: Does it *ring*?" in html_of(message)
        assert "The phone, explained" in message["Subject"]

    def test_the_moderators_own_language_does(
        self, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        db.begin_write()
        moderator = Moderator.with_email(ADA.email)
        assert moderator
        moderator.language = "de"
        db.session.commit()
        rules("blog", moderation="all")
        visit().comment(MALLORY, body="Is this on?")
        work(time)
        assert receive(answer_to(post_office.messages.pop(), "Löschen")) == "decided: trashed"

    def test_any_other_text_approves_and_answers(self, held: EmailMessage) -> None:
        assert receive(answer_to(held, "It is on.\n\nWelcome")) == "replied and approved"
        answer = newest()
        assert answer.body == "It is on.\n\nWelcome"
        assert answer.author == ADA.name
        assert answer.moderator_id
        assert answer.parent
        assert answer.parent.state == "approved"

    @pytest.mark.parametrize("below", ["Ada Lovelace\nLondon, 01 234", "Welcome"])
    def test_what_stands_below_a_decision_is_nobodys_comment(self, below: str, held: EmailMessage) -> None:
        """It may be a signature that no mail program marks."""
        before = newest().id
        assert receive(answer_to(held, f"approve\n\n{below}")) == "decided: approved"
        assert newest().id == before

    @pytest.mark.parametrize("typed", ["", "-- \nAda", "Sent from my iPhone"])
    def test_nothing_decides_nothing(self, typed: str, held: EmailMessage) -> None:
        assert "Please write a comment" in receive(answer_to(held, typed))
        assert newest().state == "pending"

    @pytest.mark.parametrize(("words", "state"), [("ok", "approved"), ("Delete", "trashed"), ("no.", "trashed")])
    def test_other_words_decide_where_they_stand_alone(self, words: str, state: str, held: EmailMessage) -> None:
        assert receive(answer_to(held, words)) == f"decided: {state}"

    def test_and_begin_an_answer_where_they_do_not(self, held: EmailMessage) -> None:
        assert receive(answer_to(held, "No.\nIt is off.")) == "replied and approved"
        assert newest().body == "No.\nIt is off."

    @pytest.mark.parametrize("words", ["spam please", "Approve it!", "Delete\nplease"])
    def test_what_may_be_either_is_asked_back(self, words: str, held: EmailMessage) -> None:
        """Published as a reply, it could not be taken back."""
        assert receive(answer_to(held, words)).startswith("refused: This may be a decision or a reply.")
        assert newest().state == "pending"

    def test_a_decision_from_another_address_comes_back_with_its_page(
        self, held: EmailMessage, post_office: MailServer
    ) -> None:
        receive(answer_to(held, "spam", From="ada@elsewhere.example"))
        post_office.messages.clear()
        work()
        message = only(post_office.messages)
        assert message["Subject"] == "We could not process your reply"
        assert f"https://comments.example/admin/comments/{newest().id}" in text_of(message)

    def test_nobody_overrides_a_decision_that_the_email_does_not_show(self, held: EmailMessage, hedy: Visitor) -> None:
        number = newest().id
        db.begin_write()
        other = db.session.scalars(select(Moderator).where(Moderator.email == HEDY.email)).one()
        actions.moderate([db.session.get_one(Comment, number)], State.SPAM, other)
        db.session.commit()
        for words in ("approve", "Thank you for your comment, it is on."):
            assert receive(answer_to(held, words)) == "refused: Someone has already decided: Spam."
        assert newest().state == "spam"
        assert receive(answer_to(held, "spam")) == "decided: spam"

    def test_but_everybody_may_change_their_own_mind(self, held: EmailMessage) -> None:
        assert receive(answer_to(held, "spam")) == "decided: spam"
        assert receive(answer_to(held, "approve")) == "decided: approved"

    def test_the_filter_learns_from_it(self, held: EmailMessage) -> None:
        receive(answer_to(held, "spam"))
        assert newest().learned_as == "spam"

    def test_a_text_that_changed_meanwhile_is_not_decided_about(
        self, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        mallory = visit()
        comment = mallory.comment(MALLORY, body="Is this on?")
        work(time)
        message = post_office.messages.pop()
        page = mallory.client.get(f"/comments/{comment}/revision")
        mallory.client.post(f"/comments/{comment}/revision", data=hidden_fields(page) | {"body": "Buy pills"})
        assert "the comment has changed since" in receive(answer_to(message, "approve"))
        assert row(comment).state == "pending"

    def test_nobody_else_decides(self, held: EmailMessage) -> None:
        assert receive(answer_to(held, "approve", From=BOB.email)).startswith("refused")
        assert newest().state == "pending"

    def test_nor_who_was_a_moderator_once(self, held: EmailMessage) -> None:
        db.begin_write()
        db.session.delete(Moderator.with_email(ADA.email))
        db.session.commit()
        assert receive(answer_to(held, "approve")).startswith("refused")
        assert newest().state == "pending"

    def test_the_sites_own_address_decides_but_has_no_name_to_write_with(
        self, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all", email="owner@blog.example")
        comment = visit().comment(MALLORY, body="Is this on?")
        work(time)
        message = post_office.messages.pop()
        assert receive(answer_to(message, "It is.")).startswith("refused: Only moderators can reply to this email")
        assert row(comment).state == "pending"
        assert receive(answer_to(message, "spam")) == "decided: spam"
        decision = db.session.scalars(select(Decision).order_by(Decision.id.desc())).first()
        assert decision
        assert decision.is_by_mailbox
        assert row(comment).learned_as == "spam"


class TestMails:
    """Bytes that claim to be mail."""

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\x00" * 1000,
            b"From: x\r\n\r\n",
            b"To: =?utf-8?q?" + b"=00" * 5000,
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 5000,
            b"Content-Type: text/plain; charset=undecodable\r\nTo: " + MAILBOX.encode() + b"\r\n\r\nx",
            b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n",
            b"x" * (mailbox.MAX_MAIL_SIZE + 1),
            b"Subject: " + b"a" * 100_000 + b"\r\n\r\nx",
            b"To: " + b"a@b.example, " * 5000 + b"\r\n\r\nx",
        ],
        ids=lambda raw: f"{len(raw)}-{raw[:12]!r}",
    )
    def test_none_brings_it_down(self, raw: bytes, app: object) -> None:
        assert receive(raw).startswith("ignored")

    def test_a_tree_of_parts(self, reply: EmailMessage) -> None:
        mail = answer_to(reply, "Thank you")
        mail.add_attachment(b"\x89PNG" * 100, maintype="image", subtype="png", filename="cat.png")
        mail.add_alternative("<p>other</p>", subtype="html") if not mail.is_multipart() else None
        assert receive(mail) == "posted: approved"
        assert newest().body == "Thank you"


def test_codes_fit_their_field(app: object) -> None:
    """64 characters, even in years and with many rows."""
    subscription = Subscription(id=2**31 - 1)
    comment = Comment(id=2**31 - 1)
    made = return_address.of_replies(subscription, comment)
    assert made
    assert len(made.partition("@")[0]) <= 64
    read = return_address.read(made)
    assert read
    assert (read.first, read.second) == (2**31 - 1, 2**31 - 1)


def mixed(*parts: tuple[str, bytes]) -> bytes:
    """Return a body of several parts: the header lines and content of each."""
    inside = b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inside + b"--b--\r\n"


def of_sender(body: bytes) -> str:
    return incoming.read(b"From: grace@mail.example\r\nMIME-Version: 1.0\r\n" + body).reply_text


PLAIN, HTML = "Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"
FILE = 'Content-Type: text/plain; name="notes.txt"\r\nContent-Disposition: inline; filename="notes.txt"'


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([(PLAIN, b"  "), (HTML, b"<p>Hello</p>")], "Hello"),
        ([(HTML, b"<p>Hello</p>"), (FILE, b"my notes")], "Hello"),
        ([(FILE.partition("\r\n")[0], b"my notes"), (PLAIN, b"Hello")], "Hello"),
        ([(PLAIN, b"Hello"), ("Content-Type: image/png", b"x"), (PLAIN, b"again")], "Hello\nagain"),
        ([(PLAIN, b""), ("Content-Type: image/png", b"x"), (PLAIN, b"again")], "again"),
    ],
)
def test_what_was_written_is_found_among_the_parts(parts: list[tuple[str, bytes]], text: str) -> None:
    assert of_sender(mixed(*parts)) == text


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("utf-7", "utf-7", "Schöne Grüße"),
        ("iso-2022-kr", "iso2022_kr", "가나"),
        ("iso-2022-jp-ms", "iso2022_jp_2", "こんにちは"),
        ("cp50220", "iso2022_jp_2", "こんにちは"),
        ("us-ascii", "iso2022_jp", "こんにちは"),
        ("iso-2022-jp-2", "iso2022_jp_2", "Größe 日本"),
        ("iso-2022-jp", "iso2022_jp", "こんにちは"),
        ("cp850", "cp850", "Schöne Grüße"),
        ("ibm852", "cp852", "Dvořák"),
        ("latin9", "iso8859_15", "5 €"),
        ("hz-gb-2312", "hz", "你好"),
        ("hex", "utf-8", "é"),
    ],
)
def test_charsets_that_no_page_has(label: str, codec: str, text: str) -> None:
    assert of_sender(f"Content-Type: text/plain; charset={label}\r\n\r\n".encode() + text.encode(codec)) == text


def test_a_charset_that_only_the_page_in_an_email_names() -> None:
    page = '<meta charset="koi8-r"><p>Привет</p>'.encode("koi8-r")
    assert of_sender(b"Content-Type: text/html\r\n\r\n" + page) == "Привет"
