"""What is known about a comment when it is judged: about its text, its writer, and what they did before."""

from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, func, select, union
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
    confirmed = aliased(Comment)
    own_addresses = (
        select(confirmed.email)
        .join(Subscription, Subscription.comment_id == confirmed.id)
        .where(Subscription.confirmed_by == visitor)
    )
    theirs = _any_of(Comment.visitor == visitor, Comment.email.in_(own_addresses))
    here = (Comment.state == State.APPROVED, looked_at(Comment.site_id) == site.id, Comment.id != (besides or 0))
    return _count(select(Comment.id).where(theirs, *here))


def refused(visitor: str | None, address_hash: str | None, besides: int | None = None) -> int:
    """Other spam from this browser or address of late, as moderators saw it; counted up to ``ENOUGH``."""
    same = [Comment.visitor == visitor] if visitor else []
    same += [Comment.address_hash == address_hash] if address_hash else []
    if not same:
        return 0
    return _count(_called_spam(besides).where(Comment.created_at > clock.now() - REMEMBERED, _any_of(*same)))


def _any_of(*same: ColumnElement[bool]) -> ColumnElement[bool]:
    """One of these, each found by an index of its own; asked for as one, SQLite looks through all in their state."""
    return Comment.id.in_(union(*(select(Comment.id).where(one) for one in same)))


def _elsewhere(comment: Comment) -> int:
    if comment.is_linkback:  # a page may well link to several articles
        return 0
    same = Comment.body_hash == comment.body_hash
    return _count(select(Comment.thread_id).where(same, Comment.thread_id != comment.thread_id).distinct())


def _seen_in_spam(comment: Comment) -> frozenset[str]:
    """Which of text, website, name and address a moderator found in spam."""
    same = {"text": Comment.body_hash == comment.body_hash, "name": Comment.author == comment.author}
    if comment.email:
        same["email"] = Comment.email == comment.email
    spam = _called_spam(comment.id)
    found = {name for name, is_same in same.items() if db.session.scalar(spam.where(is_same).limit(1)) is not None}
    return frozenset(found | ({"website"} if training.is_website_of_spam(comment) else set()))


def _count(rows: Select[int]) -> int:
    return db.session.scalar(select(func.count()).select_from(rows.limit(ENOUGH).subquery())) or 0


def _called_spam(besides: int | None) -> Select[int]:
    """Other comments that moderators called spam: the score must not feed itself."""
    return select(Comment.id).where(is_called_spam(), Comment.id != (besides or 0))
