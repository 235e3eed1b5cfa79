"""Look at an article's page when an owner asks: whether the two lines and all that goes with them are in place."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from commentsvc import safe_http
from commentsvc.db import db
from commentsvc.linkbacks import checkup
from commentsvc.linkbacks.checkup import Ailment, Finding
from commentsvc.models.examination import DONE, Examination
from commentsvc.models.site import Site

LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Asked:
    """A page, leased to be looked at."""

    number: int
    url: str


def ask(site: Site, url: str) -> Examination:
    """Have the worker look at a page; what was found before is forgotten; writes."""
    for old in db.session.scalars(select(Examination).where(Examination.site_id == site.id)):
        db.session.delete(old)
    asked = Examination(site_id=site.id, url=url)
    db.session.add(asked)
    db.session.flush()
    return asked


def last_of(site: Site) -> Examination | None:
    """The last one, done or not."""
    rows = select(Examination).where(Examination.site_id == site.id).order_by(Examination.id.desc())
    return db.session.scalar(rows.limit(1))


def claim() -> Asked | None:
    """The one that is due first, leased to the caller; writes."""
    for row in Examination.claim(1, LEASE):
        return Asked(row.id, row.url)
    return None


def look(asked: Asked) -> list[Finding]:
    """What the checks say of the page."""
    try:
        page = safe_http.fetch_itself(asked.url)
    except (safe_http.FetchFailed, safe_http.FetchRefused) as failure:
        return unreadable(asked, failure)
    return checkup.examine(page)


def unreadable(asked: Asked, problem: Exception) -> list[Finding]:
    """That the page could not be looked at, and why."""
    return [Ailment(checkup.UNREADABLE, url=asked.url, why=str(problem)).found_by(checkup.PAGE)]


def settle(asked: Asked, found: list[Finding]) -> None:
    """Take down what was found; writes."""
    row = db.session.get(Examination, asked.number)
    if row is not None:
        row.findings = [[one.name, one.is_fine, one.said, one.code] for one in found]
        row.state, row.leased_until = DONE, None
