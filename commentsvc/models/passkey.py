"""A moderator's passkey: in WebAuthn's terms, a credential."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.db import Base
from commentsvc.models.moderator import Moderator

MAX_CREDENTIAL_LENGTH = 1364  # characters of base64url for WebAuthn's 1,023 bytes


class Passkey(Base):
    """``credential`` is its id, ``sign_count`` its signature counter, 0 if the device has none."""

    __tablename__ = "passkey"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id", ondelete="CASCADE"), index=True)
    credential: Mapped[str] = mapped_column(String(MAX_CREDENTIAL_LENGTH), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]

    moderator: Mapped[Moderator] = relationship(lazy="joined", innerjoin=True)
