"""Who wrote lately, for owners who look for somebody."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.moderator import Moderator

LATELY = 1000  # comments looked through
PAGE_SIZE = 50


@dataclass(frozen=True)
class Author:
    """Somebody who wrote: the latest comment, and how many of the latest ones are theirs."""

    latest: Comment
    count: int


def lately(who: Moderator) -> Sequence[Author]:
    """Return authors, the latest first; one with an address is the same in every browser."""
    rows = select(Comment).where(Comment.kind == Kind.COMMENT, Comment.moderator_id.is_(None), Comment.body != "")
    rows = rows.where(who.may_see(Comment.site_id)).order_by(Comment.id.desc()).limit(LATELY)
    found: dict[str, list[Comment]] = {}
    for comment in db.session.scalars(rows):
        known = (comment.email or "").lower() or comment.visitor or comment.author
        found.setdefault(known, []).append(comment)
    # Those who were imported may have written long ago, and since then here.
    authors = [Author(max(theirs, key=lambda one: one.created_at), len(theirs)) for theirs in found.values()]
    return sorted(authors, key=lambda one: one.latest.created_at, reverse=True)[:PAGE_SIZE]
