"""Which version the configuration has: what moderators and owners decide for longer than one comment."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base


class Configuration(Base):
    """One row. ``version`` rises with every change of a site, a ban or a channel; triggers see to it."""

    __tablename__ = "configuration"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
