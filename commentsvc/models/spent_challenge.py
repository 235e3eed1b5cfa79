"""Challenges whose one try is used up."""

from datetime import datetime

from sqlalchemy import String, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base, db


class SpentChallenge(Base):
    """The primary key is the proof: of two processes that insert one nonce, one fails.

    ``solved_by`` is a keyed hash of visitor, network address and site; None if the answer was wrong.
    """

    __tablename__ = "spent_challenge"

    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    solved_by: Mapped[str | None] = mapped_column(String(32), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    @classmethod
    def spend(cls, nonce: str, expires_at: datetime, solved_by: str | None = None) -> bool:
        """Use a nonce up; return False if it was used up before."""
        try:
            with db.session.begin_nested():
                db.session.execute(insert(cls).values(nonce=nonce, solved_by=solved_by, expires_at=expires_at))
        except IntegrityError:
            return False
        return True
