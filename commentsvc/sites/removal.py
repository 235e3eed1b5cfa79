"""Remove a site: out of service at once, its rows in batches.

Deleting a million comments in one go would block all writers.
"""

import secrets
from typing import Any

from sqlalchemy import ColumnElement, delete, select, tuple_

from commentsvc import clock, content_versions
from commentsvc.db import Base, db
from commentsvc.models.announcement import Announcement
from commentsvc.models.channel import Channel
from commentsvc.models.comment import Comment
from commentsvc.models.daily_count import DailyCount
from commentsvc.models.delivery import Delivery
from commentsvc.models.learned_word import LearnedWord
from commentsvc.models.moderator import moderator_site
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.ping import Ping
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.sites import sites

BATCH_SIZE = 200  # rows


def begin(site: Site, by: Person) -> None:
    """Take a site out of service: its key becomes free, and nobody moderates it."""
    actions.record(Verb.REMOVAL, by, undo_data={"blog": site.name})
    db.session.execute(delete(moderator_site).where(moderator_site.c.site_id == site.id))
    sites.watch(site, "")  # its address may be somebody else's soon
    site.removed_at = clock.now()
    site.key = f"removed-{site.id}-{secrets.token_hex(4)}"
    db.session.flush()
    content_versions.bump_site(site.id)


def has_remaining() -> bool:
    """Return whether anything of a removed site is still to be deleted."""
    return _next() is not None


def delete_batch() -> int:
    """Delete the next rows of a removed site; return how many, 0 when nothing is left."""
    site = _next()
    if site is None:
        return 0
    for table, theirs in _rows_of(site):
        if gone := _delete_some(table, theirs):
            return gone
    db.session.delete(site)  # and the little that hangs on it
    db.session.flush()
    return 1


def _next() -> Site | None:
    return db.session.scalar(select(Site).where(Site.removed_at.is_not(None)).order_by(Site.id).limit(1))


def _rows_of(site: Site) -> list[tuple[type[Base], ColumnElement[bool]]]:
    """Return the tables with many rows; subscriptions first, so that nobody is notified any more."""
    channels = select(Channel.id).where(Channel.site_id == site.id)
    return [
        (Subscription, Subscription.site_id == site.id),
        (Ping, Ping.site_id == site.id),
        (Announcement, Announcement.site_id == site.id),
        (Comment, Comment.site_id == site.id),
        (ThreadAlias, ThreadAlias.site_id == site.id),
        (Thread, Thread.site_id == site.id),
        (ModeratorAction, ModeratorAction.site_id == site.id),
        (Delivery, Delivery.channel_id.in_(channels)),
        (DailyCount, DailyCount.site_id == site.id),
        (LearnedWord, LearnedWord.site_id == site.id),
    ]


def _delete_some(table: type[Base], theirs: ColumnElement[bool]) -> int:
    keys: list[Any] = list(table.__table__.primary_key)
    some = [tuple(row) for row in db.session.execute(select(*keys).where(theirs).limit(BATCH_SIZE))]
    if some:
        gone = delete(table).where(tuple_(*keys).in_(some))
        db.session.execute(gone, execution_options={"synchronize_session": False})
    return len(some)
