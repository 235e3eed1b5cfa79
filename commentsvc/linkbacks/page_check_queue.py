"""Page checks that owners request: enqueue, claim, run, store the findings."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from commentsvc import safe_http
from commentsvc.db import db
from commentsvc.errors import READING_INTERRUPTED, PermanentFailure
from commentsvc.linkbacks import page_check
from commentsvc.linkbacks.page_check import CheckFailed, CheckResult
from commentsvc.models.page_check import DONE, PageCheck
from commentsvc.models.site import Site

LEASE = timedelta(minutes=2)
MAX_TRIES = 3  # where each ends with its process


@dataclass(frozen=True)
class ClaimedCheck:
    """A claimed page check."""

    check_id: int
    url: str


def enqueue(site: Site, url: str) -> PageCheck:
    """Enqueue a check of the page at ``url``. It replaces the site's earlier checks."""
    for old in db.session.scalars(select(PageCheck).where(PageCheck.site_id == site.id)):
        db.session.delete(old)
    row = PageCheck(site_id=site.id, url=url)
    db.session.add(row)
    db.session.flush()
    return row


def last_of(site: Site) -> PageCheck | None:
    """The site's latest check, done or not."""
    rows = select(PageCheck).where(PageCheck.site_id == site.id).order_by(PageCheck.id.desc())
    return db.session.scalar(rows.limit(1))


def claim() -> ClaimedCheck | None:
    """Lease the next check that is due."""
    for row in PageCheck.claim(1, LEASE):
        claimed = ClaimedCheck(row.id, row.url)
        if row.tries < MAX_TRIES:
            return claimed
        retry(claimed, READING_INTERRUPTED)
    return None


def perform(claimed: ClaimedCheck) -> list[CheckResult]:
    """Fetch the page and check it."""
    return page_check.check(safe_http.fetch_without_redirects(claimed.url))


def retry(claimed: ClaimedCheck, reason: str) -> None:
    """Store that the page could not be fetched or parsed: the owner is waiting and asks again."""
    _fail(claimed, page_check.UNREADABLE, reason)


def give_up(claimed: ClaimedCheck, failure: PermanentFailure) -> None:
    """The same for an address that may not be fetched."""
    may_be_allowed = isinstance(failure, safe_http.NotPublic)
    _fail(claimed, page_check.NOT_PUBLIC if may_be_allowed else page_check.UNREADABLE, str(failure))


def _fail(claimed: ClaimedCheck, sentence: str, why: str) -> None:
    complete(claimed, [CheckFailed(sentence, url=claimed.url, why=why).found_by(page_check.PAGE)])


def complete(claimed: ClaimedCheck, found: list[CheckResult]) -> None:
    """Store the findings."""
    row = db.session.get(PageCheck, claimed.check_id)
    if row is not None:
        row.findings = [[one.name, one.status, one.reason, one.code] for one in found]
        row.state, row.leased_until = DONE, None
