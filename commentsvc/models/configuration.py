"""The version of the configuration: sites, bans and channels."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc.db import Base


class Configuration(Base):
    """One row. Triggers raise ``version`` with every change of a site, a ban or a channel.

    ``read_only`` says why nothing may be written, if that is so. ``secret_mark`` tells the secret in use from others.
    """

    __tablename__ = "configuration"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    read_only: Mapped[str | None] = mapped_column(Text)
    secret_mark: Mapped[str | None] = mapped_column(String(32))
