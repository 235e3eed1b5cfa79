"""One comment that a letter tells of."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc.db import Base
from commentsvc.models.comment import Comment
from commentsvc.models.subscription import Subscription


class LetterItem(Base):
    """``occasion`` and ``recipient`` keep the same news from being told twice to one address."""

    __tablename__ = "letter_item"
    __table_args__ = (UniqueConstraint("occasion", "recipient"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id", ondelete="CASCADE"), index=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id", ondelete="CASCADE"), index=True)
    occasion: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))

    comment: Mapped[Comment] = relationship()
    subscription: Mapped[Subscription] = relationship()
