"""What every reader of a format yields. Readers know no database, and loading knows no format."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from commentsvc.errors import N_, Reason
from commentsvc.models.comment import Kind

NO_PAGE = N_("its article is not in the file")
NO_LINE = N_("the line is not of this format")
NO_SOURCE = N_("the linking page has no address")  # of a linkback


class SourceState(StrEnum):
    """What the other system did with a comment."""

    APPROVED = "approved"
    PENDING = "pending"
    SPAM = "spam"
    DELETED = "deleted"


class BodyFormat(StrEnum):
    """How a body is written."""

    MARKUP = "markup"  # ours
    HTML = "html"
    BREAKS = "breaks"  # HTML in which a line break is one, as WordPress stores it
    MARKDOWN = "markdown"
    PLAIN = "plain"


class SourceFile(Struct, frozen=True):
    """Where a file comes from, once for each file: ids mean something within one ``name`` only.

    ``home`` is the address whose paths are the blog's.
    """

    name: str
    home: str = ""


class SourceArticle(Struct, frozen=True, omit_defaults=True):
    """An article; ``id`` is what its comments name, ``key`` an identifier that the page itself gave, if any.

    ``site`` names the blog, in files that hold several. ``aliases`` are further keys of the article. ``is_thread_key``
    says that ``key`` is that of a thread here, whatever the address.
    """

    id: str
    url: str
    key: str = ""
    title: str = ""
    created: datetime | None = None
    is_closed: bool = False
    is_deleted: bool = False
    site: str = ""
    aliases: tuple[str, ...] = ()
    is_thread_key: bool = False


class SourceComment(Struct, frozen=True, omit_defaults=True, gc=False):  # no cycle can go through one
    """A comment or linkback as the file has it. ``parent`` is the id of another one; times are aware.

    ``location`` says where it is in the file, for the report. ``cross_id`` is the key under which another file may have
    it, as Disqus keeps the numbers of WordPress. Of a linkback, ``website`` is the page that links here. ``votes`` are
    likes and dislikes together. ``earlier`` are texts before edits, each with the time of the edit in ISO 8601.
    """

    id: str
    page: str
    body: str
    author: str = ""
    text: BodyFormat = BodyFormat.PLAIN
    parent: str = ""
    kind: Kind = Kind.COMMENT
    response: str = ""
    state: SourceState = SourceState.APPROVED
    email: str = ""
    website: str = ""
    address: str = ""
    title: str = ""
    written: datetime | None = None
    edited: datetime | None = None
    is_pinned: bool = False
    cross_id: str = ""
    location: str = ""
    language: str = ""
    votes: int = 0
    earlier: tuple[tuple[str, str], ...] = ()

    @property
    def is_placeholder(self) -> bool:
        """Whether it only keeps the place of something deleted that was answered."""
        return self.state == SourceState.DELETED and not self.body


class SkippedRecord(Struct, frozen=True):
    """Something that cannot be read, and why; ``text`` is its beginning."""

    location: str
    why: Reason
    text: str = ""


class Notice(Struct, frozen=True):
    """Something that the owner should know about a file."""

    why: Reason


Record = SourceFile | SourceArticle | SourceComment | SkippedRecord | Notice
Records = Iterator[Record]


@dataclass(frozen=True)
class ParseOptions:
    """What a reader may be told: the zone of times that have none, the charset of files that name none, and a pattern.

    ``permalink`` gives the addresses of articles in files without them.
    """

    timezone: str = "UTC"
    charset: str = ""
    permalink: str = ""
