"""Export a site's threads and comments as a stream: JSON lines that ``import`` reads back, and formats of others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import lazyload

from commentsvc import links
from commentsvc.db import db
from commentsvc.models.comment import Comment
from commentsvc.models.moderator_action import Verb
from commentsvc.models.revision import Revision
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.transfer import opening
from commentsvc.transfer.export_writer import Blog, Exported, ExportWriter
from commentsvc.transfer.formats import wordpress
from commentsvc.transfer.formats.disqus_out import DisqusWriter
from commentsvc.transfer.formats.html_out import PageWriter
from commentsvc.transfer.formats.own_out import OwnWriter
from commentsvc.transfer.formats.staticman_out import StaticmanWriter
from commentsvc.transfer.formats.wordpress import WordPressPost
from commentsvc.transfer.formats.wordpress_out import WordPressWriter
from commentsvc.transfer.opening import NotReadable

FORMATS: dict[str, type[ExportWriter]] = {
    "jsonl": OwnWriter,
    "wxr": WordPressWriter,
    "disqus": DisqusWriter,
    "yaml": StaticmanWriter,
    "html": PageWriter,
}


@dataclass(frozen=True)
class Scope:
    """What of a site is exported: these threads, or all; comments since a time, or all."""

    threads: Sequence[int] = ()
    since: datetime | None = None


def writer(site: Site, name: str, *, with_addresses: bool = False) -> ExportWriter:
    """Return the writer of a format."""
    return FORMATS[name](Blog.of(site), with_addresses)


def chunks(writer: ExportWriter, scope: Scope = Scope()) -> Iterator[bytes]:
    """Yield the bytes of one file."""
    return (chunk for _, chunk in parts(writer, scope))


def parts(writer: ExportWriter, scope: Scope = Scope(), most: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of files of at most ``most`` bytes each, with the number of the file, from 1.

    A thread is in one file, even if it is larger.
    """
    number, size, foot = 0, 0, _bytes(writer.foot())
    for exported in _threads(writer.blog.id, scope):
        thread = _joined(writer.thread(exported)) if most else None
        if not number or (most and thread and size + len(thread) + len(foot) > most):
            if number:
                yield number, foot
            number += 1
            head = _bytes(writer.head())
            size = len(head)
            yield number, head
        for chunk in [thread] if thread is not None else map(_bytes, writer.thread(exported)):
            size += len(chunk)
            yield number, chunk
    if not number:
        number = 1
        yield number, _bytes(writer.head())
    yield number, foot


def articles(path: Path) -> dict[str, WordPressPost]:
    """Return the articles of WordPress' own export by the keys that their threads have here.

    Raises:
        NotReadable: it is no such file.
    """
    found = {}
    with opening.opened(path) as files:
        for article in chain.from_iterable(map(wordpress.articles, files)):
            with suppress(ValueError):
                found[links.thread_key(article.url)] = article
    if not found:
        raise NotReadable
    return found


def log_addresses(site: Site, by: Person) -> None:
    """Log that somebody exports the email addresses, too."""
    actions.record(Verb.EXPORT, by, site=site, count=0)


def _bytes(chunk: str | bytes) -> bytes:
    return chunk.encode() if isinstance(chunk, str) else chunk


def _joined(chunks: Iterable[str | bytes]) -> bytes:
    return b"".join(map(_bytes, chunks))


def _threads(site_id: int, scope: Scope) -> Iterator[Exported]:
    all_of_site = select(Thread.id).where(Thread.site_id == site_id).order_by(Thread.id)
    ids = db.session.scalars(all_of_site.where(Thread.id.in_(scope.threads)) if scope.threads else all_of_site).all()
    for thread_id in ids:
        comments = select(Comment).options(lazyload("*")).where(Comment.thread_id == thread_id)
        if scope.since is not None:
            comments = comments.where(Comment.created_at >= scope.since)
            if db.session.scalar(comments.limit(1)) is None:
                continue
        thread = db.session.get_one(Thread, thread_id)
        aliases = db.session.scalars(select(ThreadAlias.key).where(ThreadAlias.thread_id == thread_id)).all()
        yield Exported(thread, _parents_first(comments), sorted(aliases), _revisions(thread_id))


def _revisions(thread_id: int) -> dict[int, list[Revision]]:
    found = defaultdict(list)
    rows = select(Revision).join(Comment, Comment.id == Revision.comment_id).where(Comment.thread_id == thread_id)
    for revision in db.session.scalars(rows.order_by(Revision.id)):
        found[revision.comment_id].append(revision)
    return found


def _parents_first(comments: Select[Comment]) -> Iterator[Comment]:
    """Yield comments in the order of time, but each reply after its parent."""
    waiting: dict[int, list[Comment]] = {}
    yielded: set[int] = set()
    for comment in db.session.scalars(comments.order_by(*Comment.order())):
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
