"""W3C Webmention: parse a request, and report its progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from commentsvc import links, tokens
from commentsvc.db import db
from commentsvc.errors import NotFound, or_404
from commentsvc.linkbacks.receiving import LinkbackRequest, SourceInvalid, TargetUnknown
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.ping import Ping, PingState

PURPOSE = "webmention"


class Progress(StrEnum):
    """What a sender may know. Spam looks pending: a filter that reveals its opinion teaches how to evade it."""

    QUEUED = "queued"
    HELD = "held"
    SHOWN = "shown"
    DECLINED = "declined"
    NO_LINK = "no-link"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Status:
    """The progress of a webmention; ``comment`` is where it is shown."""

    source: str
    target: str
    progress: Progress
    comment: Comment | None = None


def parse(form: Mapping[str, str]) -> LinkbackRequest:
    """Parse a webmention.

    Raises:
        SourceInvalid, TargetUnknown: one is missing or not an http address.
    """
    source, target = form.get("source", "").strip(), form.get("target", "").strip()
    if links.origin_of(source) is None:
        raise SourceInvalid
    if links.origin_of(target) is None or len(target) > links.MAX_ADDRESS_LENGTH:
        raise TargetUnknown
    return LinkbackRequest(Kind.WEBMENTION, source, target)


def receipt(ping: Ping) -> str:
    """Return the id under which a sender asks for progress; guessable ids would reveal others' pings."""
    return f"{ping.id}-{_proof(ping.id)}"


def status(receipt: str) -> Status:
    """Return the progress of the ping with this receipt; raises ``NotFound``."""
    ping_id, _, proof = receipt.partition("-")
    if not (ping_id.isdecimal() and len(ping_id) < 19 and tokens.equal(_proof(int(ping_id)), proof)):
        raise NotFound
    ping = or_404(db.session.get(Ping, int(ping_id)))
    return Status(ping.source, ping.target, _progress(ping), ping.comment)


def _proof(ping_id: int) -> str:
    return tokens.keyed_hash(PURPOSE, str(ping_id), length=8)


def _progress(ping: Ping) -> Progress:
    if ping.comment and ping.state in (PingState.QUEUED, PingState.VERIFIED):
        if ping.comment.is_visible:
            return Progress.SHOWN
        return Progress.HELD if ping.comment.state_for_writer == State.PENDING else Progress.DECLINED
    if ping.state == PingState.QUEUED:  # whether we may not or cannot fetch it looks the same from outside
        return Progress.UNREACHABLE if ping.tries else Progress.QUEUED
    if ping.state == PingState.WITHDRAWN:
        return Progress.WITHDRAWN
    return Progress.NO_LINK if ping.state == PingState.REFUSED else Progress.UNREACHABLE
