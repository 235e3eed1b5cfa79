"""Find comments and linkbacks by what moderators know of them: where, when, what, by whom, why, and what was said.

However many there are: what many share is looked up in the index of everything that was said, what few share in the
table itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, Subquery, func, literal, or_, select, union_all

from commentsvc import clock
from commentsvc.db import db, indexed
from commentsvc.markup.words import words
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.thread import Thread

MOST_PHRASES = 10
LONGEST_PHRASE = 100  # characters
SHORTEST_BEGINNING, MOST_BEGINNINGS = 3, 2  # as each stands for many words
SYLLABLES = "\u1100"  # from here on a character says more than a letter does
FIRST_DAY = date(2000, 1, 1)  # no blog's comments are older than that here
QUOTED = re.compile(r'"([^"]*)"|(\S+)')
_NUMBER: ColumnElement[int] = Comment.__table__.c.id


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None for what does not matter.

    ``person`` is the number of any comment of theirs, ``reason`` a mark as of ``reason_mark``, ``text`` as it was
    typed; days are whole, both included.
    """

    state: State | None = None
    site: int | None = None
    thread: int | None = None
    kind: Kind | None = None
    person: int | None = None
    author: str = ""
    address: str = ""
    reason: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether it names somebody: what one person wrote is not much."""
        return bool(self.person or self.author or self.address)


def numbers(who: Moderator, wanted: Wanted, before: int | None, most: int) -> list[int]:
    """Numbers of what ``who`` may see of it, newest first, below ``before``."""
    number, fits = _looked_for(who, wanted)
    rows: Select[int] = select(number).where(*fits).order_by(number.desc()).limit(most)
    return list(db.session.scalars(rows.where(number < before) if before else rows))


def count(who: Moderator, wanted: Sequence[Wanted], most: int) -> list[int]:
    """How many there are of each, counted up to ``most``; in one go."""
    counted = (
        select(literal(place).label("place"), func.count().label("found")).select_from(_some(who, one, most))
        for place, one in enumerate(wanted)
    )
    found = dict(db.session.execute(union_all(*counted)).all()) if wanted else {}
    return [found[place] for place in range(len(wanted))]


def holds(who: Moderator, wanted: Wanted, comment: int) -> bool:
    """Whether a comment is among what is wanted."""
    number, fits = _looked_for(who, wanted)
    return db.session.scalar(select(number).where(*fits, number == comment)) is not None


def _some(who: Moderator, wanted: Wanted, most: int) -> Subquery:
    number, fits = _looked_for(who, wanted)
    return select(number.label("number")).where(*fits).limit(most).subquery()


def phrases(typed: str) -> list[str]:
    """Words and quoted phrases of a search as the index takes them; ``tele*`` keeps its star."""
    found, beginnings = [], 0
    for match in QUOTED.finditer(typed):
        said = match[1] if match[1] is not None else match[2]
        phrase = words(said)[:LONGEST_PHRASE].strip()
        says_enough = len(phrase) >= SHORTEST_BEGINNING or phrase > SYLLABLES
        is_beginning = match[1] is None and said.endswith("*") and says_enough
        if phrase:
            found.append(phrase + "*" * (is_beginning and beginnings < MOST_BEGINNINGS))
            beginnings += is_beginning
    return found[:MOST_PHRASES]


def _looked_for(who: Moderator, wanted: Wanted) -> tuple[ColumnElement[int], list[ColumnElement[bool]]]:
    said = phrases(wanted.text)
    if wanted.is_narrow:
        fits = [*_of_person(who, wanted), *_plainly(who, wanted)]
        if said:
            found = indexed([], said)
            fits.append(Comment.id.in_(select(found.number).where(found.fits)))
        return _NUMBER, fits
    marks = list(_marks(who, wanted))
    if not said and marks in ([], [[f"={wanted.state}"]]):  # the table has an index of its own for that
        return _NUMBER, [Comment.state == wanted.state] if wanted.state else []
    found = indexed(marks, said)
    return found.number, [found.fits]


def _marks(who: Moderator, wanted: Wanted) -> Iterator[Sequence[str]]:
    """Groups of marks: one of each must be there."""
    if wanted.state:
        yield [f"={wanted.state}"]
    if wanted.kind:
        yield [f"={wanted.kind}"]
    if wanted.thread:
        yield [f"=t{wanted.thread}"]
    if wanted.site:
        yield [f"=s{wanted.site}"]
    if not who.is_owner:
        yield [f"=s{site.id}" for site in who.sites] or ["=s0"]
    if wanted.reason:
        yield [wanted.reason]
    if wanted.since or wanted.until:
        yield list(_days(wanted)) or ["=d0"]


def _days(wanted: Wanted) -> Iterator[str]:
    """Marks of whole months where they are whole, and of days."""
    day = max(wanted.since or FIRST_DAY, FIRST_DAY)
    last = min(wanted.until or date.max, clock.now().date() + timedelta(days=1))
    while day <= last:
        next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        if day.day == 1 and next_month - timedelta(days=1) <= last:
            yield f"=m{day:%Y%m}"
            day = next_month
        else:
            yield f"=d{day:%Y%m%d}"
            day += timedelta(days=1)


def _of_person(who: Moderator, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """What few rows share; looked up first, so each is a list of numbers."""
    if wanted.person:
        one = db.session.get(Comment, wanted.person)
        is_own = one is not None and who.moderates(one.thread.site_id)  # else others' people would be known by it
        theirs = same_person(one) if one is not None and is_own else Comment.id == 0
        yield Comment.id.in_(select(Comment.id).where(theirs))
    if wanted.author:
        yield Comment.id.in_(select(Comment.id).where(Comment.author == wanted.author))
    if wanted.address:
        yield Comment.id.in_(select(Comment.id).where(Comment.address_hash == wanted.address))


def same_person(comment: Comment) -> ColumnElement[bool]:
    """What came from the same browser, or with the same mail address; of a linkback, by the same name."""
    same = [Comment.visitor == comment.visitor] if comment.visitor else []
    same += [Comment.email == comment.email] if comment.email else []
    return or_(*same) if same else Comment.author == comment.author


def with_email(address: str) -> ColumnElement[bool]:
    """Comments with a mail address, whatever its case; the index of words finds the few that are worth a look."""
    found = indexed([], [words(address)])
    return Comment.id.in_(select(found.number).where(found.fits)) & (func.lower(Comment.email) == address)


def _plainly(who: Moderator, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """The same as the marks say, of few rows."""
    if wanted.state:
        yield Comment.state == wanted.state
    if wanted.kind:
        yield Comment.kind == wanted.kind
    if wanted.thread:
        yield Comment.thread_id == wanted.thread
    if wanted.site:
        yield Comment.thread.has(site_id=wanted.site)
    if not who.is_owner:
        yield Comment.thread.has(who.may_see(Thread.site_id))
    if wanted.reason:
        yield Comment.marks.contains(wanted.reason, autoescape=True)
    if wanted.since:
        yield Comment.created_at >= datetime.combine(wanted.since, time.min, UTC)
    if wanted.until:
        last = min(wanted.until, clock.now().date())
        yield Comment.created_at < datetime.combine(last, time.min, UTC) + timedelta(days=1)
