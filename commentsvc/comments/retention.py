"""Keep nothing longer than it is needed: hashes of network addresses, spam, trash, and letters that went out long ago.

Each site has its own days, counted from the last decision about a comment. A little at a time, so that nobody who
writes meanwhile waits for it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, exists, select, update
from sqlalchemy.orm import aliased

from commentsvc import clock
from commentsvc.comments import personal_data
from commentsvc.db import db
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.letter import Letter, LetterState
from commentsvc.models.ping import Ping, PingState
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread

AT_ONCE = 200  # rows of each kind
LETTERS_FOR = timedelta(days=90)
REASON_FORGOTTEN = "deleted"


def forget_some() -> int:
    """Forget what is too old; how many rows that were; writes."""
    forgotten = _forget_letters()
    for site in db.session.scalars(select(Site).order_by(Site.id)).all():
        forgotten += sum(_forget(site))
    return forgotten


def _forget(site: Site) -> Iterator[int]:
    if site.keep_addresses_days:
        yield _forget_addresses(site, _days_ago(site.keep_addresses_days))
    for state, days in ((State.SPAM, site.keep_spam_days), (State.TRASHED, site.keep_trash_days)):
        if days:
            yield _delete(site, state, _days_ago(days))


def _forget_addresses(site: Site, before: datetime) -> int:
    old = _of(site).where(Comment.address_hash.is_not(None), Comment.created_at < before).limit(AT_ONCE)
    numbers = list(db.session.scalars(old))
    forget = update(Comment).where(Comment.id.in_(numbers)).values(address_hash=None)
    db.session.execute(forget, execution_options={"synchronize_session": False})
    return len(numbers)


def _delete(site: Site, state: State, before: datetime) -> int:
    """Delete what nobody answered; what was answered keeps its place, and holds nothing any more."""
    lately = exists().where(Decision.comment_id == Comment.id, Decision.created_at >= before)
    old = _of(site).where(Comment.state == state, Comment.created_at < before, ~lately)
    old = old.where((Comment.author != personal_data.NOBODY) | ~_has_answers())
    numbers = list(db.session.scalars(old.order_by(Comment.id).limit(AT_ONCE)))
    for number in numbers:
        comment = Comment.locked(number)
        if comment is None:
            continue
        # What its page says again must not come back as if it were new.
        pings = update(Ping).where(Ping.comment_id == number)
        db.session.execute(pings.values(state=PingState.REFUSED, reason=REASON_FORGOTTEN))
        personal_data.empty(comment)
        if not db.session.scalar(select(_has_answers()).where(Comment.id == number)):
            db.session.delete(comment)
            db.session.flush()
    return len(numbers)


def _has_answers() -> ColumnElement[bool]:
    answer = aliased(Comment)
    return exists().where(answer.parent_id == Comment.id)


def _of(site: Site) -> Select[int]:
    return select(Comment.id).join(Thread, Thread.id == Comment.thread_id).where(Thread.site_id == site.id)


def _forget_letters() -> int:
    over = Letter.state.in_((LetterState.SENT, LetterState.FAILED, LetterState.CANCELLED))
    old = select(Letter.id).where(over, Letter.created_at < clock.now() - LETTERS_FOR).limit(AT_ONCE)
    numbers = list(db.session.scalars(old))
    db.session.execute(delete(Letter).where(Letter.id.in_(numbers)))
    return len(numbers)


def _days_ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)
