"""Write a file for each comment, as Staticman does: YAML in a tar, to unpack beside the articles of a static site.

https://staticman.net/docs/configuration: the names of the fields; Markdown may hold HTML, which says all that we can.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC

from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.thread import Thread
from commentsvc.transfer.export_writer import LINKBACKS, NOT_APPROVED, Exported, ExportWriter, html_of, slug
from commentsvc.transfer.formats import staticman

FOLDER = "_data/comments"


@dataclass
class StaticmanWriter(ExportWriter):
    """Writes what readers see. Email addresses are there as hashes, as avatars need them, and only if asked for."""

    title = staticman.TITLE
    suffix = "tar"

    _folders: set[str] = field(default_factory=set)

    def thread(self, exported: Exported) -> Iterator[bytes]:
        """Yield the files of a thread, in a folder named after the article."""
        folder = self._folder(exported.thread)
        for comment in exported.comments:
            if comment.kind != Kind.COMMENT:
                self.left_out[LINKBACKS] += 1
            elif comment.state != State.APPROVED:
                self.left_out[NOT_APPROVED] += 1
            else:
                self._folders.add(folder)
                name = f"{FOLDER}/{folder}/{comment.created_at.astimezone(UTC):%Y%m%d%H%M%S}-{comment.id}.yml"
                yield _packed(name, self._text(comment, exported.thread))

    def foot(self) -> bytes:
        """Return the two empty blocks that end a tar (POSIX.1-1988, ustar)."""
        return bytes(2 * tarfile.BLOCKSIZE)

    def _folder(self, thread: Thread) -> str:
        """Return the article's name, or a longer one if another article has the same."""
        name = slug(thread) or "index"
        return name if name not in self._folders else f"{name}-{thread.id}"

    def _text(self, comment: Comment, thread: Thread) -> bytes:
        import yaml

        email = hashlib.md5((comment.email or "").lower().encode(), usedforsecurity=False).hexdigest()
        values = {
            "_id": str(comment.id),
            "_parent": thread.url,
            "name": comment.author,
            "email": email if comment.email and self.with_addresses else "",
            "url": comment.website or "",
            "replying_to_uid": str(comment.parent_id or ""),
            "message": html_of(comment),
            "date": comment.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10_000)
        return str(text).encode()


def _packed(name: str, content: bytes) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    out = io.BytesIO()
    out.write(entry.tobuf(tarfile.PAX_FORMAT))
    out.write(content)
    out.write(bytes(-len(content) % tarfile.BLOCKSIZE))
    return out.getvalue()
