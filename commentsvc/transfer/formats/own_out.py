"""Write our own format, which ``formats/own.py`` reads."""

import json
from collections.abc import Iterator
from typing import Any

from commentsvc.models.comment import Comment
from commentsvc.transfer.export_writer import Exported, ExportWriter
from commentsvc.transfer.formats import own


class OwnWriter(ExportWriter):
    """Writes everything that the site's people wrote, a JSON object a line."""

    title = own.TITLE
    suffix = "jsonl"

    def head(self) -> str:
        """Return the first line."""
        blog = self.blog
        return _line({"commentsvc": own.VERSION, "site": blog.key, "home": blog.home, "name": blog.name})

    def thread(self, exported: Exported) -> Iterator[str]:
        """Yield the thread's line, and one for each comment."""
        yield _line(_thread(exported))
        for comment in exported.comments:
            yield _line(_comment(comment, exported, with_addresses=self.with_addresses))


def _thread(exported: Exported) -> dict[str, Any]:
    thread = exported.thread
    row = {"key": thread.key, "url": thread.url, "title": thread.title, "access": thread.access}
    aliases = {"aliases": list(exported.aliases)} if exported.aliases else {}
    return {"type": "thread", **row, "created_at": thread.created_at.isoformat(), **aliases}


def _comment(comment: Comment, exported: Exported, *, with_addresses: bool) -> dict[str, Any]:
    revisions = exported.revisions.get(comment.id, ())
    row = {
        "type": "comment",
        "id": comment.id,
        "parent_id": comment.parent_id,
        "kind": comment.kind,
        "response": comment.response,
        "state": comment.state,
        "language": comment.language,
        "author": comment.author,
        "email": comment.email if with_addresses else None,
        "website": comment.website,
        "title": comment.title,
        "created_at": comment.created_at.isoformat(),
        "edited_at": comment.edited_at.isoformat() if comment.edited_at else None,
        "is_pinned": exported.thread.pinned_id == comment.id,
        "revisions": [{"body": one.body, "replaced_at": one.replaced_at.isoformat()} for one in revisions],
    }
    always = {"thread": exported.thread.key, "body": comment.body}  # the home page's key is empty
    return {name: value for name, value in row.items() if value not in (None, "", False, [])} | always


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
