"""One action of a person, however many comments it is about; logged and undone as one."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread


class Actor(StrEnum):
    """Who acted."""

    MODERATOR = "moderator"
    SITE_MAILBOX = "site-mailbox"  # by mail, from the site's own mailbox
    OPERATOR = "operator"  # on the command line


class Verb(StrEnum):
    """What was done, as in the action's address."""

    APPROVAL = "approval"
    HOLD = "hold"
    SPAM = "spam"
    TRASH = "trash"
    REPLY = "reply"
    TEXT = "text"
    MOVE = "move"
    MERGE = "merge"
    ADDRESS = "address"
    ALIAS = "alias"
    THREAD = "thread"
    PIN = "pin"
    BAN = "ban"
    UNBAN = "unban"
    SITE = "site"
    ERASURE = "erasure"
    ERASED = "erased"  # an edited text that was erased since
    REMOVAL = "removal"
    IMPORT = "import"
    EXPORT = "export"  # with email addresses
    INVITATION = "invitation"
    ROLE = "role"
    DISMISSAL = "dismissal"
    RETURN = "return"
    EMAIL = "email"  # a moderator's address

    @property
    def is_about_comments(self) -> bool:
        """Whether it is what moderators do with comments all day."""
        return self in (Verb.APPROVAL, Verb.HOLD, Verb.SPAM, Verb.TRASH, Verb.REPLY, Verb.TEXT, Verb.MOVE)

    @property
    def can_be_undone(self) -> bool:
        """Whether it can be undone."""
        return (
            self not in (Verb.UNBAN, Verb.ERASURE, Verb.ERASED, Verb.REMOVAL, Verb.EXPORT)
            and not self.is_about_moderators
        )

    @property
    def is_about_moderators(self) -> bool:
        """Whether it is about who may sign in; their page takes it back."""
        return self in (Verb.INVITATION, Verb.ROLE, Verb.DISMISSAL, Verb.RETURN, Verb.EMAIL)


class ModeratorAction(Base):
    """``count`` is the number of comments it is about; ``moderator`` is None unless a moderator is the ``actor``.

    ``site``, ``thread`` and ``comment`` are set where it was about a single one. ``undo_data`` is what the undo needs
    besides the decisions that belong to the action; each kind of action has its own form.
    """

    __tablename__ = "moderator_action"
    __table_args__ = (
        Index(None, "moderator_id", "undone_at", "id"),
        {"sqlite_autoincrement": True},  # ids are never reused
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id", ondelete="SET NULL"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("thread.id", ondelete="SET NULL"), index=True)
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="SET NULL"), index=True)
    actor: Mapped[Actor] = mapped_column(default=Actor.MODERATOR)
    verb: Mapped[Verb]
    count: Mapped[int] = mapped_column(default=0)
    undo_data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    undone_at: Mapped[datetime | None]

    moderator: Mapped[Moderator | None] = relationship(lazy="joined")
    site: Mapped[Site | None] = relationship()
    thread: Mapped[Thread | None] = relationship()
    comment: Mapped[Comment | None] = relationship()
