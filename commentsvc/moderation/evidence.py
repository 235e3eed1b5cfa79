"""Gather what is known about a comment: its text, its author, and what the author did before.

The statements are prepared, since building them takes longer than running them.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Boolean, ColumnElement, Select, bindparam, func, select, union
from sqlalchemy.orm import aliased

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision, is_moderator_spam, pending_for_author
from commentsvc.models.learned_word import ALL_TEXTS, LearnedWord
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription
from commentsvc.moderation import training
from commentsvc.prepared import Prepared
from commentsvc.spam import learning
from commentsvc.spam.learning import WordCount
from commentsvc.spam.signals import Facts

COUNT_CAP = 20  # more than this many need not be counted
NEWEST = 100  # of what one person wrote, or many in one name: a comment must not cost more the more there are
MIN_DISTINCTIVE_LENGTH = 16  # characters of a text that two people hardly write by chance
COLUMNS = (
    Comment.id,
    Comment.site_id,
    Comment.thread_id,
    Comment.parent_id,
    Comment.state,
    Comment.visitor,
    Comment.address_hash,
    Comment.created_at,
)
SPAM_HISTORY = timedelta(days=90)  # how long earlier spam counts against the same browser or address


@dataclass(frozen=True)
class SubmissionContext:
    """Facts that are in no row: how a comment arrived, or what a linkback's page contains; see ``Facts``."""

    seconds: float | None = None
    unsolved: bool = False
    pings: int = 0
    links_out: int = 0
    is_made_up: bool = False


ORDINARY = SubmissionContext()


@dataclass(frozen=True)
class CommentHistory:
    """Facts from the database about the text, the author's history, and earlier spam."""

    duplicate: int | None  # the same text in its thread, if its author can see that
    same_text_count: int
    text: int | None  # a comment with the same text, name or mail address that a moderator called spam
    name: int | None
    email: int | None
    website_in_spam: int | None  # spam texts that contain its website
    website_in_ham: int | None
    spam_count: int
    approved_count: int
    spam_here: int | None  # how many texts the filter has learned from
    ham_here: int | None
    spam_elsewhere: int | None
    ham_elsewhere: int | None


def gather(comment: Comment) -> CommentHistory:
    """Collect everything in one statement."""
    site = comment.thread.site
    values = {
        "text": comment.body_hash,
        "thread": comment.thread_id,
        "parent": comment.parent_id,
        "is_long": len(comment.body) >= MIN_DISTINCTIVE_LENGTH,
        "name": comment.author,
        "email": comment.email,
        "website": learning.website(comment.website) if comment.website else None,
        "visitor": comment.visitor,
        "address_hash": comment.address_hash,
        "site": site.id,
        "besides": comment.id or 0,
        "since": clock.now() - SPAM_HISTORY,
        "lately": clock.now() - timedelta(hours=site.same_text_hours),
    }
    db.session.flush()
    return CommentHistory(*EVERYTHING.fetch_one(values))


def _everything() -> Select[*tuple[Any, ...]]:
    sums = (func.sum(LearnedWord.spam), func.sum(LearnedWord.ham))
    texts = select(*sums).where(LearnedWord.word == ALL_TEXTS)
    website = select(*sums).where(LearnedWord.word == bindparam("website"))
    questions = [
        _duplicate(),
        _same_text_count(),
        *(_seen(name) for name in ("text", "name", "email")),
        *_columns_of(website),
        _spam_count("visitor", "address_hash"),
        _approved(),
        *_columns_of(texts.where(LearnedWord.site_id == bindparam("site"))),
        *_columns_of(texts.where(LearnedWord.site_id != bindparam("site"))),
    ]
    return select(*(question.scalar_subquery() for question in questions))


def _columns_of(pair: Select[*tuple[Any, ...]]) -> Iterator[Select[*tuple[Any, ...]]]:
    for column in pair.selected_columns:
        yield pair.with_only_columns(column)


def facts(comment: Comment, known: CommentHistory, context: SubmissionContext) -> Facts:
    """Return the input of the spam signals."""
    seen = {name for name in ("text", "name", "email") if getattr(known, name) is not None}
    if known.website_in_spam and not known.website_in_ham:
        seen.add("website")
    own = WordCount(known.spam_here or 0, known.ham_here or 0)
    others = WordCount(known.spam_elsewhere or 0, known.ham_elsewhere or 0)
    return Facts(
        body=comment.body,
        author=comment.author,
        website=comment.website,
        email=comment.email,
        language=comment.thread.site.language,
        same_text_count=0 if comment.is_linkback else known.same_text_count,  # a page may well link to several articles
        seen_in_spam=frozenset(seen),
        spam_count=known.spam_count,
        approved_count=known.approved_count,
        learned=training.opinion(comment, own, others),
        linkback=comment.kind if comment.is_linkback else "",
        title=comment.title if comment.is_linkback else "",
        author_url=comment.author_url,
        is_shown=comment.is_visible,
        **asdict(context),
    )


def approved_count(site: Site, visitor: str | None) -> int:
    """Return how many comments of this visitor on the site were approved, up to ``COUNT_CAP``.

    Comments count if they came from the visitor's browser or with an email address confirmed in it. Comments that only
    a rule approved count only if a moderator approved another one, or an address was confirmed.
    """
    if visitor is None:
        return 0
    values = {"visitor": visitor, "site": site.id, "besides": 0}
    db.session.flush()
    return APPROVED.fetch_int(values)


def approved_by_rule_lately(site: Site, visitor: str, address_hash: str | None) -> int:
    """Return how many comments of this visitor, from this address, rules approved within a day, up to ``COUNT_CAP``."""
    values = {
        "visitor": visitor,
        "address_hash": address_hash,
        "site": site.id,
        "since": clock.now() - timedelta(days=1),
    }
    db.session.flush()
    return APPROVED_BY_RULE_LATELY.fetch_int(values)


def _approved_by_rule_lately() -> Select[int]:
    theirs = _newest(Comment.visitor == bindparam("visitor"))
    alike = theirs.address_hash.is_not_distinct_from(bindparam("address_hash"))
    conditions = (theirs.state == State.APPROVED, theirs.site_id == bindparam("site"))
    return _counted(select(theirs.id).where(alike, *conditions, theirs.created_at > bindparam("since")))


def _approved() -> Select[int]:
    visitor: BindParameter[str] = bindparam("visitor")
    confirmed = select(Subscription.id).where(Subscription.confirmed_by == visitor)
    own_address = (
        select(Comment.email)
        .join(Subscription, Subscription.comment_id == Comment.id)
        .where(Subscription.confirmed_by == visitor)
        .order_by(Subscription.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    approved = Comment.state == State.APPROVED
    theirs = _newest(Comment.visitor == visitor, (Comment.email == own_address) & approved)
    conditions = (theirs.state == State.APPROVED, theirs.site_id == bindparam("site"))
    other = select(theirs.id).where(*conditions, theirs.id != bindparam("besides"))
    is_approval = (Decision.is_by_person, Decision.after == State.APPROVED)
    by_person = select(Decision.id).where(Decision.comment_id.in_(other), *is_approval)
    return _counted(other.where(by_person.exists() | confirmed.exists()))


def spam_count(visitor: str | None, address_hash: str | None) -> int:
    """Return how much recent spam, as judged by moderators, came from this browser or address, up to ``COUNT_CAP``."""
    same = {name: value for name, value in (("visitor", visitor), ("address_hash", address_hash)) if value}
    if not same:
        return 0
    values = {**same, "besides": 0, "since": clock.now() - SPAM_HISTORY}
    return db.session.scalar(_spam_count(*same), values) or 0


@cache
def _spam_count(*same: str) -> Select[int]:
    # Only spam counts for an address: many people may share it.
    alike = {
        "visitor": Comment.visitor == bindparam("visitor"),
        "address_hash": (Comment.address_hash == bindparam("address_hash")) & (Comment.state == State.SPAM),
    }
    theirs = _newest(*(alike[name] for name in same))
    return _counted(_called_spam(theirs).where(theirs.created_at > bindparam("since")))


def _duplicate() -> Select[int]:
    """Select a comment with the same text and parent. Of held comments, only the author's own match.

    Short texts of others are excluded: many people write the same.
    """
    text = Comment.body_hash == bindparam("text")
    same = _newest(*(text & (Comment.state == state) for state in (State.APPROVED, State.PENDING, State.SPAM)))
    is_own = same.visitor == bindparam("visitor")
    place = (same.thread_id == bindparam("thread"), same.parent_id.is_not_distinct_from(bindparam("parent")))
    shown = (same.state == State.APPROVED) | (pending_for_author(same) & is_own)
    lately = (same.created_at > bindparam("lately"), same.id != bindparam("besides"))
    return select(same.id).where(*place, bindparam("is_long", type_=Boolean()) | is_own, shown, *lately).limit(1)


def _same_text_count() -> Select[int]:
    same = _newest(*((Comment.body_hash == bindparam("text")) & (Comment.state == state) for state in State))
    return _counted(select(same.thread_id).where(same.thread_id != bindparam("thread")).distinct())


def _seen(name: str) -> Select[int]:
    column = {"text": Comment.body_hash, "name": Comment.author, "email": Comment.email}[name]
    return _called_spam(_newest((column == bindparam(name)) & (Comment.state == State.SPAM))).limit(1)


def _newest(*alike: ColumnElement[bool]) -> type[Comment]:
    """Select the newest comments of each of these kinds, each through an index in that order.

    Further conditions apply to these few only; otherwise SQLite would start with whatever index one of them has.
    """
    kinds = (select(*COLUMNS).where(kind).order_by(Comment.id.desc()).limit(NEWEST).subquery() for kind in alike)
    return aliased(Comment, union(*(select(kind) for kind in kinds)).subquery())


def _counted(rows: Select[int]) -> Select[int]:
    return select(func.count()).select_from(rows.limit(COUNT_CAP).subquery())


def _called_spam(comment: type[Comment]) -> Select[int]:
    """Select those of these comments that moderators called spam: the score must not train on itself."""
    return select(comment.id).where(is_moderator_spam(comment), comment.id != bindparam("besides"))


EVERYTHING, APPROVED, APPROVED_BY_RULE_LATELY = (
    Prepared(_everything),
    Prepared(_approved),
    Prepared(_approved_by_rule_lately),
)
