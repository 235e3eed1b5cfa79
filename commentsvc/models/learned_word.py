"""What the spam filter learned about a word on a site."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base

ALL_TEXTS = ""  # stands for every text: its row counts the texts


class LearnedWord(Base):
    """In how many spam texts and in how many approved texts the word occurred."""

    __tablename__ = "learned_word"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    spam: Mapped[int] = mapped_column(default=0)
    ham: Mapped[int] = mapped_column(default=0)
