"""What becomes of a ping: its source is read, judged and shown, looked at again, and withdrawn when it is gone.

A source that is gone is withdrawn when it is still gone a day later, as one outage says nothing. A sender who tells us
that the page was deleted, or that its link was taken out, is believed at once when the page says the same.
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
from commentsvc.errors import N_, Banned, PermanentFailure, ThreadClosed
from commentsvc.linkbacks import receiving, source_page
from commentsvc.linkbacks.receiving import MAX_OF_HOST, NotAccepting
from commentsvc.linkbacks.source_page import Finding, Target
from commentsvc.markup import sanitize
from commentsvc.models.comment import FACEPILE, Comment, Kind, Response, State
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.ping import Ping, PingState
from commentsvc.moderation import bans, decisions
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.moderation.evidence import Circumstances
from commentsvc.threads.articles import Article

REASON_GONE = N_("the page that linked here is gone, or does so no longer")
LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=2)
MAX_TRIES = 5
BROKEN_OFF = "reading it was broken off again and again"
SHOWN = 100  # rows of the log
SURE_AFTER = timedelta(hours=24)  # between two looks that find a source gone
# When a verified source is looked at again: as old as this, after so long.
LOOKS = ((timedelta(days=1), timedelta(days=1)), (timedelta(days=8), timedelta(days=7)))
SELDOM = timedelta(days=30)
ACCEPT = "text/html, application/xhtml+xml;q=0.9, text/plain;q=0.5, application/json;q=0.5, */*;q=0.1"


@dataclass(frozen=True)
class Claim:
    """The ping leased for verification: what is needed to fetch it without the database."""

    ping_id: int
    source: str
    target: Target


def claim() -> Claim | None:
    """The ping that is due first, leased to the caller; one at a time of each host."""
    db.advisory_lock("pings")
    other = aliased(Ping)
    is_asked_already = select(other.id).where(
        other.source_host == Ping.source_host, other.id != Ping.id, other.leased_until > clock.now()
    )
    for ping in Ping.claim(1, LEASE, but_not=is_asked_already.exists()):
        if ping.tries >= MAX_TRIES:
            _give_up(ping, BROKEN_OFF)
            return None
        if _has_had_enough(ping.source_host):
            ping.due_at, ping.leased_until = clock.now() + timedelta(hours=1), None
            return None
        return Claim(ping.id, ping.source, _target(ping))
    return None


def perform(claimed: Claim) -> Finding:
    """Read the source; no database, as it may take its time.

    Raises:
        NoLink, safe_http.FetchFailed
        safe_http.FetchRefused: it may not be read, or not again, as it led us to somebody else who is in trouble.
    """
    try:
        page = safe_http.fetch(claimed.source, ACCEPT)
        is_led_away = receiving.host_of(page.url) != receiving.host_of(claimed.source)
        if is_led_away and page.status >= 500:
            raise safe_http.LedAway(f"the page answers with status {page.status}")
    except safe_http.LedAway as failure:
        raise safe_http.FetchRefused(str(failure)) from failure
    return source_page.read(page, claimed.target)


def complete(claimed: Claim, finding: Finding) -> None:
    """The source links to the article: show it as the policy has it, or bring what is shown up to date.

    Raises:
        NotAccepting: meanwhile the thread takes no more, or somebody was shut out.
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
    _settle(ping, PingState.VERIFIED, due_after=_next_look(ping))


def give_up(claimed: Claim, failure: PermanentFailure) -> None:
    """The source does not link to the article, or may not be read.

    A linkback that is shown stays while its source only seems to be away.
    """
    ping = _locked(claimed)
    if ping is None:
        return
    reason = str(failure)
    if isinstance(failure, safe_http.FetchRefused):
        _give_up(ping, reason)
    elif ping.comment_id is None:
        _settle(ping, PingState.REFUSED, reason)
    elif (ping.is_resent and getattr(failure, "is_certain", True)) or _is_gone_for_good(ping):
        _withdraw(ping, reason)
    else:
        ping.gone_at = ping.gone_at or clock.now()
        _settle(ping, PingState.VERIFIED, reason, due_after=ping.gone_at + SURE_AFTER - clock.now())


def retry(claimed: Claim, reason: str) -> None:
    """The source could not be fetched: try again later, five times in all. A linkback that is shown stays."""
    ping = _locked(claimed)
    if ping is None:
        return
    ping.reason, ping.checked_at = reason[:300], clock.now()
    if not ping.postpone(FIRST_GAP, MAX_TRIES):
        if ping.comment_id is None:
            ping.state = PingState.FAILED
        else:
            _settle(ping, PingState.VERIFIED, reason, due_after=SURE_AFTER)


def check_again(ping: Ping) -> None:
    """Have a source read anew, at once."""
    ping.state, ping.tries, ping.due_at, ping.leased_until = PingState.QUEUED, 0, clock.now(), None


def latest(who: Moderator) -> list[Ping]:
    """The pings that came last on a moderator's sites, newest first."""
    theirs = select(Ping).where(who.may_see(Ping.site_id))
    newest = theirs.options(joinedload(Ping.comment)).order_by(Ping.id.desc()).limit(SHOWN)
    return list(db.session.scalars(newest))


def _locked(claimed: Claim) -> Ping | None:
    """None where another worker was faster, or the site is gone."""
    ping = db.session.get(Ping, claimed.ping_id, with_for_update={"of": Ping}, populate_existing=True)
    return ping if ping is not None and ping.leased_until is not None else None


def _target(ping: Ping) -> Target:
    """What is new must name the very address that was given; what is shown stays while any spelling is there."""
    is_webmention = ping.protocol == Kind.WEBMENTION
    return Target(ping.target, is_exact=is_webmention and ping.comment_id is None, reads_all=is_webmention)


def _give_up(ping: Ping, reason: str) -> None:
    if ping.comment_id is not None:
        _settle(ping, PingState.VERIFIED, reason, due_after=SURE_AFTER)
    else:
        _settle(ping, PingState.FAILED, reason)
        ping.tries = 1  # what could not be reached says so, even while it is tried again


def _settle(ping: Ping, state: PingState, reason: str = "", due_after: timedelta = timedelta()) -> None:
    ping.state, ping.reason, ping.leased_until, ping.is_resent = state, reason[:300], None, False
    ping.checked_at, ping.due_at = clock.now(), clock.now() + due_after
    ping.tries = ping.tries + 1 if state == PingState.REFUSED else 0


def _next_look(ping: Ping) -> timedelta:
    age = clock.now() - ping.created_at
    return next((gap for until, gap in LOOKS if age < until), SELDOM)


def _is_gone_for_good(ping: Ping) -> bool:
    return ping.gone_at is not None and clock.now() - ping.gone_at >= SURE_AFTER


def _withdraw(ping: Ping, reason: str) -> None:
    """No reader sees it any more; the log says why, and the row stays, as the page may come back."""
    comment = Comment.locked(ping.comment_id) if ping.comment_id else None
    if comment is not None and comment.state in (State.APPROVED, State.PENDING):
        decisions.decide(comment, State.TRASHED, by=None, reasons=[REASON_GONE])
    _settle(ping, PingState.WITHDRAWN, reason)


def _was_withdrawn(comment: Comment) -> bool:
    """Whether nobody but we took it away, so that we may bring it back."""
    last = decisions.last_of(comment)
    return comment.state == State.TRASHED and last is not None and REASON_GONE in last.reasons


def _has_had_enough(host: str) -> bool:
    asked = select(func.count(Ping.id)).where(
        Ping.source_host == host, Ping.checked_at > clock.now() - timedelta(hours=1)
    )
    return (db.session.scalar(asked) or 0) >= MAX_OF_HOST


def _check_ban(ping: Ping, finding: Finding) -> None:
    """What stands on the page may be shut out, too, even where the ping itself said nothing of it."""
    addresses = (finding.author_url or "", finding.url or "", finding.page)
    said = "\n".join((finding.author, finding.title, finding.excerpt, *addresses))
    try:
        bans.check(ping.site, AuthorIdentity(website=ping.source, said=said))
    except Banned:
        raise NotAccepting from None


def _mention(ping: Ping, finding: Finding) -> Mention:
    parent = receiving.answered(ping.target) if finding.response == Response.REPLY else None
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
        circumstances=Circumstances(
            pings=0 if finding.response in FACEPILE or _is_known(ping) else _of_same_blog(ping),
            links_out=finding.links,
            is_made_up=not finding.says(ping.excerpt),
        ),
    )
    return mention if mention.response in (Response.REPLY, Response.MENTION) else replace(mention, title="")


def _title(ping: Ping, finding: Finding) -> str:
    claimed = ping.title if ping.title != ping.source else ""
    return claimed or finding.title or ping.source[: source_page.MAX_TITLE_LENGTH]


def _as_html(text: str) -> str:
    return sanitize.clean("".join(f"<p>{escape(block)}</p>" for block in text.split("\n\n") if block))


def _is_known(ping: Ping) -> bool:
    """Whether a moderator approved something of the same host: who brings much is welcome then."""
    of_host = select(Ping.id).join(Decision, Decision.comment_id == Ping.comment_id)
    approved = of_host.where(Decision.after == State.APPROVED, Decision.moderator_id.is_not(None))
    return db.session.scalar(approved.where(Ping.source_host == ping.source_host).limit(1)) is not None


def _of_same_blog(ping: Ping) -> int:
    """How many pings of the same host came to something within a day, this one among them; at most ``MAX_OF_HOST``."""
    since = clock.now() - timedelta(days=1)
    same = select(Ping.id).where(Ping.source_host == ping.source_host, Ping.created_at > since)
    with_link = same.where(Ping.state.in_((PingState.QUEUED, PingState.VERIFIED))).limit(MAX_OF_HOST)
    return db.session.scalar(select(func.count()).select_from(with_link.subquery())) or 0
