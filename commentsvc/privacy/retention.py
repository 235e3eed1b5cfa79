"""Delete what is too old: hashes of network addresses, spam, trash, and old emails and deliveries.

Each site has its own periods for the first three: for addresses they count from the comment, for spam and trash from
the last decision. Emails and deliveries are kept for 90 days. It is done in small batches, so that writers do not wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import aliased

from commentsvc import clock
from commentsvc.db import db, unindexed
from commentsvc.models.comment import REASON_EXPIRED, Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.delivery import Delivery, DeliveryState
from commentsvc.models.email import Email, EmailState
from commentsvc.models.ping import Ping, PingState
from commentsvc.models.site import Site
from commentsvc.moderation import decisions
from commentsvc.privacy import personal_data

BATCH_SIZE = 50  # rows of each kind and site
PUT_AWAY = (State.SPAM, State.TRASHED)
MESSAGE_RETENTION = timedelta(days=90)


@dataclass(frozen=True)
class Due:
    """Ids of what is too old: comments and pings whose address is erased, and rows to delete or to empty."""

    addresses: list[int]
    pings: list[int]
    comments: list[int]
    emails: list[int]
    deliveries: list[int]

    def __len__(self) -> int:
        return sum(map(len, (self.addresses, self.pings, self.comments, self.emails, self.deliveries)))


def due() -> Due:
    """Return what to delete next; it is looked up before anything is locked."""
    sites = db.session.scalars(select(Site).order_by(Site.id)).all()
    addresses = [one for site in sites for one in _old_addresses(site, Comment)]
    pings = [one for site in sites for one in _old_addresses(site, Ping)]
    comments = [one for site in sites for one in _old_comments(site)]
    emails, deliveries = _finished(Email, EmailState.QUEUED), _finished(Delivery, DeliveryState.QUEUED)
    return Due(addresses, pings, comments, emails, deliveries)


def forget(old: Due) -> int:
    """Delete it; return how many rows were due.

    A comment without replies is deleted; one with replies keeps its place and is emptied; one that is no longer spam or
    trash stays.
    """
    without_address = update(Comment).where(Comment.id.in_(old.addresses)).values(address_hash=None)
    db.session.execute(without_address, execution_options={"synchronize_session": False})
    db.session.execute(update(Ping).where(Ping.id.in_(old.pings)).values(address_hash=None))
    db.session.execute(delete(Email).where(Email.id.in_(old.emails)))
    db.session.execute(delete(Delivery).where(Delivery.id.in_(old.deliveries)))
    for comment_id in old.comments:
        if (comment := Comment.locked(comment_id)) is not None and comment.state in PUT_AWAY:
            _delete(comment)
    return len(old)


def _delete(comment: Comment) -> None:
    # A deleted linkback must not be created anew when its page is fetched again.
    pings = update(Ping).where(Ping.comment_id == comment.id)
    nothing = {"title": "", "excerpt": "", "blog_name": ""}
    db.session.execute(pings.values(state=PingState.REFUSED, reason=REASON_EXPIRED, **nothing))
    personal_data.empty(comment, REASON_EXPIRED)
    decisions.record_emptied(comment)
    if not db.session.scalar(select(_has_answers()).where(Comment.id == comment.id)):
        db.session.delete(comment)
        db.session.flush()


def _old_addresses(site: Site, table: type[Comment | Ping]) -> list[int]:
    if not site.keep_addresses_days:
        return []
    old = table.address_hash.is_not(None), table.created_at < _days_ago(site.keep_addresses_days)
    rows = select(table.id).where(unindexed(table.site_id) == site.id, *old)
    return list(db.session.scalars(rows.limit(BATCH_SIZE)))


def _old_comments(site: Site) -> list[int]:
    found: list[int] = []
    for state, days in ((State.SPAM, site.keep_spam_days), (State.TRASHED, site.keep_trash_days)):
        if days:
            lately = exists().where(Decision.comment_id == Comment.id, Decision.created_at >= _days_ago(days))
            of_site = select(Comment.id).where(Comment.site_id == site.id, Comment.state == state)
            old = of_site.where(Comment.created_at < _days_ago(days), ~lately)
            old = old.where((Comment.author != personal_data.NOBODY) | ~_has_answers())
            found += db.session.scalars(old.order_by(Comment.id).limit(BATCH_SIZE))
    return found


def _finished(table: type[Email | Delivery], queued: str) -> list[int]:
    """Return old emails that were sent or given up."""
    old = table.created_at < clock.now() - MESSAGE_RETENTION
    return list(db.session.scalars(select(table.id).where(table.state != queued, old).limit(BATCH_SIZE)))


def _has_answers() -> ColumnElement[bool]:
    answer = aliased(Comment)
    return exists().where(answer.parent_id == Comment.id)


def _days_ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)
