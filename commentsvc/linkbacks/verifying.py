"""Verify a ping: fetch its source, judge it, show it, check it again later, withdraw it when it is gone.

A source that is gone is withdrawn after it was gone a day later as well, since one outage proves nothing. If a sender
reports that the page or the link was removed and the page confirms it, it is withdrawn at once.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, joinedload

from commentsvc import clock, safe_http
from commentsvc.comments import posting
from commentsvc.comments.posting import Mention
from commentsvc.db import db
from commentsvc.errors import N_, READING_INTERRUPTED, Banned, PermanentFailure, ThreadClosed, reason_to_store
from commentsvc.linkbacks import receiving, source_page
from commentsvc.linkbacks.fetched_pages import STATUS
from commentsvc.linkbacks.receiving import MAX_OF_HOST, NotAccepting
from commentsvc.linkbacks.source_page import SourceContent, Target
from commentsvc.markup import sanitize
from commentsvc.models.comment import FACEPILE, Comment, Kind, ResponseKind, State
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.ping import Ping, PingState
from commentsvc.moderation import bans, decisions
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.moderation.evidence import SubmissionContext
from commentsvc.threads.articles import Article

REASON_GONE = N_("the linking page is gone or no longer links here")
LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=2)
MAX_TRIES = 5
SHOWN = 100  # rows of the log
CONFIRM_GONE_AFTER = timedelta(hours=24)  # between two checks that find a source gone
# When a verified source is checked again: up to this age, after so long.
RECHECK_SCHEDULE = ((timedelta(days=1), timedelta(days=1)), (timedelta(days=8), timedelta(days=7)))
RECHECK_INTERVAL = timedelta(days=30)
ACCEPT = "text/html, application/xhtml+xml;q=0.9, text/plain;q=0.5, application/json;q=0.5, */*;q=0.1"


@dataclass(frozen=True)
class Claim:
    """A leased ping: what is needed to fetch its source."""

    ping_id: int
    source: str
    target: Target


def claim() -> Claim | None:
    """Lease the ping that is due next; one at a time per host."""
    db.advisory_lock("pings")
    other = aliased(Ping)
    is_host_busy = select(other.id).where(
        other.source_host == Ping.source_host, other.id != Ping.id, other.leased_until > clock.now()
    )
    for ping in Ping.claim(1, LEASE, but_not=is_host_busy.exists()):
        if ping.tries >= MAX_TRIES:
            _fail_or_recheck(ping, READING_INTERRUPTED)
            return None
        if _is_host_over_limit(ping.source_host):
            ping.due_at, ping.leased_until = clock.now() + timedelta(hours=1), None
            return None
        return Claim(ping.id, ping.source, _target(ping))
    return None


def perform(claimed: Claim) -> SourceContent:
    """Fetch and read the source.

    Raises:
        NoLink, safe_http.FetchFailed
        safe_http.FetchRefused: it must not be fetched, or not again: it redirects to another host, which fails.
    """
    try:
        page = safe_http.fetch(claimed.source, ACCEPT)
        is_other_host = receiving.host_of(page.url) != receiving.host_of(claimed.source)
        if is_other_host and page.status >= 500:
            raise safe_http.RedirectTargetFailed(STATUS, status=page.status)
    except safe_http.RedirectTargetFailed as failure:
        raise safe_http.FetchRefused(failure.sentence, **failure.values) from failure
    return source_page.read(page, claimed.target)


def complete(claimed: Claim, finding: SourceContent) -> None:
    """Show a verified source as the policy decides, or update what is shown.

    Raises:
        NotAccepting: the thread was closed, or its author banned, in the meantime.
    """
    ping = _locked(claimed)
    if ping is None:
        return
    mention = _mention(ping, finding)
    _check_ban(ping, finding)
    if ping.comment_id is None:
        try:
            ping.comment_id = posting.post_linkback(Article.at(ping.site, ping.key), mention).id
        except ThreadClosed:
            raise NotAccepting from None
    elif (comment := Comment.locked(ping.comment_id)) is not None:
        posting.update_linkback(comment, mention, was_withdrawn=_was_withdrawn(comment))
    ping.gone_at = None
    _record_outcome(ping, PingState.VERIFIED, due_after=_next_recheck(ping))


def give_up(claimed: Claim, failure: PermanentFailure) -> None:
    """Refuse a source that has no link or may not be fetched.

    A linkback that is shown stays while its source only seems to be away.
    """
    ping = _locked(claimed)
    if ping is None:
        return
    reason = reason_to_store(failure)
    if isinstance(failure, safe_http.FetchRefused):
        _fail_or_recheck(ping, reason)
    elif ping.comment_id is None:
        _record_outcome(ping, PingState.REFUSED, reason)
    elif (ping.is_resent and getattr(failure, "is_certain", True)) or _is_gone_for_good(ping):
        _withdraw(ping, reason)
    else:
        ping.gone_at = ping.gone_at or clock.now()
        _record_outcome(ping, PingState.VERIFIED, reason, due_after=ping.gone_at + CONFIRM_GONE_AFTER - clock.now())


def retry(claimed: Claim, reason: str) -> None:
    """Try again later, five times in all. A linkback that is shown stays."""
    ping = _locked(claimed)
    if ping is None:
        return
    ping.reason, ping.checked_at = reason, clock.now()
    if not ping.postpone(FIRST_GAP, MAX_TRIES):
        if ping.comment_id is None:
            ping.state = PingState.FAILED
        else:
            _record_outcome(ping, PingState.VERIFIED, reason, due_after=CONFIRM_GONE_AFTER)


def latest(who: Moderator) -> list[Ping]:
    """Return the newest pings of a moderator's sites."""
    theirs = select(Ping).where(who.may_see(Ping.site_id))
    newest = theirs.options(joinedload(Ping.comment)).order_by(Ping.id.desc()).limit(SHOWN)
    return list(db.session.scalars(newest))


def _locked(claimed: Claim) -> Ping | None:
    """Return the ping, or None if another process was faster, or the site is gone."""
    ping = db.locked(Ping, claimed.ping_id)
    return ping if ping is not None and ping.leased_until is not None else None


def _target(ping: Ping) -> Target:
    """A new ping must have the exact address; one that is shown stays while any spelling of it is linked."""
    is_webmention = ping.protocol == Kind.WEBMENTION
    return Target(ping.target, is_exact=is_webmention and ping.comment_id is None, reads_all=is_webmention)


def _fail_or_recheck(ping: Ping, reason: str) -> None:
    if ping.comment_id is not None:
        _record_outcome(ping, PingState.VERIFIED, reason, due_after=CONFIRM_GONE_AFTER)
    else:
        _record_outcome(ping, PingState.FAILED, reason)
        ping.tries = 1  # a failure is shown even while it is retried


def _record_outcome(ping: Ping, state: PingState, reason: str = "", due_after: timedelta = timedelta()) -> None:
    ping.state, ping.reason, ping.leased_until, ping.is_resent = state, reason, None, False
    ping.checked_at, ping.due_at = clock.now(), clock.now() + due_after
    ping.tries = ping.tries + 1 if state == PingState.REFUSED else 0


def _next_recheck(ping: Ping) -> timedelta:
    age = clock.now() - ping.created_at
    return next((gap for until, gap in RECHECK_SCHEDULE if age < until), RECHECK_INTERVAL)


def _is_gone_for_good(ping: Ping) -> bool:
    return ping.gone_at is not None and clock.now() - ping.gone_at >= CONFIRM_GONE_AFTER


def _withdraw(ping: Ping, reason: str) -> None:
    """Hide a linkback by a logged decision. Its row stays, as the page may come back."""
    comment = Comment.locked(ping.comment_id) if ping.comment_id else None
    if comment is not None and comment.state in (State.APPROVED, State.PENDING):
        decisions.decide(comment, State.TRASHED, by=None, reasons=[REASON_GONE])
    _record_outcome(ping, PingState.WITHDRAWN, reason)


def _was_withdrawn(comment: Comment) -> bool:
    """Return whether only we withdrew it, so that we may show it again."""
    last = decisions.last_of(comment)
    return comment.state == State.TRASHED and last is not None and REASON_GONE in last.reasons


def _is_host_over_limit(host: str) -> bool:
    recent = select(func.count(Ping.id)).where(
        Ping.source_host == host, Ping.checked_at > clock.now() - timedelta(hours=1)
    )
    return (db.session.scalar(recent) or 0) >= MAX_OF_HOST


def _check_ban(ping: Ping, finding: SourceContent) -> None:
    """Raise if the page's content is banned, even if the ping itself was not."""
    addresses = (finding.author_url or "", finding.url or "", finding.fetched_url)
    text = "\n".join((finding.author, finding.title, finding.excerpt, *addresses))
    try:
        bans.check(ping.site, AuthorIdentity(website=ping.source, text=text))
    except Banned:
        raise NotAccepting from None


def _mention(ping: Ping, finding: SourceContent) -> Mention:
    parent = receiving.answered(ping.target) if finding.response == ResponseKind.REPLY else None
    excerpt = ping.excerpt or finding.excerpt
    mention = Mention(
        kind=ping.protocol,
        response=finding.response,
        source=finding.url or ping.source,
        title=_title(ping, finding),
        excerpt=excerpt,
        excerpt_html=_as_html(excerpt),
        author=finding.author or ping.blog_name or ping.source_host[:80],
        author_url=finding.author_url,
        published_at=finding.published_at,
        parent_id=parent.id if parent else None,
        context=SubmissionContext(
            pings=0 if finding.response in FACEPILE or _is_trusted_host(ping) else _recent_pings_from_host(ping),
            links_out=finding.links,
            is_made_up=not finding.contains(ping.excerpt),
        ),
    )
    return mention if mention.response in (ResponseKind.REPLY, ResponseKind.MENTION) else replace(mention, title="")


def _title(ping: Ping, finding: SourceContent) -> str:
    claimed = ping.title if ping.title != ping.source else ""
    return claimed or finding.title or ping.source[: source_page.MAX_TITLE_LENGTH]


def _as_html(text: str) -> str:
    return sanitize.clean("".join(f"<p>{escape(block)}</p>" for block in text.split("\n\n") if block))


def _is_trusted_host(ping: Ping) -> bool:
    """Return whether a person approved something from the same host: then many pings are welcome."""
    of_host = select(Ping.id).join(Decision, Decision.comment_id == Ping.comment_id)
    approved = of_host.where(Decision.after == State.APPROVED, Decision.is_by_person)
    return db.session.scalar(approved.where(Ping.source_host == ping.source_host).limit(1)) is not None


def _recent_pings_from_host(ping: Ping) -> int:
    """Return how many pings of the same host were accepted within a day, at most ``MAX_OF_HOST``."""
    since = clock.now() - timedelta(days=1)
    same = select(Ping.id).where(Ping.source_host == ping.source_host, Ping.created_at > since)
    with_link = same.where(Ping.state.in_((PingState.QUEUED, PingState.VERIFIED))).limit(MAX_OF_HOST)
    return db.session.scalar(select(func.count()).select_from(with_link.subquery())) or 0
