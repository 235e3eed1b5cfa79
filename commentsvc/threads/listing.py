"""Lists of threads, the most recently active first: for moderators, and for readers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, tuple_

from commentsvc import fields
from commentsvc.db import db
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site
from commentsvc.models.thread import Access, Thread

PAGE_SIZE = 40


@dataclass(frozen=True)
class ThreadListPage:
    """A part of the list; ``after`` is the cursor of the next part, None at the end."""

    threads: list[Thread]
    after: str | None


def page(who: Moderator, site: int | None, access: Access | None, text: str, after: str) -> ThreadListPage:
    """Return threads of one site or all, with one access, whose title or address contains a text."""
    rows = select(Thread).where(who.may_see(Thread.site_id), Thread.active_at.is_not(None))
    if site:
        rows = rows.where(Thread.site_id == site)
    if access:
        rows = rows.where(Thread.access == access)
    if text:
        holds = (place.icontains(text, autoescape=True) for place in (Thread.title, Thread.key))
        rows = rows.where(or_(*holds))
    if (place := _place(after)) is not None:
        rows = rows.where(tuple_(Thread.active_at, Thread.id) < tuple_(*place))
    found = list(db.session.scalars(rows.order_by(Thread.active_at.desc(), Thread.id.desc()).limit(PAGE_SIZE + 1)))
    return ThreadListPage(found[:PAGE_SIZE], _name(found[PAGE_SIZE - 1]) if len(found) > PAGE_SIZE else None)


def commented(site: Site) -> list[Thread]:
    """Return the most recently active threads of a site that readers see comments in."""
    rows = select(Thread).where(Thread.site_id == site.id, Thread.comment_count > 0, Thread.active_at.is_not(None))
    return list(db.session.scalars(rows.order_by(Thread.active_at.desc(), Thread.id.desc()).limit(PAGE_SIZE)))


def _name(thread: Thread) -> str:
    return f"{thread.active_at.isoformat()},{thread.id}" if thread.active_at else ""


def _place(after: str) -> tuple[datetime, int] | None:
    moment, _, last_id = after.partition(",")
    try:
        found, last = datetime.fromisoformat(moment), fields.row_id(last_id)
    except ValueError:
        return None
    return (found, last) if found.tzinfo and last else None
