"""Notify programs and devices: webhooks, signed as Standard Webhooks specifies, and push through Apprise."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from commentsvc import clock, configuration, i18n, links, safe_http
from commentsvc import push as push_services
from commentsvc.db import db
from commentsvc.errors import N_, SENDING_INTERRUPTED, NotUnderstood, PermanentFailure, Refusal, reason_to_store
from commentsvc.markup import plain_text
from commentsvc.models.channel import Channel, ChannelKind
from commentsvc.models.comment import Comment, State
from commentsvc.models.delivery import Delivery, DeliveryState
from commentsvc.models.site import Site

HELD, APPROVED, SPAM, TRASHED = "comment.held", "comment.approved", "comment.spam", "comment.trashed"
EVENTS = {State.PENDING: HELD, State.APPROVED: APPROVED, State.SPAM: SPAM, State.TRASHED: TRASHED}
TEST = "test"
LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(seconds=30)  # then two minutes, eight, half an hour, two hours, eight, a day and a half
MAX_TRIES = 8
GATHER = timedelta(seconds=30)  # comments within this time are one push
SECRET = 32  # bytes
KEEP_FORMER = timedelta(days=1)
PREFIX = "whsec_"
GONE = 410
MAX_URL_LENGTH = 2000  # characters
EXCERPT = 200


class NoSuchChannel(Refusal):
    """A URL that nothing can be delivered to."""

    status = 422
    sentence = N_("This address cannot be used: %(why)s")


@dataclass(frozen=True)
class ClaimedDelivery:
    """A claimed delivery: what is needed to make it."""

    delivery_id: int
    kind: ChannelKind
    url: str
    message_id: str
    body: bytes
    secrets: tuple[str, ...]
    title: str
    text: str


def open_channel(kind: ChannelKind, url: str, site: Site | None) -> Channel:
    """Create a channel; a webhook gets a secret to sign with. Raises ``NoSuchChannel``."""
    _check(kind, url)
    channel = Channel(kind=kind, url=url, site_id=site.id if site else None)
    if kind == ChannelKind.WEBHOOK:
        channel.secret = _new_secret()
    db.session.add(channel)
    db.session.flush()
    return channel


def _check(kind: ChannelKind, url: str) -> None:
    if len(url) > MAX_URL_LENGTH or not url.isprintable():
        raise NoSuchChannel(why=f"{len(url)} > {MAX_URL_LENGTH}")
    if kind == ChannelKind.WEBHOOK:
        if links.origin_of(url) is None:
            raise NoSuchChannel(why="https://…")
        return
    try:
        push_services.check(url)
    except push_services.PushUnavailable as error:
        raise NoSuchChannel(why=i18n.gettext(error.sentence, **error.values)) from None


def rotate(channel: Channel) -> None:
    """Sign with a new secret, and for one day with the old one as well."""
    if channel.kind != ChannelKind.WEBHOOK:
        raise NotUnderstood
    channel.former_secret, channel.former_until = channel.secret, clock.now() + KEEP_FORMER
    channel.secret = _new_secret()


def shown_secret(channel: Channel) -> str:
    """The secret in the form that receivers' libraries expect."""
    return PREFIX + channel.secret if channel.secret else ""


def enqueue(comment: Comment) -> None:
    """Enqueue a webhook event about a comment's new state."""
    event = EVENTS[comment.state]
    for channel in configuration.current().channels(comment.thread.site_id, ChannelKind.WEBHOOK):
        _write(channel, event, _payload(event, _public(comment)))


def push(comment: Comment) -> None:
    """Enqueue a push about a pending comment."""
    for channel in configuration.current().channels(comment.thread.site_id, ChannelKind.PUSH):
        _push_later(channel, comment)


def test(channel: Channel) -> Delivery:
    """Enqueue a harmless test message."""
    return _write(channel, TEST, _payload(TEST, {"message": "It works."}) | {"count": 0})


def _push_later(channel: Channel, comment: Comment) -> None:
    """Enqueue one push for everything that arrives within half a minute."""
    waits = (
        select(Delivery)
        .where(Delivery.channel_id == channel.id, Delivery.event == HELD, Delivery.state == DeliveryState.QUEUED)
        .where(Delivery.tries == 0, Delivery.leased_until.is_(None))
        .limit(1)
        .with_for_update(of=Delivery)
    )
    if (delivery := db.session.scalar(waits)) is not None:
        delivery.payload = delivery.payload | {"count": delivery.payload["count"] + 1}
        return
    made = _write(channel, HELD, _payload(HELD, _public(comment)) | {"count": 1})
    made.due_at = clock.now() + GATHER


def _write(channel: Channel, event: str, payload: Mapping[str, Any]) -> Delivery:
    message_id = f"msg_{secrets.token_hex(12)}"
    delivery = Delivery(channel_id=channel.id, message_id=message_id, event=event, payload=dict(payload))
    delivery.channel = channel
    db.session.add(delivery)
    return delivery


def _payload(event: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": event, "timestamp": clock.now().isoformat(timespec="seconds"), "data": dict(data)}


def _public(comment: Comment) -> dict[str, Any]:
    """The public fields of a comment; never an email address."""
    thread = comment.thread
    return {
        "id": comment.id,
        "site": thread.site.key,
        "thread": {"key": thread.key, "url": thread.url, "title": thread.title},
        "kind": comment.kind,
        "response": comment.response,
        "state": comment.state,
        "parent_id": comment.parent_id,
        "author": comment.author,
        "website": comment.website,
        "title": comment.title,
        "body": comment.body,
        "body_html": comment.body_html,
        "created_at": comment.created_at.isoformat(timespec="seconds"),
        "url": links.comment(thread.site.key, thread.key, comment.id),
        "admin_url": links.absolute(f"/admin/queue?state={comment.state}#comment-{comment.id}"),
        "reasons": _reasons(comment),
    }


def _reasons(comment: Comment) -> list[str]:
    """The reasons in English, since programs do not read in a moderator's language."""
    with i18n.using_language(i18n.SOURCE):
        return [i18n.reason(reason) for reason in comment.reasons]


def claim() -> ClaimedDelivery | None:
    """Lease the delivery that is due next."""
    for delivery in Delivery.claim(1, LEASE):
        channel, payload = delivery.channel, dict(delivery.payload)
        count = payload.pop("count", 1)
        title, text = _in_words(channel, payload["data"], count)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        secrets_ = tuple(channel.secrets)
        message = ClaimedDelivery(
            delivery.id, channel.kind, channel.url, delivery.message_id, body, secrets_, title, text
        )
        if delivery.tries < MAX_TRIES:
            return message
        retry(message, SENDING_INTERRUPTED)
    return None


def _in_words(channel: Channel, data: Mapping[str, Any], count: int) -> tuple[str, str]:
    """Return title and text of a push, in the blog's language."""
    site = db.session.scalar(select(Site).where(Site.key == data.get("site", ""))) or channel.site
    with i18n.using_language(site.language if site else i18n.SOURCE):
        if "id" not in data:
            return "commentsvc", i18n.gettext("It works.")
        one, many = (
            "%(count)s comment needs approval on %(site)s",
            "%(count)s comments need approval on %(site)s",
        )
        title = i18n.ngettext(one, many, count)
        excerpt = plain_text.crop(plain_text.fold(data["body"]), EXCERPT)
        text = f"{data['author']}: {excerpt}\n{links.absolute('/admin/queue')}"
        return title % {"count": count, "site": site.name if site else ""}, text


def perform(message: ClaimedDelivery) -> str:
    """Deliver a message; return the receiver's answer.

    Raises:
        safe_http.FetchRefused, safe_http.FetchFailed: it was not delivered.
    """
    if message.kind == ChannelKind.PUSH:
        try:
            push_services.send(message.url, message.title, message.text)
        except push_services.PushUnavailable as error:
            raise safe_http.FetchRefused(error.sentence, **error.values) from error
        except push_services.PushFailed as error:
            raise safe_http.FetchFailed(error.sentence, **error.values) from error
        return N_("accepted")
    page = safe_http.post(message.url, message.body, "application/json", headers=signed(message, clock.now()))
    if page.status == GONE:
        raise safe_http.FetchRefused(str(GONE))
    if not page.is_success:
        raise safe_http.FetchFailed(f"{page.status} {plain_text.fold(page.body[:200].decode('utf-8', 'replace'))}")
    return str(page.status)


def signed(message: ClaimedDelivery, now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks: id, timestamp, and one signature per secret in force."""
    seconds = str(int(now.timestamp()))
    content = f"{message.message_id}.{seconds}.".encode() + message.body
    signatures = (hmac.new(base64.b64decode(secret), content, hashlib.sha256).digest() for secret in message.secrets)
    return {
        "Webhook-Id": message.message_id,
        "Webhook-Timestamp": seconds,
        "Webhook-Signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }


def complete(message: ClaimedDelivery, answer: str) -> None:
    """Mark the delivery as sent."""
    delivery = db.session.get_one(Delivery, message.delivery_id)
    delivery.state, delivery.answer, delivery.leased_until = DeliveryState.SENT, answer[:500], None
    delivery.tries += 1
    delivery.sent_at = clock.now()


def give_up(message: ClaimedDelivery, failure: PermanentFailure) -> None:
    """Mark the delivery as failed; close the channel if the receiver said it is gone."""
    answer = reason_to_store(failure)
    delivery = db.session.get_one(Delivery, message.delivery_id)
    delivery.state, delivery.answer, delivery.leased_until = DeliveryState.FAILED, answer, None
    delivery.tries += 1
    if answer == str(GONE):
        delivery.channel.ended_at = clock.now()


def retry(message: ClaimedDelivery, reason: str) -> None:
    """Try again later, for about two days."""
    delivery = db.session.get_one(Delivery, message.delivery_id)
    delivery.answer = reason
    if not delivery.postpone(FIRST_GAP, MAX_TRIES):
        delivery.state = DeliveryState.FAILED


def send_again(delivery: Delivery) -> None:
    """Enqueue another attempt, now."""
    delivery.requeue()
    delivery.channel.ended_at = None


def all_channels() -> list[Channel]:
    """Every channel, the oldest first."""
    return list(db.session.scalars(select(Channel).order_by(Channel.id)))


def latest(limit: int = 50) -> list[Delivery]:
    """The last deliveries, newest first."""
    return list(db.session.scalars(select(Delivery).order_by(Delivery.id.desc()).limit(limit)))


def _new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(SECRET)).decode()
