"""Challenges whose one try is used up."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base


class SpentChallenge(Base):
    """The primary key is the proof: of two processes that insert one nonce, one fails.

    ``solved_by`` is a keyed hash of visitor, network address and site; None if the answer was wrong.
    """

    __tablename__ = "spent_challenge"

    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    solved_by: Mapped[str | None] = mapped_column(String(32), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
