"""What the moderator's list shows: comments and linkbacks of every site in one state, and the log."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from commentsvc.db import db
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.revision import Revision

PAGE = 30


@dataclass(frozen=True)
class Page:
    """A part of the list, newest first; ``before`` is the id to ask for the next part with, or None at the end."""

    comments: list[Comment]
    before: int | None
    revisions: dict[int, list[Revision]]  # what edited comments said before, oldest first


def page(state: State, before: int | None = None) -> Page:
    """The comments in ``state`` with ids below ``before``."""
    rows = select(Comment).options(joinedload(Comment.parent)).where(Comment.state == state)
    if before is not None:
        rows = rows.where(Comment.id < before)
    found = list(db.session.scalars(rows.order_by(Comment.id.desc()).limit(PAGE + 1)))
    shown = found[:PAGE]
    return Page(shown, found[PAGE - 1].id if len(found) > PAGE else None, _revisions(shown))


def _revisions(comments: list[Comment]) -> dict[int, list[Revision]]:
    edited = [comment.id for comment in comments if comment.edited_at]
    found: dict[int, list[Revision]] = {}
    if edited:
        rows = select(Revision).where(Revision.comment_id.in_(edited)).order_by(Revision.id)
        for revision in db.session.scalars(rows):
            found.setdefault(revision.comment_id, []).append(revision)
    return found


def counts() -> dict[State, int]:
    """How many comments are in each state."""
    rows = db.session.execute(select(Comment.state, func.count()).group_by(Comment.state)).all()
    found = dict(rows)
    return {state: found.get(state, 0) for state in State}


def log(before: int | None = None) -> list[Decision]:
    """The last decisions, newest first."""
    rows = select(Decision).order_by(Decision.id.desc()).limit(PAGE * 2)
    return list(db.session.scalars(rows.where(Decision.id < before) if before else rows))
