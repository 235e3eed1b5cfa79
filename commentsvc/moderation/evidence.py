"""What is known about a comment when it is judged: about its text, its writer, and what they did before.

The questions are put together once: that takes longer than their answers.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, func, select, union
from sqlalchemy.orm import aliased

from commentsvc import clock
from commentsvc.db import db, looked_at
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import is_called_spam
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription
from commentsvc.moderation import training
from commentsvc.spam.signals import Facts

ENOUGH = 20  # more than this many need not be counted
REMEMBERED = timedelta(days=90)  # how long spam speaks against what came from the same place


@dataclass(frozen=True)
class Circumstances:
    """What stands in no row: how a comment came, or what the page of a linkback says; as ``Facts`` explains it."""

    seconds: float | None = None
    unsolved: bool = False
    pings: int = 0
    links_out: int = 0
    is_made_up: bool = False


ORDINARY = Circumstances()


def about(comment: Comment, circumstances: Circumstances = ORDINARY) -> Facts:
    """Everything the signals ask for."""
    site = comment.thread.site
    return Facts(
        body=comment.body,
        author=comment.author,
        website=comment.website,
        email=comment.email,
        language=site.language,
        elsewhere=_elsewhere(comment),
        seen_in_spam=_seen_in_spam(comment),
        refused=refused(comment.visitor, comment.address_hash, besides=comment.id),
        approved=approved(site, comment.visitor, besides=comment.id),
        learned=training.opinion(comment),
        linkback=comment.kind if comment.is_linkback else "",
        title=comment.title if comment.is_linkback else "",
        author_url=comment.author_url,
        is_shown=comment.is_visible,
        **asdict(circumstances),
    )


def approved(site: Site, visitor: str | None, besides: int | None = None) -> int:
    """How many other comments of this visitor on the site were approved, counted up to ``ENOUGH``.

    Theirs is what came from their browser, or with an address that they confirmed in it; typing one proves nothing.
    """
    if visitor is None:
        return 0
    asked = {"visitor": visitor, "site": site.id, "besides": besides or 0}
    return db.session.scalar(_approved(), asked) or 0


@cache
def _approved() -> Select[int]:
    visitor: BindParameter[str] = bindparam("visitor")
    confirmed = aliased(Comment)
    own_addresses = (
        select(confirmed.email)
        .join(Subscription, Subscription.comment_id == confirmed.id)
        .where(Subscription.confirmed_by == visitor)
    )
    theirs = _any_of(Comment.visitor == visitor, Comment.email.in_(own_addresses))
    here = (Comment.state == State.APPROVED, looked_at(Comment.site_id) == bindparam("site"))
    return _counted(select(Comment.id).where(theirs, *here, Comment.id != bindparam("besides")))


def refused(visitor: str | None, address_hash: str | None, besides: int | None = None) -> int:
    """Other spam from this browser or address of late, as moderators saw it; counted up to ``ENOUGH``."""
    same = {name: value for name, value in (("visitor", visitor), ("address_hash", address_hash)) if value}
    if not same:
        return 0
    asked = {**same, "besides": besides or 0, "since": clock.now() - REMEMBERED}
    return db.session.scalar(_refused(*same), asked) or 0


@cache
def _refused(*same: str) -> Select[int]:
    theirs = _any_of(*(getattr(Comment, name) == bindparam(name) for name in same))
    return _counted(_called_spam().where(Comment.created_at > bindparam("since"), theirs))


def _any_of(*same: ColumnElement[bool]) -> ColumnElement[bool]:
    """One of these, each found by an index of its own; asked for as one, SQLite looks through all in their state."""
    return Comment.id.in_(union(*(select(Comment.id).where(one) for one in same)))


def _elsewhere(comment: Comment) -> int:
    if comment.is_linkback:  # a page may well link to several articles
        return 0
    asked = {"text": comment.body_hash, "thread": comment.thread_id or 0}
    return db.session.scalar(_same_text_elsewhere(), asked) or 0


@cache
def _same_text_elsewhere() -> Select[int]:
    elsewhere = (Comment.body_hash == bindparam("text"), Comment.thread_id != bindparam("thread"))
    return _counted(select(Comment.thread_id).where(*elsewhere).distinct())


def _seen_in_spam(comment: Comment) -> frozenset[str]:
    """Which of text, website, name and address a moderator found in spam."""
    same = {"text": comment.body_hash, "name": comment.author}
    if comment.email:
        same["email"] = comment.email
    besides = comment.id or 0
    found = {
        name
        for name, value in same.items()
        if db.session.scalar(_seen(name), {name: value, "besides": besides}) is not None
    }
    return frozenset(found | ({"website"} if training.is_website_of_spam(comment) else set()))


@cache
def _seen(name: str) -> Select[int]:
    column = {"text": Comment.body_hash, "name": Comment.author, "email": Comment.email}[name]
    return _called_spam().where(column == bindparam(name)).limit(1)


def _counted(rows: Select[int]) -> Select[int]:
    return select(func.count()).select_from(rows.limit(ENOUGH).subquery())


def _called_spam() -> Select[int]:
    """Other comments that moderators called spam: the score must not feed itself."""
    return select(Comment.id).where(is_called_spam(), Comment.id != bindparam("besides"))
