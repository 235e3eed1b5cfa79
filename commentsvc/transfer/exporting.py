"""Export a site's threads and comments as a stream: JSON lines that ``import`` reads back, other formats, a page."""

from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import lazyload

from commentsvc.db import db
from commentsvc.models.comment import Comment
from commentsvc.models.moderator_action import Verb
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.transfer.formats import disqus_out, html_out, own_out, wordpress_out
from commentsvc.transfer.records import Exported

FORMATS: dict[str, Callable[..., Iterator[str]]] = {
    "jsonl": own_out.lines,
    "wxr": wordpress_out.lines,
    "disqus": disqus_out.lines,
    "html": html_out.lines,
}

SUFFIXES = {"jsonl": "jsonl", "wxr": "xml", "disqus": "xml", "html": "html"}  # of files


def lines(site: Site, name: str = "jsonl", *, with_addresses: bool = False) -> Iterator[str]:
    """Yield the lines of an export. Email addresses are in it only if asked for; hashes and visitors never are."""
    home = (site.key, site.home, site.name)
    return FORMATS[name](home, _threads(site), with_addresses=with_addresses)


def log_addresses(site: Site, by: Person) -> None:
    """Log that somebody exports the email addresses, too."""
    actions.record(Verb.EXPORT, by, site=site, count=0)


def _threads(site: Site) -> Iterator[Exported]:
    ids = db.session.scalars(select(Thread.id).where(Thread.site_id == site.id).order_by(Thread.id)).all()
    for thread_id in ids:
        thread = db.session.get_one(Thread, thread_id)
        yield thread, _parents_first(thread)
        db.session.expunge_all()  # memory stays flat


def _parents_first(thread: Thread) -> Iterator[Comment]:
    """Yield the comments of a thread in the order of time, but each reply after its parent."""
    rows = select(Comment).options(lazyload("*")).where(Comment.thread_id == thread.id).order_by(*Comment.order())
    waiting: dict[int, list[Comment]] = {}
    yielded: set[int] = set()
    for comment in db.session.scalars(rows):
        if comment.parent_id is not None and comment.parent_id not in yielded:
            waiting.setdefault(comment.parent_id, []).append(comment)
            continue
        ready = [comment]
        while ready:
            one = ready.pop(0)
            yielded.add(one.id)
            yield one
            ready += waiting.pop(one.id, [])
    for left in waiting.values():
        yield from left
