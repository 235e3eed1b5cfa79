"""W3C Webmention: what a sender posts, and what it is told of how far it got."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from commentsvc import links, tokens
from commentsvc.db import db
from commentsvc.errors import N_, NotFound, PingRefused, found
from commentsvc.linkbacks.receiving import LinkbackRequest, SourceInvalid, TargetUnknown
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.ping import Ping, PingState

PURPOSE = "webmention"


class SourceIsTarget(PingRefused):
    """A page about itself."""

    sentence = N_("Source and target are the same page.")


class Progress(StrEnum):
    """What a sender may know. Of spam nothing is said: a filter that says what it thinks teaches the way around."""

    QUEUED = "queued"
    HELD = "held"
    SHOWN = "shown"
    DECLINED = "declined"
    NO_LINK = "no-link"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Status:
    """How far a webmention got; ``comment`` is where it is shown."""

    source: str
    target: str
    progress: Progress
    comment: Comment | None = None


def parse(form: Mapping[str, str]) -> LinkbackRequest:
    """What a webmention offers.

    Raises:
        SourceInvalid, TargetUnknown: one of them is missing or no http address.
        SourceIsTarget: they are one and the same.
    """
    source, target = form.get("source", "").strip(), form.get("target", "").strip()
    if links.origin_of(source) is None:
        raise SourceInvalid
    if links.origin_of(target) is None or len(target) > links.MAX_ADDRESS_LENGTH:
        raise TargetUnknown
    if links.same_address(source, target):
        raise SourceIsTarget
    return LinkbackRequest(Kind.WEBMENTION, source, target)


def receipt(ping: Ping) -> str:
    """The name under which a ping's sender asks for it: numbers that can be guessed would tell of others' pings."""
    return f"{ping.id}-{_proof(ping.id)}"


def status(receipt: str) -> Status:
    """How far the ping with this receipt got; raises ``NotFound``."""
    ping_id, _, proof = receipt.partition("-")
    if not (ping_id.isdecimal() and len(ping_id) < 19 and tokens.equal(_proof(int(ping_id)), proof)):
        raise NotFound
    ping = found(db.session.get(Ping, int(ping_id)))
    return Status(ping.source, ping.target, _progress(ping), ping.comment)


def _proof(ping_id: int) -> str:
    return tokens.keyed_hash(PURPOSE, str(ping_id), length=8)


def _progress(ping: Ping) -> Progress:
    if ping.comment and ping.state in (PingState.QUEUED, PingState.VERIFIED):
        if ping.comment.is_visible:
            return Progress.SHOWN
        return Progress.HELD if ping.comment.state_for_writer == State.PENDING else Progress.DECLINED
    if ping.state == PingState.QUEUED:  # whether we may not or cannot go there looks alike from outside
        return Progress.UNREACHABLE if ping.tries else Progress.QUEUED
    if ping.state == PingState.WITHDRAWN:
        return Progress.WITHDRAWN
    return Progress.NO_LINK if ping.state == PingState.REFUSED else Progress.UNREACHABLE
