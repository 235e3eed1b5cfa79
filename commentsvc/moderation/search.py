"""Find comments and linkbacks by what moderators know of them: where, when, what, by whom, why, and what was said.

However many there are: what many share is looked up in the index of everything that was said, what few share in the
table itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, Subquery, and_, false, func, literal, or_, select, true, union_all

from commentsvc import clock
from commentsvc.db import Lookup, Span, db, full_text, unindexed
from commentsvc.markup.tokenize import tokenize
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.moderator import Moderator

MAX_PHRASES = 10
MAX_PHRASE_LENGTH = 100  # characters
MIN_BEGINNING_LENGTH, MAX_BEGINNINGS = 3, 2  # as each stands for many words
SYLLABLES = "\u1100"  # from here on a character says more than an email does
MAX_PLACES = 40  # pairs of a site and a state
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


def ids(who: Moderator, wanted: Wanted, most: int, before: int | None = None, upto: int | None = None) -> list[int]:
    """Numbers of what ``who`` may see of it, newest first: those that come after ``before``, none above ``upto``."""
    return list(db.session.scalars(selected(who, wanted, most, before, upto)))


def selected(
    who: Moderator, wanted: Wanted, most: int, before: int | None = None, upto: int | None = None
) -> Select[int]:
    """The same as a question, to be asked as a part of another one."""
    rows = [_newest(part, most, before, upto) for part in _looked_for(who, wanted)]
    if not rows:
        return select(_NUMBER).where(false())
    if len(rows) == 1:
        return rows[0]
    comment_id = union_all(*(select(some.subquery()) for some in rows)).subquery().c.comment_id
    return select(comment_id).order_by(comment_id.desc()).limit(most)


def count(who: Moderator, wanted: Sequence[Wanted], most: int) -> list[int]:
    """How many there are of each, counted up to ``most``; in one go."""
    counted = [
        select(literal(place).label("place"), func.count().label("found")).select_from(_some(part, most))
        for place, one in enumerate(wanted)
        for part in _looked_for(who, one)
    ]
    found = [0] * len(wanted)
    for place, some in db.session.execute(union_all(*counted)) if counted else ():
        found[place] = min(found[place] + some, most)
    return found


def holds(who: Moderator, wanted: Wanted, comment: int) -> bool:
    """Whether a comment is among what is wanted."""
    parts = _looked_for(who, wanted)
    here = (select(part.comment_id).where(part.fits, part.comment_id == comment) for part in parts)
    return any(db.session.scalar(rows) is not None for rows in here)


def _newest(part: Lookup, most: int, before: int | None, upto: int | None) -> Select[int]:
    rows = select(part.comment_id.label("comment_id")).where(part.fits)
    if before:
        rows = rows.where(part.older(before))
    if upto:
        rows = rows.where(part.comment_id <= upto)
    return rows.order_by(*(age.desc() for age in part.age)).limit(most)


def _some(part: Lookup, most: int) -> Subquery:
    return select(part.comment_id.label("comment_id")).where(part.fits).limit(most).subquery()


def phrases(typed: str) -> list[str]:
    """Words and quoted phrases of a search as the index takes them; ``tele*`` keeps its star."""
    found, beginnings = [], 0
    for match in QUOTED.finditer(typed):
        said = match[1] if match[1] is not None else match[2]
        phrase = tokenize(said)[:MAX_PHRASE_LENGTH].strip()
        says_enough = len(phrase) >= MIN_BEGINNING_LENGTH or phrase > SYLLABLES
        is_beginning = match[1] is None and said.endswith("*") and says_enough
        if phrase:
            found.append(phrase + "*" * (is_beginning and beginnings < MAX_BEGINNINGS))
            beginnings += is_beginning
    return found[:MAX_PHRASES]


def _looked_for(who: Moderator, wanted: Wanted) -> list[Lookup]:
    """Where to look: in one place, or in several that are put together."""
    said = phrases(wanted.text)
    if wanted.text.strip() and not said:
        return []  # signs alone, which no index knows
    if wanted.is_narrow:
        fits = [*_of_person(who, wanted), *_plainly(who, wanted)]
        if said:
            found = full_text([], said)
            fits.append(Comment.id.in_(select(found.comment_id).where(found.fits)))
        return [_in_table(*fits)]
    if not said and replace(wanted, text="") == Wanted(wanted.state, wanted.site):
        places = _places(who, wanted)
        if len(places) <= MAX_PLACES:
            return [_in_table(*place) for place in places]
    gone = [f"=s{site}" for site in who.gone]
    return [full_text(list(_marks(who, wanted)), said, _days(wanted), without=gone)]


def _in_table(*fits: ColumnElement[bool]) -> Lookup:
    return Lookup(_NUMBER, and_(true(), *fits), [_NUMBER])


def _places(who: Moderator, wanted: Wanted) -> list[list[ColumnElement[bool]]]:
    """A state and a site are what the table has an index for, which knows each pair's newest."""
    if who.is_owner and wanted.site is None:
        everywhere = who.may_see(Comment.site_id)
        return [[everywhere, Comment.state == wanted.state] if wanted.state else [everywhere]]
    own = [wanted.site] if who.is_owner else [site.id for site in who.sites]
    sites = [site for site in own if wanted.site in (None, site) and who.moderates(site)]
    states = [wanted.state] if wanted.state else list(State)
    return [[Comment.site_id == site, Comment.state == state] for site in sites for state in states]


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


def _days(wanted: Wanted) -> Span | None:
    """The span that is asked for, within the time in which there can be comments."""
    if not (wanted.since or wanted.until):
        return None
    first = max(wanted.since or FIRST_DAY, FIRST_DAY)
    last = min(wanted.until or date.max, clock.now().date() + timedelta(days=1))
    marks = list(_day_marks(first, last)) or ["=d0"]
    return Span(marks, _midnight(first), _midnight(last) + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _day_marks(day: date, last: date) -> Iterator[str]:
    """Marks of whole months where they are whole, and of days."""
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
    found = full_text([], [tokenize(address)])
    return Comment.id.in_(select(found.comment_id).where(found.fits)) & (func.lower(Comment.email) == address)


def _plainly(who: Moderator, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """The same as the marks say, of few rows."""
    if wanted.state:
        yield Comment.state == wanted.state
    if wanted.kind:
        yield Comment.kind == wanted.kind
    if wanted.thread:
        yield Comment.thread_id == wanted.thread
    if wanted.site:
        yield unindexed(Comment.site_id) == wanted.site
    yield who.may_see(unindexed(Comment.site_id))
    if wanted.reason:
        yield Comment.search_tags.contains(wanted.reason, autoescape=True)
    if (days := _days(wanted)) is not None:
        yield Comment.created_at >= days.first
        yield Comment.created_at < days.end
