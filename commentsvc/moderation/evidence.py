"""What is known about a comment when it is judged: about its text, its writer, and what they did before."""

from datetime import timedelta

from sqlalchemy import Select, func, select

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import is_called_spam
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import training
from commentsvc.spam.signals import Facts

ENOUGH = 20  # more than this many need not be counted
REMEMBERED = timedelta(days=90)  # how long spam speaks against what came from the same place


def about(comment: Comment, seconds: float | None = None) -> Facts:
    """Everything the signals ask for; ``seconds`` from seeing the form to sending it, where that is known."""
    site = comment.thread.site
    return Facts(
        body=comment.body,
        author=comment.author,
        website=comment.website,
        email=comment.email,
        language=site.language,
        seconds=seconds,
        elsewhere=_elsewhere(comment),
        seen_in_spam=_seen_in_spam(comment),
        refused=_refused(comment),
        approved=approved(site, comment.visitor, besides=comment.id),
        learned=training.opinion(comment),
        is_linkback=comment.is_linkback,
    )


def approved(site: Site, visitor: str | None, besides: int | None = None) -> int:
    """How many other comments of this visitor on the site were approved, counted up to ``ENOUGH``."""
    if visitor is None:
        return 0
    return _count(
        select(Comment.id)
        .join(Thread, Comment.thread_id == Thread.id)
        .where(Comment.visitor == visitor, Comment.state == State.APPROVED, Thread.site_id == site.id)
        .where(Comment.id != (besides or 0))
    )


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
    spam = _called_spam(comment)
    found = {name for name, is_same in same.items() if db.session.scalar(spam.where(is_same).limit(1)) is not None}
    return frozenset(found | ({"website"} if training.is_website_of_spam(comment) else set()))


def _refused(comment: Comment) -> int:
    """Spam from the same browser or address of late, as moderators saw it."""
    same = [Comment.visitor == comment.visitor] if comment.visitor else []
    same += [Comment.address_hash == comment.address_hash] if comment.address_hash else []
    if not same:
        return 0
    either = same[0] if len(same) == 1 else same[0] | same[1]
    return _count(_called_spam(comment).where(Comment.created_at > clock.now() - REMEMBERED, either))


def _count(rows: Select[int]) -> int:
    return db.session.scalar(select(func.count()).select_from(rows.limit(ENOUGH).subquery())) or 0


def _called_spam(comment: Comment) -> Select[int]:
    """Other comments that moderators called spam: the score must not feed itself."""
    return select(Comment.id).where(is_called_spam(), Comment.id != (comment.id or 0))
