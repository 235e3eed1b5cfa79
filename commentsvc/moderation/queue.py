"""The moderators' queue: comments with everything that helps to decide about them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, selectinload

from commentsvc.db import db, unindexed
from commentsvc.errors import Reason
from commentsvc.models.comment import REASON_TAKEN_BACK, Comment, State, reason_tag
from commentsvc.models.moderator import Moderator
from commentsvc.models.note import Note
from commentsvc.models.revision import Revision
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import policy, search
from commentsvc.moderation.search import CommentFilter

About = TypeVar("About", Revision, Note)
PAGE_SIZE = 20
FEW = 10  # sites counted one by one
MANY = 10_000  # more than this many are not counted
LATELY = 200  # comments of one author that are counted


@dataclass(frozen=True)
class QueuePage:
    """A part of the queue, newest first. ``before`` is the cursor of the next part, None at the end."""

    comments: list[Comment]
    before: int | None = None
    revisions: dict[int, list[Revision]] = field(default_factory=dict)  # earlier texts of edited comments, oldest first
    histories: dict[int, dict[State, int]] = field(default_factory=dict)  # other comments of the same author, by state
    notes: dict[int, list[Note]] = field(default_factory=dict)

    def reasons_of(self, comment: Comment) -> list[Reason]:
        """Return why a comment is pending. “First comment” is left out once its author has an approved one."""
        is_known = State.APPROVED in self.histories.get(comment.id, {})
        return [one for one in comment.reasons or () if not (is_known and one == policy.REASON_FIRST)]


def page(who: Moderator, wanted: CommentFilter, before: int | None = None) -> QueuePage:
    """Return the part of the queue after ``before``."""
    found = search.ids(who, wanted, PAGE_SIZE + 1, before)
    return described(who, found[:PAGE_SIZE], found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None)


def described(who: Moderator, ids: Sequence[int], before: int | None = None) -> QueuePage:
    """Return comments by id, with earlier texts, their authors' history, and notes."""
    rows = select(Comment).options(selectinload(Comment.parent)).where(Comment.id.in_(ids))
    comments = list(db.session.scalars(rows.order_by(Comment.id.desc())))
    return QueuePage(comments, before, _revisions(comments), _histories(who, comments), _notes(comments))


def _revisions(comments: list[Comment]) -> dict[int, list[Revision]]:
    edited = [comment.id for comment in comments if comment.edited_at]
    rows = select(Revision).where(Revision.comment_id.in_(edited)).order_by(Revision.id)
    return _by_comment(db.session.scalars(rows) if edited else ())


def _notes(comments: list[Comment]) -> dict[int, list[Note]]:
    rows = select(Note).where(Note.comment_id.in_([comment.id for comment in comments])).order_by(Note.id)
    return _by_comment(db.session.scalars(rows))


def _by_comment(rows: Iterable[About]) -> dict[int, list[About]]:
    found: dict[int, list[About]] = {}
    for row in rows:
        found.setdefault(row.comment_id, []).append(row)
    return found


def _histories(who: Moderator, comments: list[Comment]) -> dict[int, dict[State, int]]:
    """Return the other comments of the same authors on the moderator's sites, but those they deleted themselves."""
    other = aliased(Comment)
    theirs = select(other.state).where((other.visitor == Comment.visitor) | (other.email == Comment.email))
    theirs = theirs.where(who.may_see(unindexed(other.site_id)), other.id != Comment.id)
    theirs = theirs.where(~other.search_tags.contains(reason_tag(REASON_TAKEN_BACK)))
    some = theirs.limit(LATELY).correlate(Comment).subquery()
    states = select(func.aggregate_strings(some.c.state, " ")).scalar_subquery()
    rows = select(Comment.id, states).where(Comment.id.in_([comment.id for comment in comments]))
    found: dict[int, str | None] = dict(db.session.execute(rows).all())
    return {comment.id: _counted(found.get(comment.id) or "") for comment in comments}


def _counted(states: str) -> dict[State, int]:
    others = Counter(states.split())
    return {state: others[state] for state in State if others[state]}


def counts(who: Moderator, site: int | None = None) -> dict[State, int]:
    """Return the number of comments per state, of one site or all of a moderator's, up to ``MANY``."""
    found = search.count(who, [CommentFilter(state=state, site=site) for state in State], MANY)
    return dict(zip(State, found, strict=True))


def waiting(who: Moderator) -> int:
    """Return how many comments are pending, up to ``MANY``."""
    return search.count(who, [CommentFilter(state=State.PENDING)], MANY)[0]


def waiting_by_site(who: Moderator) -> list[tuple[Site, int]]:
    """Return the moderator's sites by name, each with its number of pending comments."""
    sites = who.visible_sites()
    if len(sites) <= FEW:
        there = search.count(who, [CommentFilter(state=State.PENDING, site=site.id) for site in sites], MANY)
        return list(zip(sites, there, strict=True))
    held = select(Comment.site_id).where(Comment.state == State.PENDING, who.may_see(Comment.site_id)).limit(MANY)
    site = held.subquery().c.site_id
    counted: dict[int, int] = dict(db.session.execute(select(site, func.count()).group_by(site)).all())
    return [(site, counted.get(site.id, 0)) for site in sites]


def counts_in(thread: Thread) -> dict[State, int]:
    """Return the number of comments per state in a thread."""
    rows = select(Comment.state, func.count()).where(Comment.thread_id == thread.id).group_by(Comment.state)
    found = dict(db.session.execute(rows).all())
    return {state: found.get(state, 0) for state in State}


def reasons_of(who: Moderator, state: State | None) -> list[Reason]:
    """Return the reasons of the newest comments in a state, to filter by."""
    newest = search.selected(who, CommentFilter(state=state), PAGE_SIZE * 4)
    rows = db.session.scalars(select(Comment.reasons).where(Comment.id.in_(newest)))
    sentences = {one if isinstance(one, str) else one[0] for reasons in rows for one in reasons}
    return sorted(sentences)


def others_of(who: Moderator, comment: Comment, most: int = 5) -> list[Comment]:
    """Return the latest other comments of the same author."""
    found = search.ids(who, CommentFilter(same_author_as=comment.id), most + 1)
    others = [comment_id for comment_id in found if comment_id != comment.id][:most]
    return list(db.session.scalars(select(Comment).where(Comment.id.in_(others)).order_by(Comment.id.desc())))


def latest_in(thread: Thread, besides: Comment, most: int = 100) -> list[Comment]:
    """Return the latest published comments of a thread, to choose one from."""
    there = (Comment.thread_id == thread.id, Comment.state == State.APPROVED, Comment.is_discussion)
    rows = select(Comment).where(*there, Comment.id != besides.id).order_by(*Comment.order(newest_first=True))
    return list(db.session.scalars(rows.limit(most)))
