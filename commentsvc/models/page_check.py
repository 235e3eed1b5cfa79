"""A check of an article's page that an owner requested."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from commentsvc import clock
from commentsvc.models.leased import QUEUED, Leased

DONE = "done"


class PageCheck(Leased):
    """``findings`` are the results: ``[name, status, reason, code]`` each."""

    __tablename__ = "page_check"
    __table_args__ = (Index(None, "state", "due_at"), {"sqlite_autoincrement": True})

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(2000))
    findings: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(16), default=QUEUED)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
