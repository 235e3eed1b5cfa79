"""What all export formats have in common: a head, threads with their comments, and a foot."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from commentsvc.markup.render import SMILEY
from commentsvc.models.comment import Comment
from commentsvc.models.revision import Revision
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread

LINK = re.compile(r'(<a href="[^">]*")[^>]*>')
NOT_APPROVED = "comments that are not approved"
LINKBACKS = "mentions on other sites"


@dataclass(frozen=True)
class Blog:
    """What a file says of the site it is from."""

    id: int
    key: str
    home: str
    name: str
    language: str

    @classmethod
    def of(cls, site: Site) -> Self:
        """Copy what is needed of a site, so that it outlives the session."""
        return cls(site.id, site.key, site.home, site.name, site.language)


@dataclass(frozen=True)
class Exported:
    """A thread, with its comments in the order of time, but each reply after its parent."""

    thread: Thread
    comments: Iterator[Comment]
    aliases: Sequence[str] = ()
    revisions: Mapping[int, Sequence[Revision]] = field(default_factory=dict)  # by comment


@dataclass
class ExportWriter:
    """Writes one format, with email addresses only if asked for. ``left_out`` counts what it cannot hold, by reason.

    A writer may write several files, one after the other.
    """

    title: ClassVar[str]
    suffix: ClassVar[str]  # of file names

    blog: Blog
    with_addresses: bool = False
    left_out: Counter[str] = field(default_factory=Counter)

    def head(self) -> str:
        """Return how a file begins."""
        return ""

    def thread(self, exported: Exported) -> Iterator[str | bytes]:
        """Yield a thread with its comments, or nothing if the format cannot hold it."""
        raise NotImplementedError

    def foot(self) -> str | bytes:
        """Return how a file ends."""
        return ""


def html_of(comment: Comment) -> str:
    """Return a comment's HTML for other systems: smilies as typed, links without our attributes."""
    return LINK.sub(r"\1>", SMILEY.sub(r"\1", comment.body_html))


def slug(thread: Thread) -> str:
    """Return the last part of an article's address, without its ending, as blogs name their articles."""
    last = thread.key.partition("?")[0].rstrip("/").rpartition("/")[2].partition(".")[0]
    return re.sub(r"[^\w-]+", "-", last)
