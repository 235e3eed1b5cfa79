"""Emails as the mail server receives them: who gets one, what stands in it, and in its headers."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from commentsvc import i18n
from commentsvc.comments import posting
from commentsvc.db import db
from commentsvc.models import Comment, Email, Moderator, Recipient, Site, Subscription
from commentsvc.models.comment import Kind, ResponseKind
from commentsvc.models.email import EmailKind
from commentsvc.notifications import emails, enqueue
from commentsvc.threads.articles import Article
from tests.cast import ADA, ADAS_PASSWORD, ARTICLE, ARTICLE_URL, BOB, GRACE, MALLORY
from tests.post import SERVER, html_of, link_in, links_in_html, only, text_of, work
from tests.post import messages as outbox
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, hidden_fields

Visit = Callable[[], Visitor]
Rules = Callable[..., None]


class TestReplies:
    """The email that somebody answered."""

    def test_it_arrives_and_reads_well(self, subscribed: int, visit: Visit, post_office: MailServer) -> None:
        answer = visit().comment(GRACE, email=GRACE.email, parent_id=str(subscribed), title="The phone")
        work()
        message = only(post_office.messages)
        assert post_office.recipients[-1] == [BOB.email]
        assert message["To"] == BOB.email
        assert message["From"] == "A blog <comments@comments.example>"
        assert message["Subject"].startswith("Grace replied to you on")
        text = text_of(message)
        assert "The _cat_ found it." in text
        assert f"> {BOB.says}" in text
        assert f"{ARTICLE_URL}#comment-{answer}" in text  # on the blog, where its readers belong
        assert f"{SERVER}/t/blog/{ARTICLE}?comment={answer}#comment-{answer}" in text
        assert "The <u>cat</u> found it." in html_of(message)
        assert GRACE.email not in message.as_string()

    def test_its_headers_are_the_standards(self, subscribed: int, visit: Visit, post_office: MailServer) -> None:
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        message = only(post_office.messages)
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert re.fullmatch(r"<https://comments\.example/unsubscribe/[\w.-]+>", message["List-Unsubscribe"])
        assert message["List-ID"].endswith(".comments.example>")
        assert message["Message-ID"].endswith("@comments.example>")
        assert message["Reply-To"] is None
        assert message["Precedence"] is None
        assert not message.defects
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]

    def test_programs_can_read_its_headers_as_they_come(
        self, subscribed: int, visit: Visit, post_office: MailServer, set_up: Callable[..., None]
    ) -> None:
        """No encoded words where addresses and identities stand, however long they are (RFC 2047, 5)."""
        host = "comments.of-a-blog-with-a-name-that-is-longer-than-most.example"
        set_up(base_url=f"https://{host}", mail_reply_to=f"comments@{host}")
        one = visit().comment(GRACE, parent_id=str(subscribed))
        visit().comment(MALLORY, parent_id=str(one))
        work()
        raw = post_office.raw[-1].decode()
        headers = raw.partition("\r\n\r\n")[0]
        for name in ("List-Unsubscribe", "List-ID", "In-Reply-To", "References", "Message-ID", "Reply-To", "To"):
            found = re.search(rf"(?m)^{name}: (.*(?:\r\n .*)*)", headers)
            assert found, name
            assert "=?" not in found[1], name
        assert re.search(r"(?m)^List-Unsubscribe: <https://[^>\s]+>\r$", headers)
        assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in headers

    def test_a_held_answer_is_told_only_when_approved_and_once(
        self, subscribed: int, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all", email="owner@blog.example")
        answer = visit().comment(GRACE, parent_id=str(subscribed))
        work(time)
        assert only(post_office.messages)["To"] == "owner@blog.example"
        post_office.messages.clear()
        for resource in ("approval", "hold", "approval"):
            ada.decide(answer, resource)
        work(time)
        assert only(post_office.messages)["To"] == BOB.email

    def test_the_first_email_of_a_blog_is_in_its_language(
        self, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all", email="owner@blog.example", language="de")
        visit().comment(GRACE)
        work(time)
        assert "Freigabe" in only(post_office.messages)["Subject"]

    def test_an_approval_taken_back_at_once_is_told_to_nobody(
        self, subscribed: int, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        """The key beside the one that was meant. Approved later after all, it is news."""
        rules("blog", moderation="all")
        answer = visit().comment(GRACE, parent_id=str(subscribed))
        work(time)
        post_office.messages.clear()
        ada.decide(answer, "approval")
        work()
        ada.undo_last()
        work(time)
        assert not post_office.messages
        ada.decide(answer, "approval")
        work(time)
        assert only(post_office.messages)["To"] == BOB.email

    def test_many_approved_together_are_few_emails(
        self, subscribed: int, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        texts = [f"Reply number {number}, which says this" for number in range(20)]
        answers = [visit().comment(GRACE, body=text, parent_id=str(subscribed)) for text in texts]
        work(time)
        post_office.messages.clear()
        chosen = [str(one) for one in answers]
        assert ada.admin_post("/admin/comments/decisions", chosen=chosen, verb="approval").status_code == 303
        work(time)
        assert [message["To"] for message in post_office.messages] == [BOB.email] * 3
        told = "".join(text_of(message) for message in post_office.messages)
        assert all(text in told for text in texts)
        assert "18 new comments" in post_office.messages[-1]["Subject"]

    def test_ones_own_answer_is_no_news(self, bob: Visitor, subscribed: int, post_office: MailServer) -> None:
        bob.comment(BOB, email=BOB.email, body="I forgot", parent_id=str(subscribed))
        bob.comment(BOB, body="Nor without the address", parent_id=str(subscribed))
        work()
        assert not post_office.messages

    def test_it_says_what_is_there_when_it_is_sent(
        self, subscribed: int, visit: Visit, ada: Visitor, post_office: MailServer
    ) -> None:
        grace = visit()
        answer = grace.comment(GRACE, parent_id=str(subscribed))
        grace.client.post(f"/comments/{answer}/revision", data=_with_token(grace, answer, "A *better* text"))
        gone = visit().comment(MALLORY, parent_id=str(subscribed))
        ada.decide(gone, "spam")
        work()
        assert "A *better* text" in text_of(only(post_office.messages))
        assert [message.state for message in outbox()][-1] == "cancelled"

    def test_a_new_subscription_does_not_tell_old_news_again(
        self, bob: Visitor, visit: Visit, ada: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        """Also where the first one was deleted, and with it what was told."""
        for _ in range(2):
            bob.client.post(f"/follow/blog/{ARTICLE}", data={"email": BOB.email})
            work()
            bob.client.post(link_in(post_office.messages[-1], "confirm"))
            if len(post_office.messages) == 1:
                comment = visit().comment(GRACE)
                work()
                number = db.session.scalars(select(Subscription.id)).one()
                at = "/admin/subscriptions"
                ada.admin_post(f"{at}/{number}/removal", form_at=at)
                time.pass_(hours=25)
                ada.sign_in(ADA.email, ADAS_PASSWORD)
        ada.decide(comment, "trash")
        ada.decide(comment, "approval")
        work()
        assert [message["Subject"].split()[0] for message in post_office.messages] == ["Please", "Grace", "Please"]

    def test_german_readers_read_german(self, visit: Visit, post_office: MailServer, rules: Rules) -> None:
        rules("other", moderation="none")
        visit().comment(BOB, site="other", email=BOB.email, notify="on")
        work()
        assert only(post_office.messages)["Subject"] == "Bitte bestätigen: E-Mails zu Kommentaren bei Another"


def _with_token(visitor: Visitor, comment: int, body: str) -> dict[str, str]:
    page = visitor.client.get(f"/comments/{comment}/revision")
    return hidden_fields(page) | {"body": body}


class TestOneConversation:
    """A conversation here is one conversation in the mail program (RFC 5322, 3.6.4)."""

    @pytest.fixture
    def followed(self, bob: Visitor, post_office: MailServer) -> Visitor:
        """Bob, who hears of everything under the article."""
        bob.client.post(f"/follow/blog/{ARTICLE}", data={"email": BOB.email})
        work()
        bob.client.post(link_in(only(post_office.messages), "confirm"))
        post_office.messages.clear()
        return bob

    def test_each_email_refers_to_the_one_it_answers(
        self, followed: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        first = visit().comment(GRACE, body="first")
        second = visit().comment(MALLORY, body="second", parent_id=str(first))
        visit().comment(GRACE, body="third", parent_id=str(second))
        visit().comment(GRACE, body="another branch")
        work()
        one, two, three, other = post_office.messages
        root = one["References"]
        assert one["In-Reply-To"] == root == other["References"]
        assert two["In-Reply-To"] == one["Message-ID"]
        assert two["References"] == f"{root} {one['Message-ID']}"
        assert three["In-Reply-To"] == two["Message-ID"]
        assert three["References"] == f"{root} {one['Message-ID']} {two['Message-ID']}"
        assert len({message["Message-ID"] for message in post_office.messages}) == 4
        assert {message["List-ID"] for message in post_office.messages} == {one["List-ID"]}

    def test_siblings_have_one_parent_that_was_never_mailed(
        self, subscribed: int, visit: Visit, post_office: MailServer
    ) -> None:
        for body in ("one", "two"):
            visit().comment(GRACE, body=body, parent_id=str(subscribed))
        work()
        one, two = post_office.messages
        assert one["In-Reply-To"] == two["In-Reply-To"] == one["References"].split()[-1]
        assert one["References"] == two["References"]

    def test_who_hears_of_it_twice_gets_one_email(
        self, followed: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        own = followed.comment(BOB, email=BOB.email, notify="on")
        visit().comment(GRACE, parent_id=str(own), body="hello")
        work()
        assert len(post_office.messages) == 1, "who hears of it twice gets one letter"
        assert "replied to you" in post_office.messages[0]["Subject"]


class TestHeld:
    """The email that something waits."""

    def test_it_leads_to_the_queue_and_to_each_decision(
        self, bob: Visitor, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        comment = bob.comment(BOB, email=BOB.email)
        work(time)
        message = only(post_office.messages)
        assert message["To"] == ADA.email
        assert message["Subject"].startswith("Comment by Bob on")
        assert f"{SERVER}/admin/queue#comment-{comment}" in html_of(message)
        assert html_of(message).count("/moderate/") == 3
        assert text_of(message).count("/moderate/") == 1, "its page offers the others"
        assert f"https://blog.example/{ARTICLE}" in text_of(message)
        assert BOB.email not in message.as_string()

    def test_a_wave_is_one_email_and_a_second_one_later(
        self, visit: Visit, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        for number in range(30):
            _hold(f"Number {number} of many")
        work(time)
        message = only(post_office.messages)
        assert message["Subject"] == "30 comments need approval on A blog"
        assert "Number 19" in text_of(message)
        assert "Number 20" not in text_of(message)
        assert "And 10 more." in text_of(message)
        for number in range(5):
            _hold(f"Later {number}")
        work(time)
        assert len(post_office.messages) == 1
        time.pass_(minutes=15)
        work()
        assert post_office.messages[1]["Subject"] == "5 comments need approval on A blog"

    def test_certain_spam_is_no_email(
        self, bob: Visitor, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all", disallowed_words="casino")
        bob.comment(MALLORY, body="casino casino")
        work(time)
        assert not post_office.messages

    def test_what_is_decided_meanwhile_is_not_told(
        self, bob: Visitor, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        ada.decide(bob.comment(BOB), "approval")
        work(time)
        assert not post_office.messages
        assert [message.state for message in outbox()] == ["cancelled"]

    def test_it_says_of_what_kind_a_linkback_is(
        self, ada: Visitor, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", webmentions="hold")
        _linkback(ResponseKind.LIKE)
        work(time)
        message = only(post_office.messages)
        assert message["Subject"].startswith("Mention of “")
        assert "mentioned “" in text_of(message)
        assert "commented" not in text_of(message) + html_of(message)
        assert "Webmention · Like" in text_of(message)
        assert "Webmention · Like" in html_of(message)
        assert "https://friend.example/post" in text_of(message)
        assert "https://friend.example/post" not in links_in_html(message)


def _hold(body: str) -> None:
    db.begin_write()
    writer = posting.CommentAuthor(visitor=None, address_hash=None, language="en")
    submission = posting.Submission(author="Wave", body=body, body_html=f"<p>{body}</p>")
    posting.post_comment(Article.at(Site.named("blog"), ARTICLE), submission, writer)
    db.session.commit()


def _linkback(response: ResponseKind) -> None:
    db.begin_write()
    mention = posting.Mention(
        kind=Kind.WEBMENTION,
        source="https://friend.example/post",
        title="A post",
        excerpt="",
        excerpt_html="",
        author="Friend",
        response=response,
    )
    posting.post_linkback(Article.at(Site.named("blog"), ARTICLE), mention)
    db.session.commit()


class TestSafety:
    """Nothing in an email is the writer's but the words (spec E)."""

    @pytest.mark.parametrize(
        "name",
        [
            "A\r\nBcc: victim@mail.example",
            "A\nBcc: v@mail.example",
            "A\u2028Bcc: v@mail.example",
            "=?utf-8?q?=0ABcc:v@mail.example?=",
        ],
        ids=["crlf", "lf", "u2028", "encoded-word"],
    )
    def test_no_name_adds_headers_or_recipients(
        self, name: str, subscribed: int, visit: Visit, post_office: MailServer
    ) -> None:
        visit().comment(GRACE, author=name, parent_id=str(subscribed))
        work()
        message = only(post_office.messages)
        assert message["Bcc"] is None
        assert post_office.recipients[-1] == [BOB.email]

    @pytest.mark.parametrize(
        "name", ["A\r\nBcc: v@mail.example", "=?utf-8?q?=0ABcc:v@mail.example?=", 'x" <a@b.example>,', "ä" * 150]
    )
    def test_no_blogs_name_does(
        self, name: str, subscribed: int, visit: Visit, post_office: MailServer, rules: Rules
    ) -> None:
        rules("blog", name=name)
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        message = only(post_office.messages)
        assert message["Bcc"] is None
        assert message["From"].addresses[0].addr_spec == "comments@comments.example"
        assert len(message["From"].addresses) == 1

    def test_links_and_pictures_of_the_writer_are_text(
        self, subscribed: int, visit: Visit, post_office: MailServer
    ) -> None:
        body = "*look* at https://evil.example/login :-) <img src=https://evil.example/x.gif> {{7*7}} `code`"
        visit().comment(MALLORY, body=body, parent_id=str(subscribed), website="https://evil.example/")
        work()
        message = only(post_office.messages)
        html = html_of(message)
        assert "<strong>look</strong>" in html
        assert "https://evil.example/login :-)" in html
        assert "&lt;img" in html
        assert "{{7*7}}" in html
        assert "<code>code</code>" in html
        assert all(address.startswith((f"{SERVER}/", f"{ARTICLE_URL}#")) for address in links_in_html(message))
        tags = " ".join(re.findall(r"<[^>]*>", html))
        for loads in ("src=", "url(", "<link", "<script", "background="):
            assert loads not in tags
        assert "url(" not in html
        assert "@import" not in html

    def test_links_have_our_address_whatever_the_host_says(self, bob: Visitor, post_office: MailServer) -> None:
        form = bob.fill(BOB, email=BOB.email, notify="on")
        headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "203.0.113.7"}
        bob.send(form, headers=headers)
        work()
        assert "evil.example" not in only(post_office.messages).as_string()

    def test_every_kind_of_email_in_every_language(
        self, subscribed: int, visit: Visit, ada: Visitor, moderator: Moderator, post_office: MailServer, rules: Rules
    ) -> None:
        """Each is written out, says what the standards ask for, and loads and links nothing of others."""
        answer = visit().comment(GRACE, parent_id=str(subscribed))
        work()
        rules("blog", moderation="all")
        held = [visit().comment(MALLORY, body=f"held {number}") for number in range(2)]
        for tag in i18n.languages():
            for message in _one_of_each(answer, held, tag):
                db.session.flush()
                written = emails.render_email(message)
                assert written, message.kind
                assert written.subject
                assert written.text.isprintable() or "\n" in written.text
                assert "%(" not in written.subject + written.text + written.html
                for address in re.findall(r'(?:href|src)="([^"]*)"', written.html):
                    assert address.startswith((SERVER, "https://blog.example/")), "ours, or the article"
                assert f'lang="{tag}"' in written.html
        db.session.rollback()


def _one_of_each(answer: int, held: list[int], tag: str) -> list[Email]:
    db.begin_write()
    bob = Recipient.with_email(BOB.email)
    ada = Recipient.with_email(ADA.email)
    assert bob
    assert ada
    bob.language = ada.language = tag
    heard = db.session.scalars(select(Subscription).where(Subscription.recipient_id == bob.id)).one()
    decides = db.session.scalars(select(Subscription).where(Subscription.topic == "held")).first()
    assert decides
    comment = db.session.get_one(Comment, answer)
    made = []
    for kind in (EmailKind.REPLY, EmailKind.THREAD, EmailKind.SITE, EmailKind.DIGEST):
        made.append(enqueue.add_email(kind, bob))
        db.session.flush()
        enqueue.add_item(made[-1], comment, heard, f"{kind}-{tag}")
    for count in (1, 2):
        made.append(enqueue.add_email(EmailKind.HELD, ada))
        db.session.flush()
        for number in held[:count]:
            enqueue.add_item(made[-1], db.session.get_one(Comment, number), decides, f"held-{count}-{number}-{tag}")
    made += [enqueue.add_email(EmailKind.SIGN_IN, ada), enqueue.add_email(EmailKind.TEST, ada)]
    facts = {
        "sentence": "Comments on this article are closed.",
        "values": {},
        "body": "x",
        "answered": "",
        "url": None,
    }
    made.append(enqueue.add_email(EmailKind.RETURNED, bob, facts=facts))
    return made


def test_an_email_is_one_recipients_alone(subscribed: int, visit: Visit, post_office: MailServer) -> None:
    """E2: nobody sees who else is told."""
    other = visit()
    other.client.post(f"/follow/blog/{ARTICLE}", data={"email": "other@mail.example"})
    work()
    other.client.post(link_in(only(post_office.messages), "confirm"))
    post_office.messages.clear()
    post_office.recipients.clear()
    visit().comment(GRACE, parent_id=str(subscribed))
    work()
    assert sorted(post_office.recipients) == [[BOB.email], ["other@mail.example"]]
    for message in post_office.messages:
        seen = [address for address in (BOB.email, "other@mail.example") if address in message.as_string()]
        assert seen == [message["To"]]
