"""Write our own format, which ``formats/own.py`` reads."""

import json
from collections.abc import Iterator
from typing import Any

from commentsvc.models.comment import Comment
from commentsvc.models.thread import Thread
from commentsvc.transfer.formats import own
from commentsvc.transfer.records import Exported


def lines(site: tuple[str, str, str], threads: Iterator[Exported], *, with_addresses: bool) -> Iterator[str]:
    """Yield the lines of a site, given by key, home and name."""
    key, home, name = site
    yield _line({"commentsvc": own.VERSION, "site": key, "home": home, "name": name})
    for thread, comments in threads:
        yield _line(_thread(thread))
        for comment in comments:
            yield _line(_comment(comment, thread, with_addresses=with_addresses))


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
