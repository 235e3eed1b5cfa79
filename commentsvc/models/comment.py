"""A row that a person wrote, or a linkback that was accepted."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    Text,
    bindparam,
    event,
    insert,
    inspect,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base, UTCDateTime, db, partial_index
from commentsvc.errors import N_, Reason
from commentsvc.markup.tokenize import tokenize
from commentsvc.models.moderator import Moderator
from commentsvc.models.thread import Thread
from commentsvc.prepared import Prepared


class Kind(StrEnum):
    """The kind of row."""

    COMMENT = "comment"
    TRACKBACK = "trackback"
    PINGBACK = "pingback"
    WEBMENTION = "webmention"


class ResponseKind(StrEnum):
    """What a linkback's page says about the article, as the IndieWeb's response types name it."""

    REPLY = "reply"
    LIKE = "like"
    REPOST = "repost"
    MENTION = "mention"
    RSVP_YES = "rsvp-yes"
    RSVP_NO = "rsvp-no"
    RSVP_MAYBE = "rsvp-maybe"
    RSVP_INTERESTED = "rsvp-interested"


REASON_TAKEN_BACK = N_("deleted by its author")
REASON_ERASED = N_("erased at its author’s request")
REASON_EXPIRED = N_("deleted at the end of this blog’s retention period")
REASON_IMPORT_UNDONE = N_("its import was undone")
WITHDRAWALS = (REASON_TAKEN_BACK, REASON_ERASED, REASON_EXPIRED, REASON_IMPORT_UNDONE)
# Gestures without a text: shown as faces, and sent in great numbers by bridges to social networks.
FACEPILE = (ResponseKind.LIKE, ResponseKind.REPOST, ResponseKind.RSVP_YES)


class State(StrEnum):
    """Whether readers see it."""

    PENDING = "pending"
    APPROVED = "approved"
    SPAM = "spam"
    TRASHED = "trashed"


SEARCHED = ("author", "email", "website", "title", "body")
_HAS_ADDRESS = text("address_hash IS NOT NULL")


class Comment(Base):
    """A comment or an accepted linkback.

    ``body`` is the text as typed, ``body_html`` is safe to show. Of a linkback, ``website`` is the page that links
    here, ``author_url`` its author's own address, ``published_at`` when it was written, and ``response`` what it
    says (empty for comments). ``is_discussion`` rows stand among the comments and may be answered: comments, and
    replies written on other sites. ``root_id`` is the top-level comment of the branch, so one query finds
    all replies of a page. ``title`` and ``article_url`` are what the page said about the article; they are believed
    once the comment is approved. The ``title`` of a linkback is the linking page's. ``visitor`` and ``address_hash``
    are keyed hashes; ``seed`` draws the avatar; ``learned_as`` is what the spam filter counts it as: ``spam``,
    ``ham``, or None. The full-text index finds a comment by ``search_text`` (the words of name, email address,
    website, title and text) and by ``search_tags``. ``site_id`` repeats the thread's, so that a site's comments are
    found without a join.
    """

    __tablename__ = "comment"
    __table_args__ = (
        Index(None, "thread_id", "is_discussion", "root_id", "written_at", "id", "state"),
        Index(None, "thread_id", "state", "written_at", "id"),
        Index(None, "site_id", "state", "written_at", "id"),
        Index(None, "state", "id"),
        Index(None, "site_id", "state", "id"),
        Index(None, "body_hash", "state"),
        Index(None, "author", "state"),
        partial_index("visitor"),
        partial_index("address_hash", "state"),
        partial_index("email", "state"),
        partial_index("parent_id"),
        partial_index("root_id"),
        Index("ix_comment_address_age", "created_at", sqlite_where=_HAS_ADDRESS, postgresql_where=_HAS_ADDRESS),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int]
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="SET NULL"))
    root_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="SET NULL"))
    kind: Mapped[Kind] = mapped_column(default=Kind.COMMENT)
    response: Mapped[str] = mapped_column(String(16), default="")
    is_discussion: Mapped[bool] = mapped_column(default=True)
    state: Mapped[State] = mapped_column(default=State.PENDING)
    reasons: Mapped[list[Reason]] = mapped_column(JSON, default=list)
    learned_as: Mapped[str | None] = mapped_column(String(8))
    author: Mapped[str] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(2000))
    author_url: Mapped[str | None] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(String(300), default="")
    article_url: Mapped[str | None] = mapped_column(String(2000))
    body: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    body_hash: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(16), default="en")
    visitor: Mapped[str | None] = mapped_column(String(32))
    address_hash: Mapped[str | None] = mapped_column(String(32))
    seed: Mapped[str] = mapped_column(String(32))
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id", ondelete="SET NULL"))
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    written_at: Mapped[datetime] = mapped_column(default=clock.now)
    edited_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    search_tags: Mapped[str] = mapped_column(Text, default="")
    search_text: Mapped[str] = mapped_column(Text, default="", deferred=True)

    thread: Mapped[Thread] = relationship(lazy="joined", innerjoin=True)
    moderator: Mapped[Moderator | None] = relationship(viewonly=True)  # who wrote it
    parent: Mapped["Comment | None"] = relationship(remote_side="Comment.id", foreign_keys="Comment.parent_id")

    @classmethod
    def locked(cls, comment_id: int) -> "Comment | None":
        """Return the row as it is now, locked until the transaction ends."""
        return next(iter(cls.all_locked([comment_id])), None)

    @classmethod
    def all_locked(cls, ids: Collection[int]) -> "list[Comment]":
        """Return the rows with these ids as they are now, locked until the transaction ends.

        Their threads are locked first, in id order: posting locks a thread, and two transactions that lock the same
        rows in different orders would deadlock.
        """
        Thread.lock(select(cls.thread_id).where(cls.id.in_(ids)))
        rows = (db.locked(cls, one) for one in sorted(ids))
        return [row for row in rows if row is not None]

    @classmethod
    def order(cls, *, newest_first: bool = False) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """The order of time in which readers see comments, for ``order_by``; ids decide between equal times."""
        if newest_first:
            return cls.written_at.desc(), cls.id.desc()
        return cls.written_at.asc(), cls.id.asc()

    @property
    def position(self) -> ColumnElement[Any]:
        """Its place in the order of time, to compare with others."""
        return tuple_(literal(self.written_at, UTCDateTime()), self.id)

    @property
    def is_visible(self) -> bool:
        """Whether readers see its text."""
        return self.state == State.APPROVED

    def insert(self) -> None:
        """Insert a new row by Core, and attach it to the session as if it had been flushed.

        A flush takes four times as long.
        """
        _index(self, is_new=True)
        known = inspect(self).dict
        row = {name: known[name] if name in known else _default(column) for name, column in COLUMNS.items()}
        db.attach(self, row | {"id": INSERT.fetch_one(row)[0]})

    @property
    def article_title(self) -> str:
        """The article's title; until it is believed, as the comment has it; else its key."""
        own = "" if self.is_linkback else self.title
        return self.thread.title or own or self.thread.key or self.thread.site.name

    @property
    def is_withdrawn(self) -> bool:
        """Whether its text was taken away, by its author, erasure, retention or an undone import, and stays so."""
        return not self.is_visible and any(one in WITHDRAWALS for one in self.reasons if isinstance(one, str))

    @property
    def state_for_writer(self) -> str:
        """The state shown to its author.

        Spam looks pending: a filter that reveals its opinion teaches how to evade it.
        """
        return State.PENDING if self.state == State.SPAM else self.state

    @property
    def text_version(self) -> str:
        """Changes with the text; forms that decide about a text carry it along."""
        return self.edited_at.isoformat() if self.edited_at else ""

    @property
    def seen_version(self) -> str:
        """Changes with state and text; moderators' forms carry it along."""
        return f"{self.state} {self.text_version}"

    @property
    def is_linkback(self) -> bool:
        """Whether another site sent it."""
        return self.kind != Kind.COMMENT

    @property
    def writers_address(self) -> str | None:
        """The author's own address, if they gave one."""
        return self.author_url if self.is_linkback else self.website


COLUMNS: dict[str, Any] = {column.key: column for column in Comment.__table__.columns if not column.primary_key}
INSERT = Prepared(lambda: insert(Comment).values({name: bindparam(name) for name in COLUMNS}).returning(Comment.id))


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def reason_tag(reason: Reason) -> str:
    """Return the search tag of a reason, whatever its values are."""
    message = reason if isinstance(reason, str) else reason[0]
    return f"=r{hashlib.sha256(message.encode()).hexdigest()[:8]}"


def search_tags_of(
    state: str, kind: str, site_id: int, thread_id: int, created_at: datetime, reasons: Sequence[Reason]
) -> str:
    """Return the search tags: state, kind, site, thread, day, month and reasons."""
    day = created_at.astimezone(UTC)
    place = [f"=s{site_id}", f"=t{thread_id}", f"=d{day:%Y%m%d}", f"=m{day:%Y%m}"]
    return " ".join([f"={state}", f"={kind}", *place, *(reason_tag(reason) for reason in reasons)])


def search_text_of(*texts: str | None) -> str:
    """Return the words of the texts in ``SEARCHED``."""
    return tokenize("\n".join(filter(None, texts)))


@event.listens_for(Comment, "before_insert")
@event.listens_for(Comment, "before_update")
def _before_flush(_mapper: Mapper[Comment], _connection: Connection, comment: Comment) -> None:
    _index(comment)


def _index(comment: Comment, *, is_new: bool = False) -> None:
    # What is not set yet gets the columns' defaults.
    comment.created_at = comment.created_at or clock.now()
    comment.written_at = min(comment.published_at or comment.created_at, comment.created_at)
    comment.site_id = comment.thread.site_id
    what = (comment.state or State.PENDING, comment.kind or Kind.COMMENT, comment.site_id, comment.thread_id)
    comment.search_tags = search_tags_of(*what, comment.created_at, comment.reasons or ())
    if is_new or any(inspect(comment).attrs[name].history.has_changes() for name in SEARCHED):
        comment.search_text = search_text_of(*(getattr(comment, name) for name in SEARCHED))
