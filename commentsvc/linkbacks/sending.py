"""Send a linkback for a link in our article: by webmention, else pingback, else trackback.

It is sent again when the article changes, and once more when the link is gone, but by webmention only: the older
protocols know no updates.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from commentsvc import clock, links, safe_http
from commentsvc.db import db
from commentsvc.errors import N_, SENDING_INTERRUPTED, UNEXPECTED, Explained, PermanentFailure, reason_to_store
from commentsvc.hosts import join_url
from commentsvc.linkbacks import discovery, pingback, trackback
from commentsvc.linkbacks.discovery import Endpoint
from commentsvc.linkbacks.fetched_pages import STATUS
from commentsvc.markup import plain_text
from commentsvc.models.announcement import Announcement
from commentsvc.models.comment import Kind
from commentsvc.models.moderator import Moderator
from commentsvc.models.sent_linkback import SendingState, SentLinkback
from commentsvc.safe_http import FetchedPage, FetchFailed

LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=5)
MAX_TRIES = 6
PAGE_SIZE = 100  # rows of the log

TAKEN = N_("accepted")
log = logging.getLogger(__name__)


class ReceiverRefused(Explained, PermanentFailure):
    """The other side refuses, and would refuse again; the text is its answer."""


@dataclass(frozen=True)
class OutgoingLinkback:
    """A leased linkback: what is needed to send it."""

    sent_id: int
    source: str
    target: str
    title: str
    excerpt: str
    blog_name: str
    is_known: bool
    is_linked: bool


@dataclass(frozen=True)
class Outcome:
    """The result: the endpoint (None if the page has none) and its answer."""

    endpoint: Endpoint | None
    answer: str = ""
    status_url: str | None = None


def claim() -> OutgoingLinkback | None:
    """Lease the linkback that is due next."""
    for row in SentLinkback.claim(1, LEASE):
        if row.tries < MAX_TRIES:
            return outgoing(row)
        row.state, row.answer, row.leased_until = SendingState.FAILED, SENDING_INTERRUPTED, None
    return None


def outgoing(row: SentLinkback) -> OutgoingLinkback:
    """Return what is needed to send a leased linkback."""
    article = row.announcement
    return OutgoingLinkback(
        *(row.id, article.url, row.target, article.title, article.excerpt, article.site.name),
        is_known=row.is_known,
        is_linked=row.is_linked,
    )


def perform(message: OutgoingLinkback) -> Outcome:
    """Find the page's endpoint and send the linkback there.

    Raises:
        ReceiverRefused: the endpoint refuses it, or its response cannot be processed; it is not sent again.
        safe_http.FetchRefused, safe_http.FetchFailed: page or endpoint cannot be reached.
    """
    try:
        return _sent(message)
    except (PermanentFailure, safe_http.FetchFailed):
        raise
    except Exception as error:
        log.exception("the answer about %s could not be read", message.target)
        raise ReceiverRefused(UNEXPECTED) from error


def _sent(message: OutgoingLinkback) -> Outcome:
    target = safe_http.fetch(message.target)
    endpoint = discovery.endpoint_of(target, message.target)
    if endpoint is None:
        if target.status >= 400:
            _must_be_fine(target)
        return Outcome(None)
    if endpoint.protocol == Kind.WEBMENTION:
        page = _must_be_fine(safe_http.post_form(endpoint.url, {"source": message.source, "target": message.target}))
        status_url = _status_url(page, endpoint)
        return Outcome(endpoint, f"status {page.status}", status_url)
    if message.is_known or not message.is_linked:
        return Outcome(endpoint, N_("sent before; this protocol has no updates"))
    if endpoint.protocol == Kind.PINGBACK:
        call = pingback.call(message.source, message.target)
        page = _must_be_fine(safe_http.post(endpoint.url, call, "text/xml", "text/xml, */*;q=0.1"))
        return Outcome(endpoint, _answer_of_pingback(page))
    fields = {"url": message.source, "title": message.title, "excerpt": message.excerpt, "blog_name": message.blog_name}
    page = _must_be_fine(safe_http.post_form(endpoint.url, fields))
    if (refusal := trackback.refusal_in(page.body)) is not None:
        raise ReceiverRefused(refusal)
    return Outcome(endpoint, TAKEN)


def complete(message: OutgoingLinkback, outcome: Outcome) -> None:
    """Store the outcome."""
    row = db.session.get_one(SentLinkback, message.sent_id)
    row.state = SendingState.SENT if outcome.endpoint else SendingState.NO_ENDPOINT
    row.protocol = outcome.endpoint.protocol if outcome.endpoint else ""
    row.endpoint = outcome.endpoint.url[: links.MAX_ADDRESS_LENGTH] if outcome.endpoint else ""
    row.answer, row.status_url, row.leased_until = outcome.answer[:300], outcome.status_url, None
    row.is_known = outcome.endpoint is not None and message.is_linked
    row.sent_at = clock.now()


def give_up(message: OutgoingLinkback, failure: PermanentFailure) -> None:
    """Mark it as failed; a moderator may have it sent again."""
    row = db.session.get_one(SentLinkback, message.sent_id)
    row.state, row.answer, row.leased_until = SendingState.FAILED, reason_to_store(failure), None


def retry(message: OutgoingLinkback, reason: str) -> None:
    """Retry later; six attempts in all."""
    row = db.session.get_one(SentLinkback, message.sent_id)
    row.answer = reason
    if not row.postpone(FIRST_GAP, MAX_TRIES):
        row.state = SendingState.FAILED


def latest(who: Moderator) -> list[SentLinkback]:
    """Return the newest linkbacks of a moderator's sites, sent or waiting."""
    theirs = select(SentLinkback).where(SentLinkback.announcement.has(who.may_see(Announcement.site_id)))
    return list(db.session.scalars(theirs.order_by(SentLinkback.id.desc()).limit(PAGE_SIZE)))


def _status_url(page: FetchedPage, endpoint: Endpoint) -> str | None:
    """Return where the other side reports progress, if it does."""
    location = page.headers.get("location", "") if page.status == 201 else ""
    return links.plain(join_url(endpoint.url, location)) if location else None


def _must_be_fine(page: FetchedPage) -> FetchedPage:
    """Raise ``ReceiverRefused``, or ``FetchFailed`` if it may succeed later."""
    if page.is_temporary_error:
        raise FetchFailed(STATUS, status=page.status)
    if not page.is_success:
        answer = plain_text.from_html(plain_text.decode(page.body[:1000]))[:200]
        raise ReceiverRefused(f"status {page.status}: {answer}" if answer else f"status {page.status}")
    return page


def _answer_of_pingback(page: FetchedPage) -> str:
    """Raise ``ReceiverRefused`` for any fault except "already registered"."""
    refusal = pingback.refusal_in(page.body)
    if refusal is None:
        return TAKEN
    code, sentence = refusal
    if code == pingback.ALREADY_KNOWN:
        return N_("it was known there already")
    raise ReceiverRefused(f"fault {code}: {sentence}")
