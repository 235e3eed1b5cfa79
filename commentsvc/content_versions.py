"""The versions of what readers see.

Every visible change increments one in its transaction, so that any process can tell whether its snapshots are current.
After the commit, a signal tells the process that made the change.
"""

from collections.abc import Collection

from blinker import Signal
from sqlalchemy import bindparam, update

from commentsvc.db import db
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.prepared import Prepared

thread_changed = Signal("sender: the id of the site; key: the key of the thread")
site_changed = Signal("sender: the id of the site, any thread of which may have changed")
THREAD = Prepared(lambda: update(Thread).where(Thread.id == bindparam("number")).values(version=Thread.version + 1))
ACTIVITY = Prepared(
    lambda: update(Site).where(Site.id == bindparam("number")).values(activity_version=Site.activity_version + 1)
)


def bump_thread(thread: Thread) -> None:
    """Note that a thread has changed, and with it whatever shows several threads of its site."""
    db.session.flush()
    THREAD.execute_later({"number": thread.id})
    db.session.expire(thread, ["version"])
    bump_activity([thread])


def bump_activity(threads: Collection[Thread]) -> None:
    """The same for a caller whose own statement increments the threads' versions."""
    for site_id in sorted({thread.site_id for thread in threads}):
        ACTIVITY.execute_later({"number": site_id})
    for thread in threads:
        db.on_commit(_send_thread, thread.site_id, thread.key)


def bump_site(site_id: int) -> None:
    """Note that every thread of a site may have changed: how it looks, or which address shows it."""
    db.session.execute(update(Site).where(Site.id == site_id).values({Site.version: Site.version + 1}))
    db.on_commit(_send_site, site_id)


def _send_thread(site_id: int, key: str) -> None:
    thread_changed.send(site_id, key=key)


def _send_site(site_id: int) -> None:
    site_changed.send(site_id)
