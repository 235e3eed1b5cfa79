"""One comment in an email, because of one subscription."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc.db import Base
from commentsvc.models.comment import Comment
from commentsvc.models.subscription import Subscription


class EmailItem(Base):
    """The pair of ``dedupe_key`` and ``recipient`` is unique: no address gets two emails about one event.

    Keys are ``shown-<comment>``, ``held-<comment>[-<edit>]`` and, once the email was cancelled, ``released-<item>``.
    """

    __tablename__ = "email_item"
    __table_args__ = (UniqueConstraint("dedupe_key", "recipient"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    email_id: Mapped[int] = mapped_column(ForeignKey("email.id", ondelete="CASCADE"), index=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id", ondelete="CASCADE"), index=True)
    dedupe_key: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))

    comment: Mapped[Comment] = relationship()
    subscription: Mapped[Subscription] = relationship()
