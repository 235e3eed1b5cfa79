"""Export a site's comments as lines of JSON, which ``import`` reads back as they were."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import lazyload

from commentsvc.db import db
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.transfer.formats import own


def lines(site: Site, *, with_addresses: bool = False) -> Iterator[str]:
    """Yield the lines of an export. Email addresses are in it only if asked for; hashes and visitors never are."""
    yield _line({"commentsvc": own.VERSION, "site": site.key, "home": site.home, "name": site.name})
    ids = db.session.scalars(select(Thread.id).where(Thread.site_id == site.id).order_by(Thread.id)).all()
    for thread_id in ids:
        thread = db.session.get_one(Thread, thread_id)
        yield _line(_thread(thread))
        for comment in _parents_first(thread):
            yield _line(_comment(comment, thread, with_addresses=with_addresses))
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


def _thread(thread: Thread) -> dict[str, Any]:
    said = {"key": thread.key, "url": thread.url, "title": thread.title, "access": thread.access}
    return {"type": "thread", **said, "created_at": thread.created_at.isoformat()}


def _comment(comment: Comment, thread: Thread, *, with_addresses: bool) -> dict[str, Any]:
    said = {
        "type": "comment",
        "id": comment.id,
        "thread": thread.key,
        "parent_id": comment.parent_id,
        "kind": comment.kind,
        "response": comment.response,
        "state": comment.state,
        "author": comment.author,
        "email": comment.email if with_addresses else None,
        "website": comment.website,
        "title": comment.title,
        "created_at": comment.created_at.isoformat(),
        "edited_at": comment.edited_at.isoformat() if comment.edited_at else None,
        "is_pinned": thread.pinned_id == comment.id,
    }
    return {name: value for name, value in said.items() if value not in (None, "", False)} | {"body": comment.body}


def _line(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False) + "\n"
