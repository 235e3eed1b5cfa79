"""Find comments and linkbacks by place, time, kind, author, reason and text.

Properties that many comments share are looked up in the full-text index, rare ones in the table.
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
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator

MAX_PHRASES = 10
MAX_PHRASE_LENGTH = 100  # characters
MIN_BEGINNING_LENGTH, MAX_BEGINNINGS = 3, 2  # as each stands for many words
SYLLABLES = "\u1100"  # characters that carry as much meaning as a word
MAX_PLACES = 40  # pairs of a site and a state
FIRST_DAY = date(2000, 1, 1)  # no comment is older
QUOTED = re.compile(r'"([^"]*)"|(\S+)')
_NUMBER: ColumnElement[int] = Comment.__table__.c.id


@dataclass(frozen=True)
class CommentFilter:
    """Search criteria; None means any.

    ``same_author_as`` is the id of any comment by the author, ``reason`` a tag from ``reason_tag``, ``action`` what a
    moderator did with them, ``text`` the query as typed; days are inclusive.
    """

    state: State | None = None
    site: int | None = None
    thread: int | None = None
    kind: Kind | None = None
    same_author_as: int | None = None
    author: str = ""
    address_hash: str = ""
    reason: str = ""
    since: date | None = None
    until: date | None = None
    action: int | None = None
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        """Return whether the criteria identify an author or an action, so the result is small."""
        return bool(self.same_author_as or self.author or self.address_hash or self.action)


def ids(
    who: Moderator, wanted: CommentFilter, most: int, before: int | None = None, upto: int | None = None
) -> list[int]:
    """Return ids of matching comments that ``who`` may see, newest first, below ``before`` and not above ``upto``."""
    return list(db.session.scalars(selected(who, wanted, most, before, upto)))


def selected(
    who: Moderator, wanted: CommentFilter, most: int, before: int | None = None, upto: int | None = None
) -> Select[int]:
    """The same as a statement, to be used within another one."""
    rows = [_newest(part, most, before, upto) for part in _looked_for(who, wanted)]
    if not rows:
        return select(_NUMBER).where(false())
    if len(rows) == 1:
        return rows[0]
    comment_id = union_all(*(select(some.subquery()) for some in rows)).subquery().c.comment_id
    return select(comment_id).order_by(comment_id.desc()).limit(most)


def count(who: Moderator, wanted: Sequence[CommentFilter], most: int) -> list[int]:
    """Return the number of matches of each, up to ``most``, in one statement."""
    counted = [
        select(literal(place).label("place"), func.count().label("found")).select_from(_some(part, most))
        for place, one in enumerate(wanted)
        for part in _looked_for(who, one)
    ]
    found = [0] * len(wanted)
    for place, some in db.session.execute(union_all(*counted)) if counted else ():
        found[place] = min(found[place] + some, most)
    return found


def matches(who: Moderator, wanted: CommentFilter, comment: int) -> bool:
    """Return whether a comment matches."""
    parts = _looked_for(who, wanted)
    matches = (select(part.comment_id).where(part.fits, part.comment_id == comment) for part in parts)
    return any(db.session.scalar(rows) is not None for rows in matches)


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
    """Split a query into words and quoted phrases for the index; ``tele*`` keeps its star."""
    found, beginnings = [], 0
    for match in QUOTED.finditer(typed):
        words = match[1] if match[1] is not None else match[2]
        phrase = tokenize(words)[:MAX_PHRASE_LENGTH].strip()
        says_enough = len(phrase) >= MIN_BEGINNING_LENGTH or phrase > SYLLABLES
        is_beginning = match[1] is None and words.endswith("*") and says_enough
        if phrase:
            found.append(phrase + "*" * (is_beginning and beginnings < MAX_BEGINNINGS))
            beginnings += is_beginning
    return found[:MAX_PHRASES]


def _looked_for(who: Moderator, wanted: CommentFilter) -> list[Lookup]:
    """Return where to look: one place, or several to be combined."""
    texts = phrases(wanted.text)
    if wanted.text.strip() and not texts:
        return []  # punctuation only, which is not in the index
    if wanted.is_narrow:
        fits = [*_narrow_conditions(who, wanted), *_plainly(who, wanted)]
        if texts:
            found = full_text([], texts)
            fits.append(Comment.id.in_(select(found.comment_id).where(found.fits)))
        return [_in_table(*fits)]
    if not texts and replace(wanted, text="") == CommentFilter(wanted.state, wanted.site):
        places = _places(who, wanted)
        if len(places) <= MAX_PLACES:
            return [_in_table(*place) for place in places]
    gone = [f"=s{site}" for site in who.removed_site_ids]
    return [full_text(list(_tag_groups(who, wanted)), texts, _days(wanted), without=gone)]


def _in_table(*fits: ColumnElement[bool]) -> Lookup:
    return Lookup(_NUMBER, and_(true(), *fits), [_NUMBER])


def _places(who: Moderator, wanted: CommentFilter) -> list[list[ColumnElement[bool]]]:
    """Return conditions on state and site, for which the table has an index in order of age."""
    if who.is_owner and wanted.site is None:
        everywhere = who.may_see(Comment.site_id)
        return [[everywhere, Comment.state == wanted.state] if wanted.state else [everywhere]]
    own = [wanted.site] if who.is_owner else [site.id for site in who.sites]
    sites = [site for site in own if wanted.site in (None, site) and who.moderates(site)]
    states = [wanted.state] if wanted.state else list(State)
    return [[Comment.site_id == site, Comment.state == state] for site in sites for state in states]


def _tag_groups(who: Moderator, wanted: CommentFilter) -> Iterator[Sequence[str]]:
    """Return groups of tags; a comment must have one of each group."""
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


def _days(wanted: CommentFilter) -> Span | None:
    """Return the requested span, limited to times when there can be comments."""
    if not (wanted.since or wanted.until):
        return None
    first = max(wanted.since or FIRST_DAY, FIRST_DAY)
    last = min(wanted.until or date.max, clock.now().date() + timedelta(days=1))
    marks = list(_day_tags(first, last)) or ["=d0"]
    return Span(marks, _midnight(first), _midnight(last) + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _day_tags(day: date, last: date) -> Iterator[str]:
    """Return tags of whole months where possible, and of days."""
    while day <= last:
        next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        if day.day == 1 and next_month - timedelta(days=1) <= last:
            yield f"=m{day:%Y%m}"
            day = next_month
        else:
            yield f"=d{day:%Y%m%d}"
            day += timedelta(days=1)


def _narrow_conditions(who: Moderator, wanted: CommentFilter) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that few rows fulfil; these are looked up first."""
    if wanted.same_author_as:
        one = db.session.get(Comment, wanted.same_author_as)
        is_own = one is not None and who.moderates(one.thread.site_id)  # otherwise other authors would match
        theirs = is_by_same_author(one) if one is not None and is_own else Comment.id == 0
        yield Comment.id.in_(select(Comment.id).where(theirs))
    if wanted.author:
        yield Comment.id.in_(select(Comment.id).where(Comment.author == wanted.author))
    if wanted.address_hash:
        yield Comment.id.in_(select(Comment.id).where(Comment.address_hash == wanted.address_hash))
    if wanted.action:
        yield Comment.id.in_(select(Decision.comment_id).where(Decision.action_id == wanted.action))


def is_by_same_author(comment: Comment) -> ColumnElement[bool]:
    """Match comments from the same browser or email address; for a linkback, of the same name."""
    same = [Comment.visitor == comment.visitor] if comment.visitor else []
    same += [Comment.email == comment.email] if comment.email else []
    return or_(*same) if same else Comment.author == comment.author


def with_email(address: str) -> ColumnElement[bool]:
    """Match comments with an email address, whatever its case; the full-text index narrows them down first."""
    found = full_text([], [tokenize(address)])
    return Comment.id.in_(select(found.comment_id).where(found.fits)) & (func.lower(Comment.email) == address)


def _plainly(who: Moderator, wanted: CommentFilter) -> Iterator[ColumnElement[bool]]:
    """The same conditions as the tags, on few rows."""
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
