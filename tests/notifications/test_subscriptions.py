"""Who hears of what: asked for, confirmed once, managed on one page, stopped with one click."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc import tokens
from commentsvc.accounts import one_time_links
from commentsvc.db import db
from commentsvc.models import Email, Moderator, Recipient, Subscription
from commentsvc.notifications import outbox, subscriptions
from tests.cast import ADA, ADAS_PASSWORD, ARTICLE, ARTICLE_URL, BOB, GRACE, MALLORY
from tests.post import link_in, messages, only, stop_link, text_of, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
FOLLOW = f"/follow/blog/{ARTICLE}"
CHANGED = "Your email address has been changed"


def move_to_new_address(ada: Visitor) -> None:
    """Open the link that was sent to ``ada@new.example``."""
    number = db.session.scalars(select(Moderator.id).where(Moderator.email == ADA.email)).one()
    link = urlsplit(one_time_links.new_address_url(number, ADA.email, "ada@new.example")).path
    assert ada.admin_post(link).status_code == 303


def states() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Subscription.state).order_by(Subscription.id)))


def manage_page(message: object) -> str:
    return link_in(message, "subscriptions")  # type: ignore[arg-type]


@pytest.fixture
def following(bob: Visitor, post_office: MailServer) -> Visitor:
    """Bob hears of everything under the article, and has never written."""
    bob.client.post(FOLLOW, data={"email": BOB.email})
    work()
    bob.client.post(link_in(only(post_office.messages), "confirm"))
    post_office.messages.clear()
    return bob


class TestConfirming:
    """Nobody gets emails who did not say yes."""

    def test_the_first_email_asks_and_holds_no_text_of_anybody(self, bob: Visitor, post_office: MailServer) -> None:
        bob.comment(
            MALLORY, email="victim@mail.example", notify="on", author="Buy pills", body="Buy pills", title="Pills"
        )
        bob.client.post("/follow/blog/pills-at-evil.example", data={"email": "other@mail.example"})
        work()
        for message in post_office.messages:
            assert "pills" not in message.as_string().lower()
            assert "A blog" in text_of(message)
        assert len(post_office.messages) == 2

    def test_reading_the_link_changes_nothing_the_button_does(
        self, bob: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        bob.comment(BOB, email=BOB.email, notify="on")
        work()
        link = link_in(only(post_office.messages), "confirm")
        scanner = visit().client
        assert "Yes, email me" in scanner.get(link).text
        assert states() == ["unconfirmed"]
        assert "You are subscribed." in scanner.post(link).text
        assert states() == ["active"]

    def test_the_page_lists_all_that_it_activates_and_lets_choose(self, bob: Visitor, post_office: MailServer) -> None:
        bob.comment(BOB, email=BOB.email, notify="on", follow="on")
        gone = bob.comment(BOB, body="Something else", email=BOB.email, notify="on")
        work()
        link = link_in(only(post_office.messages), "confirm")
        page = bob.client.get(link).text
        boxes = re.findall(r'name="chosen" value="(\d+)" checked', page)
        assert len(boxes) == 3
        assert "Every comment on" in page
        assert page.count("Replies to your comment") == 2
        bob.client.post(f"/comments/{gone}/removal")
        boxes = re.findall(r'name="chosen" value="(\d+)" checked', bob.client.get(link).text)
        assert len(boxes) == 2, "not what is about a comment that was deleted"
        done = bob.client.post(link, data={"listed": "1", "chosen": boxes[:1]}).text
        assert "You are subscribed" in done
        assert sorted(states()) == ["active", "stopped", "unconfirmed"]

    def test_choosing_nothing_subscribes_to_nothing(self, bob: Visitor, post_office: MailServer) -> None:
        bob.comment(BOB, email=BOB.email, notify="on", follow="on")
        work()
        link = link_in(only(post_office.messages), "confirm")
        assert "Nothing was selected" in bob.client.post(link, data={"listed": "1"}).text
        assert set(states()) == {"unconfirmed"}

    def test_unconfirmed_means_no_email(self, bob: Visitor, visit: Visit, post_office: MailServer) -> None:
        first = bob.comment(BOB, email=BOB.email, notify="on", follow="on")
        work()
        post_office.messages.clear()
        visit().comment(GRACE, parent_id=str(first))
        work()
        assert not post_office.messages

    @pytest.mark.parametrize("way", ["comment", "follow", "api", "other article"])
    def test_an_address_is_asked_once_a_day_whoever_asks(
        self, way: str, bob: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock, rules: Rules
    ) -> None:
        rules("blog", captcha="never")
        bob.comment(BOB, email=BOB.email, notify="on")
        mallory, typed = visit(), BOB.email.upper()
        for _ in range(3):
            time.pass_(hours=5)
            if way == "comment":
                mallory.comment(MALLORY, body=str(time()), email=typed, notify="on")
            elif way == "api":
                comment = {"author": "M", "body": str(time()), "email": typed, "notify": True, "follow": True}
                assert mallory.client.post("/api/v1/threads/blog/x/comments", json=comment).status_code == 201
            else:
                mallory.client.post(FOLLOW if way == "follow" else f"/follow/blog/{time()}", data={"email": typed})
        work()
        assert len(post_office.messages) == 1

    def test_who_never_says_yes_is_left_in_peace_after_three(
        self, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        mallory = visit()
        for day in range(20):
            mallory.client.post(f"/follow/blog/{day}", data={"email": "victim@mail.example"})
            work()
            time.pass_(hours=25)
        assert len(post_office.messages) == 3

    def test_and_for_ever_after_one_click(
        self, bob: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        visit().client.post(FOLLOW, data={"email": "victim@mail.example"})
        work()
        victim = visit().client
        link = stop_link(only(post_office.messages))
        answer = victim.post(link, data={"List-Unsubscribe": "One-Click"})
        assert "We will never email this address again." in answer.text
        time.pass_(days=40)
        visit().client.post(FOLLOW, data={"email": "victim@mail.example"})
        bob.comment(MALLORY, email="victim@mail.example", notify="on")
        work()
        assert len(post_office.messages) == 1

    def test_also_for_who_stopped_what_they_had(
        self, following: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        visit().comment(GRACE)
        work()
        visit().client.post(manage_page(post_office.messages.pop()), data={"change": "stop-all"})
        for _ in range(3):
            time.pass_(hours=25)
            visit().client.post(FOLLOW, data={"email": BOB.email})
            work()
            if post_office.messages:
                visit().client.post(stop_link(only(post_office.messages)))
        assert len(post_office.messages) == 1

    def test_who_hears_of_things_is_not_silenced_by_an_email_that_asks(
        self, following: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        time.pass_(hours=25)
        visit().client.post("/follow/blog/rude.html", data={"email": BOB.email})
        work()
        visit().client.post(stop_link(only(post_office.messages)))
        assert states() == ["active", "stopped"]

    def test_who_confirmed_once_is_not_asked_again(
        self, bob: Visitor, subscribed: int, post_office: MailServer
    ) -> None:
        bob.comment(BOB, email=BOB.email, notify="on", follow="on", body="Another one")
        work()
        assert not post_office.messages
        assert set(states()) == {"active"}

    def test_another_browser_does_not_know_the_address(
        self, subscribed: int, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        time.pass_(hours=25)
        visit().comment(MALLORY, email=BOB.email, follow="on")
        work()
        assert "/confirm/" in text_of(only(post_office.messages))
        assert states() == ["active", "unconfirmed"]

    def test_one_yes_is_one_for_all_that_this_browser_asked_for(
        self, bob: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        bob.comment(BOB, email=BOB.email, notify="on")
        bob.client.post("/follow/blog/another.html", data={"email": BOB.email})
        visit().client.post("/follow/blog/third.html", data={"email": BOB.email})
        work()
        bob.client.post(link_in(only(post_office.messages), "confirm"))
        assert states() == ["active", "active", "unconfirmed"]

    def test_one_confirmation_does_not_confirm_others(
        self, bob: Visitor, visit: Visit, post_office: MailServer, rules: Rules
    ) -> None:
        """Mallory asks for the same and more with Bob's address, before he says yes to his own email."""
        bob.client.post(FOLLOW, data={"email": BOB.email})
        work()
        mallory = visit()
        mallory.comment(MALLORY, email=BOB.email, follow="on", author="Bob is a fool")
        mallory.client.post("/follow/blog/rude.html", data={"email": BOB.email})
        visit().client.post(link_in(only(post_office.messages), "confirm"))
        assert states() == ["active", "unconfirmed"]
        mallory.client.post("/follow/blog/ruder.html", data={"email": BOB.email})
        assert states() == ["active", "unconfirmed", "unconfirmed"]
        assert db.session.scalars(select(Subscription.name)).all() == ["", "", ""]

    def test_a_yes_to_an_older_email_is_not_a_yes_to_who_asked_since(
        self, bob: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        bob.client.post(FOLLOW, data={"email": BOB.email})
        work()
        first = link_in(only(post_office.messages), "confirm")
        time.pass_(hours=25)
        mallory = visit()
        mallory.client.post(FOLLOW, data={"email": BOB.email})
        mallory.client.post("/follow/blog/rude.html", data={"email": BOB.email})
        visit().client.post(first)
        assert states() == ["active", "unconfirmed"]
        mallory.client.post("/follow/blog/ruder.html", data={"email": BOB.email})
        assert states() == ["active", "unconfirmed", "unconfirmed"]

    def test_many_at_once_are_one(self, app: Flask, visit: Visit) -> None:
        """Six requests for the same, through as many threads."""
        clients = [visit().client for _ in range(6)]
        answers: list[int] = []

        def ask(client: FlaskClient) -> None:
            answers.append(client.post(FOLLOW, data={"email": BOB.email}).status_code)

        threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [200] * 6
        assert states() == ["unconfirmed"]
        assert len(messages()) == 1

    def test_a_link_ends_after_two_weeks(self, bob: Visitor, post_office: MailServer, time: FrozenClock) -> None:
        bob.comment(BOB, email=BOB.email, notify="on")
        work()
        link = link_in(only(post_office.messages), "confirm")
        time.pass_(days=15)
        assert bob.client.post(link).status_code == 410
        assert states() == ["unconfirmed"]

    def test_links_hold_no_address_and_fit_no_other_page(
        self, following: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        visit().comment(GRACE)
        work()
        message = only(post_office.messages)
        stop, manage = stop_link(message), manage_page(message)
        for link in (stop, manage):
            assert b"bob" not in _decoded(link)
        client = visit().client
        assert client.get(stop.replace("/unsubscribe/", "/subscriptions/")).status_code == 403
        assert client.get(stop.replace("/unsubscribe/", "/confirm/")).status_code == 403
        assert client.get(manage.replace("/subscriptions/", "/unsubscribe/")).status_code == 403
        assert client.get(stop[:-1]).status_code == 403


def _decoded(link: str) -> bytes:
    import base64

    payload = link.rpartition("/")[2].split(".")[0]
    return base64.urlsafe_b64decode(payload + "==").lower()


class TestFollowing:
    """Hear of every comment, without writing one."""

    def test_the_thread_leads_there(self, client: FlaskClient) -> None:
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert f'href="https://comments.example/follow/blog/{ARTICLE}?lang=en"' in page
        assert "Get every new comment by email" in client.get(FOLLOW).text

    def test_it_needs_no_comment_before(self, following: Visitor, visit: Visit, post_office: MailServer) -> None:
        visit().comment(GRACE, title="The phone")
        visit().comment(MALLORY, key="other.html")
        work()
        message = only(post_office.messages)
        assert message["Subject"] == "Grace commented on “The phone”"
        assert "You follow this conversation." in text_of(message)

    def test_the_answer_tells_nobody_who_is_known(self, following: Visitor, visit: Visit, time: FrozenClock) -> None:
        time.pass_(days=2)
        stranger = visit()
        answers = {
            email: stranger.client.post(FOLLOW, data={"email": email})
            for email in (BOB.email, "nobody@mail.example", "third@mail.example")
        }
        assert len({answer.text for answer in answers.values()}) == 1
        assert {answer.status_code for answer in answers.values()} == {200}

    @pytest.mark.parametrize("typed", ["", "no address", "a@x.example, b@x.example", "a@x.example\nBcc: b@x.example"])
    def test_what_is_no_address_comes_back(self, typed: str, client: FlaskClient) -> None:
        answer = client.post(FOLLOW, data={"email": typed})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert not messages()

    def test_robots_fill_in_what_people_do_not_see(self, client: FlaskClient) -> None:
        answer = client.post(FOLLOW, data={"email": BOB.email, "leave_empty": "x"})
        assert answer.status_code == 403
        assert BOB.email in answer.text
        assert not messages()

    def test_one_address_asks_for_so_many_only(self, client: FlaskClient) -> None:
        answers = [client.post(FOLLOW, data={"email": f"r{n}@mail.example"}).status_code for n in range(12)]
        assert answers == [200] * 10 + [429] * 2

    def test_strangers_pages_cannot_ask(self, client: FlaskClient) -> None:
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post(FOLLOW, data={"email": BOB.email}, headers=headers).status_code == 403
        assert not messages()

    def test_who_is_banned_cannot_either(self, client: FlaskClient, ada: Visitor) -> None:
        ada.admin_post("/admin/bans", form_at="/admin/bans", kind="email", value=BOB.email)
        answer = client.post(FOLLOW, data={"email": BOB.email})
        assert answer.status_code == 403
        assert not messages()

    def test_a_comment_may_ask_for_everything_too(
        self, bob: Visitor, visit: Visit, post_office: MailServer, client: FlaskClient
    ) -> None:
        assert 'name="follow"' in client.get(f"/t/blog/{ARTICLE}").text
        bob.comment(BOB, email=BOB.email, follow="on")
        work()
        bob.client.post(link_in(only(post_office.messages), "confirm"))
        visit().comment(GRACE)
        work()
        assert post_office.messages[-1]["Subject"].startswith("Grace commented on")

    def test_it_needs_an_address(self, bob: Visitor) -> None:
        answer = bob.post(BOB, follow="on")
        assert answer.status_code == 422
        assert "To be notified of replies" in answer.text


class TestStopping:
    """One click, and it is over."""

    def test_one_click_stops_it(self, subscribed: int, visit: Visit, post_office: MailServer) -> None:
        grace = visit()
        grace.comment(GRACE, parent_id=str(subscribed))
        work()
        link = stop_link(only(post_office.messages))
        mail_program = visit().client
        assert "Unsubscribe from these" in mail_program.get(link).text
        assert states() == ["active"]
        answer = mail_program.post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        grace.comment(GRACE, body="And another", parent_id=str(subscribed))
        work()
        assert len(post_office.messages) == 1

    def test_as_programs_of_both_kinds_send_it(self, subscribed: int, visit: Visit, post_office: MailServer) -> None:
        """RFC 8058, 3.2: multipart or urlencoded, without cookies, never redirected."""
        visit().comment(GRACE, parent_id=str(subscribed))
        work()
        link = stop_link(only(post_office.messages))
        for kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
            headers = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
            data = {"List-Unsubscribe": "One-Click"}
            answer = visit().client.post(link, data=data, content_type=kind, headers=headers)
            assert answer.status_code == 200
        assert states() == ["stopped"]

    def test_what_waits_is_not_sent_any_more(self, subscribed: int, visit: Visit, post_office: MailServer) -> None:
        grace = visit()
        grace.comment(GRACE, parent_id=str(subscribed))
        work()
        grace.comment(GRACE, body="second", parent_id=str(subscribed))
        visit().client.post(stop_link(only(post_office.messages)))
        work()
        assert len(post_office.messages) == 1
        assert messages()[-1].state == "cancelled"


class TestManaging:
    """One page for everything that somebody hears of."""

    @pytest.fixture
    def page(self, following: Visitor, visit: Visit, post_office: MailServer) -> str:
        """The address of Bob's page, from an email."""
        visit().comment(GRACE, title="The phone")
        work()
        return manage_page(post_office.messages.pop())

    def act(self, visitor: Visitor, page: str, act: str, **fields: str) -> str:
        answer = visitor.client.post(page, data={"change": act, **fields})
        assert answer.status_code == 200
        return answer.text

    def number(self) -> str:
        db.session.rollback()
        return str(db.session.scalars(select(Subscription.id).order_by(Subscription.id)).first())

    def test_it_lists_everything(self, page: str, following: Visitor, visit: Visit) -> None:
        following.comment(BOB, email=BOB.email, notify="on")
        shown = visit().client.get(page)
        assert "Every comment on “The phone”" in shown.text
        assert "Replies to your comment on “The phone”" in shown.text
        assert BOB.email not in shown.text
        assert shown.headers["Cache-Control"] == "no-store"
        assert "noindex" in shown.text

    def test_pause_and_go_on(self, page: str, visit: Visit, post_office: MailServer) -> None:
        assert "paused" in self.act(visit(), page, "pause", subscription=self.number())
        visit().comment(GRACE, body="unheard")
        work()
        self.act(visit(), page, "resume", subscription=self.number())
        visit().comment(GRACE, body="heard")
        work()
        assert "heard" in text_of(only(post_office.messages))

    def test_stop_one_and_all(self, page: str, following: Visitor, visit: Visit) -> None:
        following.comment(BOB, email=BOB.email, notify="on")
        self.act(visit(), page, "stop", subscription=self.number())
        assert states() == ["stopped", "active"]
        assert "You are unsubscribed" in self.act(visit(), page, "stop-all")
        assert states() == ["stopped", "stopped"]

    def test_language_and_pace(self, page: str, visit: Visit, post_office: MailServer, time: FrozenClock) -> None:
        text = self.act(visit(), page, "settings", language="de", frequency="hourly")
        assert '<html lang="de"' in text
        visit().comment(GRACE, body="one")
        visit().comment(MALLORY, body="two", key="elsewhere.html")
        work()
        assert not post_office.messages
        time.pass_(hours=1)
        work()
        assert "one" in text_of(only(post_office.messages))

    @pytest.mark.parametrize(
        "fields",
        [
            {"change": "settings", "language": "xx", "frequency": "hourly"},
            {"change": "settings", "language": "de", "frequency": "never"},
            {"change": "explode", "subscription": "1"},
            {"change": "pause", "subscription": "999999"},
            {"change": "pause", "subscription": "x"},
            {},
        ],
    )
    def test_nonsense_changes_nothing(self, fields: dict[str, str], page: str, visit: Visit) -> None:
        assert visit().client.post(page, data=fields).status_code == 400
        assert states() == ["active"]

    def test_nobody_changes_what_is_anothers(self, page: str, visit: Visit) -> None:
        db.begin_write()
        victim = Recipient.get_or_create("victim@mail.example", "en")
        bobs = db.session.scalars(select(Subscription)).one()
        theirs = Subscription(recipient_id=victim.id, topic="thread", site_id=bobs.site_id, key="x", state="active")
        db.session.add(theirs)
        db.session.commit()
        for act in ("stop", "pause", "confirm"):
            data = {"change": act, "subscription": str(theirs.id)}
            assert visit().client.post(page, data=data).status_code == 400
        assert states() == ["active", "active"]

    def test_what_waits_for_a_yes_gets_it_there(
        self, page: str, visit: Visit, time: FrozenClock, post_office: MailServer
    ) -> None:
        """Where another browser asked, and the day's email had gone already."""
        visit().client.post("/follow/blog/second.html", data={"email": BOB.email})
        number = str(db.session.scalars(select(Subscription.id).order_by(Subscription.id.desc())).first())
        assert "not confirmed" in visit().client.get(page).text
        self.act(visit(), page, "confirm", subscription=number)
        assert states() == ["active", "active"]

    def test_never_again_and_again_after_all(
        self, page: str, following: Visitor, visit: Visit, post_office: MailServer
    ) -> None:
        self.act(visit(), page, "refuse")
        following.client.post(FOLLOW, data={"email": BOB.email})
        visit().comment(GRACE, body="unheard")
        work()
        assert not post_office.messages
        self.act(visit(), page, "reopen")
        self.act(visit(), page, "resume", subscription=self.number())
        visit().comment(GRACE, body="heard")
        work()
        assert "heard" in text_of(only(post_office.messages))

    def test_looking_at_it_changes_nothing(self, page: str, visit: Visit) -> None:
        for query in ("?change=stop-all", "?change=pause&subscription=1", ""):
            assert visit().client.get(page + query).status_code == 200
        assert states() == ["active"]


class TestDigests:
    """Everything in one email, once an hour or once a day."""

    @pytest.mark.parametrize(
        ("frequency", "hours", "too_early"), [("hourly", 1, 0.9), ("daily", 18, 17.9)], ids=["hourly", "daily"]
    )
    def test_all_news_in_one_email(
        self,
        frequency: str,
        hours: float,
        too_early: float,
        following: Visitor,
        visit: Visit,
        post_office: MailServer,
        time: FrozenClock,
    ) -> None:
        db.begin_write()
        db.session.scalars(select(Recipient)).one().frequency = frequency
        db.session.commit()
        started = time()
        for person, body in ((GRACE, "one"), (MALLORY, "two"), (GRACE, "three")):
            visit().comment(person, body=body, title="The phone")
        time.time = started + timedelta(hours=too_early)
        work()
        assert not post_office.messages
        time.time = started + timedelta(hours=hours)
        work()
        message = only(post_office.messages)
        assert message["Subject"] == "3 new comments on A blog"
        text = text_of(message)
        assert text.count("The phone") == 1
        assert [text.index(said) for said in ("one", "two", "three")] == sorted(
            text.index(said) for said in ("one", "two", "three")
        )
        assert re.search(r"^<[^>]+>$", message["List-Unsubscribe"])

    def test_many_that_are_approved_at_once_say_why_they_come(
        self,
        following: Visitor,
        visit: Visit,
        ada: Visitor,
        rules: Rules,
        post_office: MailServer,
        time: FrozenClock,
    ) -> None:
        """Who wants each at once did not ask for a digest."""
        rules("blog", moderation="all")
        held = [visit().comment(GRACE, body=f"number {number}") for number in range(5)]
        for comment_id in held:
            ada.admin_post(f"/admin/comments/{comment_id}/approval")
        time.pass_(minutes=1)
        work()
        told = [text_of(one) for one in post_office.messages if one["To"] == BOB.email]
        together = [text for text in told if "number 4" in text]
        assert "You follow this conversation." in only(together)
        assert "asked for a digest" not in " ".join(told)

    def test_who_chooses_at_once_has_it_at_once(
        self, following: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        db.begin_write()
        person = db.session.scalars(select(Recipient)).one()
        person.frequency = "daily"
        page = subscriptions.manage_url(person).removeprefix("https://comments.example")
        db.session.commit()
        visit().comment(GRACE, body="one")
        visit().client.post(page, data={"change": "settings", "language": "en", "frequency": "at-once"})
        work()
        assert "one" in text_of(only(post_office.messages))

    def test_what_was_taken_away_is_left_out(
        self, following: Visitor, visit: Visit, ada: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        db.begin_write()
        db.session.scalars(select(Recipient)).one().frequency = "hourly"
        db.session.commit()
        visit().comment(GRACE, body="stays")
        ada.decide(visit().comment(MALLORY, body="goes"), "spam")
        time.pass_(hours=1)
        work()
        message = only(post_office.messages)
        assert message["Subject"] == "1 new comment on A blog"
        assert "goes" not in text_of(message)

    def test_one_click_ends_all_that_it_came_from(
        self, following: Visitor, visit: Visit, post_office: MailServer, time: FrozenClock
    ) -> None:
        following.client.post("/follow/blog/second.html", data={"email": BOB.email})
        following.client.post("/follow/blog/third.html", data={"email": BOB.email})
        db.begin_write()
        db.session.scalars(select(Recipient)).one().frequency = "hourly"
        db.session.commit()
        visit().comment(GRACE, body="one")
        visit().comment(GRACE, body="two", key="second.html")
        time.pass_(hours=1)
        work()
        message = only(post_office.messages)
        assert message["Subject"] == "2 new comments on A blog"
        stranger = visit().client
        assert "Unsubscribe from these" in stranger.get(stop_link(message)).text
        assert states() == ["active", "active", "active"]
        stranger.post(stop_link(message), data={"List-Unsubscribe": "One-Click"})
        assert states() == ["stopped", "stopped", "active"]

    def test_a_digest_that_gathers_is_no_sign_of_trouble(
        self, following: Visitor, visit: Visit, client: FlaskClient, time: FrozenClock
    ) -> None:
        db.begin_write()
        db.session.scalars(select(Recipient)).one().frequency = "daily"
        db.session.commit()
        visit().comment(GRACE, body="one")
        time.pass_(hours=15)
        assert outbox.oldest_waiting() is None
        assert client.get("/health").status_code == 200


class TestModerators:
    """What those hear who decide."""

    def test_every_comment_if_they_like(
        self, ada: Visitor, visit: Visit, post_office: MailServer, site: object
    ) -> None:
        page = "/admin/account"
        assert f'value="site-{_blogs_id()}"' in ada.client.get(page).text
        answer = ada.admin_post(f"{page}/emails", form_at=page, frequency="at-once", hears=f"site-{_blogs_id()}")
        assert answer.status_code == 303
        visit().comment(GRACE)
        work()
        message = only(post_office.messages)
        assert message["To"] == ADA.email
        assert "You are following all comments on A blog." in text_of(message)

    def test_their_notifications_go_to_their_new_address(
        self, ada: Visitor, visit: Visit, post_office: MailServer, rules: Rules
    ) -> None:
        """As they were chosen; the old one gets nothing more."""
        rules("blog", moderation="all")
        page, hears = "/admin/account", f"site-{_blogs_id()}"
        ada.admin_post(f"{page}/emails", form_at=page, frequency="at-once", hears=hears)  # and nothing that is held
        ada.admin_post("/admin/confirmation", form_at="/admin/confirmation", password=ADAS_PASSWORD)
        move_to_new_address(ada)
        held = visit().comment(GRACE)
        work()
        assert {message["Subject"] for message in post_office.messages} == {CHANGED}
        post_office.messages.clear()
        ada.decide(held, "approval")
        rules("blog", moderation="none")
        visit().comment(GRACE, body="another")
        work()
        assert {message["To"] for message in post_office.messages} == {"ada@new.example"}

    def test_and_so_does_what_is_due_at_the_old_one(
        self, ada: Visitor, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        visit().comment(GRACE)
        work(time)
        visit().comment(GRACE, body="another")  # whose email waits, as one went out just now
        ada.admin_post("/admin/confirmation", form_at="/admin/confirmation", password=ADAS_PASSWORD)
        move_to_new_address(ada)
        time.pass_(hours=1)
        work(time)
        waiting = [message for message in post_office.messages if message["Subject"] != CHANGED]
        assert [message["To"] for message in waiting] == [ADA.email, "ada@new.example"]

    def test_both_addresses_are_told_of_the_change(
        self, ada: Visitor, post_office: MailServer, time: FrozenClock
    ) -> None:
        ada.admin_post("/admin/confirmation", form_at="/admin/confirmation", password=ADAS_PASSWORD)
        move_to_new_address(ada)
        work(time)
        texts = {message["To"]: text_of(message) for message in post_office.messages if message["Subject"] == CHANGED}
        assert "your account at comments.example is now ada@new.example" in texts[ADA.email]
        assert "You sign in to comments.example with this address now" in texts["ada@new.example"]
        assert "Changed their own email address." in ada.client.get("/admin/log").text

    def test_emails_are_in_the_language_of_their_account(
        self, ada: Visitor, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        visit().comment(GRACE)
        work(time)
        page = "/admin/account"
        assert ada.admin_post(page, form_at=page, name="Ada", language="de").status_code == 303
        time.pass_(hours=1)
        visit().comment(GRACE, body="another")
        work(time)
        pages = [message.get_body(("html",)).get_content() for message in post_office.messages]
        assert ['lang="de"' in page for page in pages] == [False, True]

    def test_somebody_hears_of_it_where_the_owner_does_not(
        self, ada: Visitor, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all", email="owner@blog.example")
        visit().comment(GRACE)
        work(time)
        visit().client.post(stop_link(only(post_office.messages)))
        time.pass_(hours=1)
        visit().comment(GRACE, body="another")
        work(time)
        assert post_office.messages[-1]["To"] == ADA.email

    def test_who_moderates_no_longer_hears_no_more(self, ada: Visitor, visit: Visit, post_office: MailServer) -> None:
        at = "/admin/subscriptions"
        ada.admin_post(f"{at}/own", form_at=at, frequency="at-once", hears=f"site-{_blogs_id()}")
        db.begin_write()
        db.session.delete(Moderator.with_email(ADA.email))
        db.session.commit()
        visit().comment(GRACE)
        work()
        assert not post_office.messages

    def test_each_blog_has_its_email(
        self, ada: Visitor, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        visit().comment(GRACE)
        visit().comment(GRACE, site="other")
        work(time)
        assert sorted(message["From"].addresses[0].display_name for message in post_office.messages) == [
            "A blog",
            "Another",
        ]

    def test_what_waits_unless_they_say_no(
        self, ada: Visitor, visit: Visit, post_office: MailServer, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        visit().comment(GRACE)
        work(time)
        stranger = visit().client
        assert "Comments awaiting approval on A blog" in stranger.get(stop_link(only(post_office.messages))).text
        stranger.post(stop_link(only(post_office.messages)))
        time.pass_(hours=1)
        visit().comment(GRACE, body="another")
        work(time)
        assert len(post_office.messages) == 1


def _blogs_id() -> int:
    from commentsvc.models import Site

    return Site.named("blog").id


def test_a_thread_that_nobody_wrote_in_has_a_place_on_the_page(client: FlaskClient, post_office: MailServer) -> None:
    client.post("/follow/blog/new/post.html", data={"email": BOB.email})
    db.session.rollback()
    recipient = db.session.scalars(select(Recipient)).one()
    page = subscriptions.manage_url(recipient)
    shown = client.get(page.removeprefix("https://comments.example")).text
    assert "Every comment on “new/post.html”" in shown
    assert ARTICLE_URL not in shown


def test_old_manage_links_end(client: FlaskClient, bob: Visitor, post_office: MailServer, time: FrozenClock) -> None:
    bob.client.post(FOLLOW, data={"email": BOB.email})
    recipient = db.session.scalars(select(Recipient)).one()
    token = tokens.sign(subscriptions.MANAGE, recipient.id)
    assert client.get(f"/subscriptions/{token}").status_code == 200
    time.pass_(days=366)
    assert client.get(f"/subscriptions/{token}").status_code == 410


def test_confirmations_are_counted_in_the_database(bob: Visitor, post_office: MailServer) -> None:
    """No restart and no second process makes another one possible."""
    from commentsvc import throttle

    bob.client.post(FOLLOW, data={"email": BOB.email})
    throttle.forget()
    bob.client.post("/follow/blog/other.html", data={"email": BOB.email})
    assert db.session.scalars(select(Email.kind)).all() == ["confirm"]
