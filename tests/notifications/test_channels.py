"""Webhooks, checked with the Standard Webhooks' own library, and push through Apprise to a real HTTP server."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from commentsvc.db import db
from commentsvc.models import Channel, Delivery, Site
from commentsvc.models.channel import ChannelKind
from commentsvc.notifications import channels
from tests.cast import BOB, GRACE, MALLORY
from tests.jobs import run_job
from tests.servers import Web, web
from tests.time import FrozenClock
from tests.visitors import Visitor

Visit = Callable[[], Visitor]
Rules = Callable[..., None]
SetUp = Callable[..., None]


@pytest.fixture
def receiver(set_up: SetUp) -> Iterator[Web]:
    """The owner's own program; at a private address, which they have allowed."""
    with web() as server:
        set_up(fetch_allow=frozenset({server.address}))
        server.page("/hook", "thank you")
        yield server


@pytest.fixture
def really(monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers look at the time that it is."""
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _Frozen)


class _Frozen(datetime):
    @classmethod
    def now(cls, tz: object = None) -> datetime:
        from commentsvc import clock

        return clock.now()


@pytest.fixture
def hook(receiver: Web) -> str:
    """A webhook of every blog; its secret."""
    db.begin_write()
    made = channels.open_channel(ChannelKind.WEBHOOK, f"{receiver.url}/hook", None)
    db.session.commit()
    return channels.shown_secret(made)


def deliver() -> None:
    while run_job("deliver to channels"):
        pass


def deliveries() -> list[Delivery]:
    db.session.rollback()
    return list(db.session.scalars(select(Delivery).order_by(Delivery.id)))


def verified(receiver: Web, secret: str, number: int = -1) -> dict[str, object]:
    """What came, after the library has checked its signature."""
    path, kind, body = receiver.received[number]
    headers = {name.lower(): value for name, value in receiver.asked[number][1].items()}
    assert (path, kind) == ("/hook", "application/json")
    return dict(Webhook(secret).verify(body.encode(), headers))


class TestWebhooks:
    """A program hears of every decision."""

    def test_it_is_signed_and_says_what_happened(
        self, hook: str, receiver: Web, bob: Visitor, really: None, time: FrozenClock
    ) -> None:
        comment = bob.comment(BOB, email=BOB.email)
        deliver()
        said = verified(receiver, hook)
        assert said["type"] == "comment.approved"
        data = said["data"]
        assert isinstance(data, dict)
        assert data["id"] == comment
        assert data["site"] == "blog"
        assert data["body"] == BOB.says
        assert "email" not in data
        assert BOB.email not in receiver.received[0][2]

    def test_each_step_is_told(
        self, hook: str, receiver: Web, bob: Visitor, ada: Visitor, really: None, rules: Rules
    ) -> None:
        rules("blog", moderation="all")
        comment = bob.comment(BOB)
        for resource in ("approval", "hold", "spam", "trash"):
            ada.decide(comment, resource)
        deliver()
        told = [json.loads(body)["type"] for _, _, body in receiver.received]
        assert sorted(told) == ["comment.approved", "comment.held", "comment.held", "comment.spam", "comment.trashed"]

    def test_another_secret_does_not_fit(self, hook: str, receiver: Web, bob: Visitor, really: None) -> None:
        bob.comment(BOB)
        deliver()
        with pytest.raises(WebhookVerificationError):
            verified(receiver, "whsec_" + "QUFB" * 10)

    def test_after_a_rotation_both_fit_for_a_day(
        self, hook: str, receiver: Web, visit: Visit, really: None, time: FrozenClock
    ) -> None:
        db.begin_write()
        channel = db.session.scalars(select(Channel)).one()
        channels.rotate(channel)
        db.session.commit()
        new = channels.shown_secret(channel)
        visit().comment(BOB)
        deliver()
        assert verified(receiver, hook) == verified(receiver, new)
        time.pass_(hours=25)
        visit().comment(GRACE)
        deliver()
        verified(receiver, new)
        with pytest.raises(WebhookVerificationError):
            verified(receiver, hook)

    def test_a_receiver_that_is_down_gets_it_later_with_the_same_identity(
        self, hook: str, receiver: Web, bob: Visitor, time: FrozenClock
    ) -> None:
        receiver.page("/hook", "sorry", status=503)
        bob.comment(BOB)
        gaps = []
        for _ in range(3):
            deliver()
            gaps.append((deliveries()[0].due_at - time()).total_seconds())
            time.pass_(seconds=gaps[-1])
        assert gaps == sorted(gaps)
        assert gaps[0] == 30
        receiver.page("/hook", "thank you")
        deliver()
        (delivery,) = deliveries()
        assert (delivery.state, delivery.tries, delivery.answer) == ("sent", 4, "200")
        assert len({headers["Webhook-Id"] for _, headers in receiver.asked}) == 1

    def test_it_is_given_up_after_two_days(self, hook: str, receiver: Web, bob: Visitor, time: FrozenClock) -> None:
        receiver.page("/hook", "sorry", status=500)
        bob.comment(BOB)
        started = time()
        while deliveries()[0].state == "queued":
            deliver()
            time.pass_(hours=1)
        assert 1 < (time() - started).days < 3

    def test_who_is_gone_is_told_nothing_more(self, hook: str, receiver: Web, visit: Visit, ada: Visitor) -> None:
        receiver.page("/hook", "", status=410)
        visit().comment(BOB)
        deliver()
        visit().comment(GRACE)
        assert len(deliveries()) == 1
        assert "the receiver reports that it no longer exists" in ada.client.get("/admin/channels").text

    def test_only_of_its_blog(self, receiver: Web, bob: Visitor, visit: Visit, rules: Rules) -> None:
        db.begin_write()
        channels.open_channel(ChannelKind.WEBHOOK, f"{receiver.url}/hook", Site.named("other"))
        db.session.commit()
        bob.comment(BOB)
        assert not deliveries()
        visit().comment(GRACE, site="other")
        assert len(deliveries()) == 1

    def test_no_private_address_is_asked(self, app: Flask, bob: Visitor) -> None:
        with web() as inside:
            db.begin_write()
            channels.open_channel(ChannelKind.WEBHOOK, f"{inside.url}/hook", None)
            db.session.commit()
            bob.comment(BOB)
            deliver()
            assert not inside.asked
        assert "port" in deliveries()[0].answer

    def test_a_blog_that_is_gone_keeps_no_other_waiting(
        self, hook: str, receiver: Web, visit: Visit, rules: Rules
    ) -> None:
        visit().comment(GRACE, site="other")
        db.begin_write()
        db.session.delete(Site.named("other"))
        db.session.commit()
        visit().comment(BOB)
        deliver()
        assert [delivery.state for delivery in deliveries()] == ["sent", "sent"]

    def test_certain_spam_is_not_told(self, hook: str, bob: Visitor, rules: Rules) -> None:
        rules("blog", disallowed_words="casino")
        bob.comment(MALLORY, body="casino casino")
        assert not deliveries()


class TestPush:
    """Devices hear of what waits."""

    @pytest.fixture
    def devices(self, receiver: Web) -> Web:
        """A push service as Apprise's json:// speaks to it."""
        receiver.page("/push", "{}")
        db.begin_write()
        channels.open_channel(ChannelKind.PUSH, f"json://{receiver.address}/push", None)
        db.session.commit()
        return receiver

    def test_a_wave_is_one_push(self, devices: Web, visit: Visit, rules: Rules, time: FrozenClock) -> None:
        rules("blog", moderation="all")
        for number in range(3):
            visit().comment(MALLORY, body=f"number {number}")
        time.pass_(seconds=31)
        deliver()
        (said,) = [json.loads(body) for _, _, body in devices.received]
        assert said["title"] == "3 comments need approval on A blog"
        assert "Mallory: number 0" in said["message"]
        assert "https://comments.example/admin/queue" in said["message"]

    def test_what_is_shown_is_not_pushed(self, devices: Web, bob: Visitor) -> None:
        bob.comment(BOB)
        assert not deliveries()

    def test_a_service_that_is_down_gets_it_later(
        self, devices: Web, visit: Visit, rules: Rules, time: FrozenClock
    ) -> None:
        rules("blog", moderation="all")
        devices.page("/push", "", status=500)
        visit().comment(MALLORY)
        time.pass_(minutes=1)
        deliver()
        assert deliveries()[0].state == "queued"
        devices.page("/push", "{}")
        time.pass_(minutes=1)
        deliver()
        assert deliveries()[0].state == "sent"

    def test_a_service_that_drips_is_left_after_a_while(
        self, devices: Web, visit: Visit, rules: Rules, time: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("commentsvc.push.TIMEOUT", timedelta(seconds=3))
        rules("blog", moderation="all")
        goes_on = threading.Event()
        devices.pages["/push"] = lambda _request: goes_on.wait(30)
        visit().comment(MALLORY)
        time.pass_(minutes=1)
        deliver()
        goes_on.set()
        assert deliveries()[0].answer == "the service did not answer in time"


class TestAdminPages:
    """Channels are opened, tried, rotated and closed there."""

    AT = "/admin/channels"

    def test_open_try_rotate_close(self, ada: Visitor, receiver: Web, really: None) -> None:
        assert ada.admin_post(self.AT, form_at=self.AT, kind="webhook", url=f"{receiver.url}/hook").status_code == 303
        channel = db.session.scalars(select(Channel)).one()
        first = channels.shown_secret(channel)
        assert first in ada.client.get(self.AT).text
        ada.admin_post(f"{self.AT}/{channel.id}/tests", form_at=self.AT)
        deliver()
        assert verified(receiver, first)["type"] == "test"
        ada.admin_post(f"{self.AT}/{channel.id}/rotation", form_at=self.AT)
        page = ada.client.get(self.AT).text
        assert first not in page
        assert "the old secret stays valid until" in page
        ada.admin_post(f"{self.AT}/deliveries/{deliveries()[0].id}/attempts", form_at=self.AT)
        deliver()
        assert len(receiver.received) == 2
        ada.admin_post(f"{self.AT}/{channel.id}/removal", form_at=self.AT)
        assert not db.session.scalars(select(Channel)).all()

    @pytest.mark.parametrize(
        ("kind", "url"),
        [
            ("webhook", "https://x.example/\0"),
            ("webhook", "https://x.example/" + "x" * 2000),
            ("webhook", "ftp://x.example"),
            ("webhook", "javascript:alert(1)"),
            ("webhook", ""),
            ("push", "https//x"),
            ("push", ""),
        ],
        ids=range(7),
    )
    def test_what_is_no_address_comes_back(self, kind: str, url: str, ada: Visitor) -> None:
        answer = ada.admin_post(self.AT, form_at=self.AT, kind=kind, url=url)
        assert answer.status_code == 422
        assert "This address cannot be used" in answer.text
        assert not db.session.scalars(select(Channel)).all()

    def test_an_unknown_service_is_explained_in_the_moderators_language(self, ada: Visitor) -> None:
        answer = ada.admin_post(f"{self.AT}?lang=de", form_at=self.AT, kind="push", url="foo")
        assert "Apprise kennt keinen solchen Dienst" in answer.text

    def test_without_apprise_it_says_what_to_install(self, ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        import sys

        from commentsvc import push

        push._apprise.cache_clear()
        monkeypatch.setitem(sys.modules, "apprise", None)
        answer = ada.admin_post(self.AT, form_at=self.AT, kind="push", url="ntfy://x")
        push._apprise.cache_clear()
        assert answer.status_code == 422
        assert "pip install" in answer.text
