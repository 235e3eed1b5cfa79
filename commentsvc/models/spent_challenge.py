"""Challenges whose one try is used up."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base


class SpentChallenge(Base):
    """The primary key is the proof: of two processes that insert one nonce, one fails."""

    __tablename__ = "spent_challenge"

    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
