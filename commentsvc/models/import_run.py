"""An import that an owner requested in the dashboard: a dry run first, then the import itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from commentsvc import clock
from commentsvc.errors import Reason
from commentsvc.models.leased import QUEUED, Leased
from commentsvc.models.site import Site

CHECKED = "checked"  # the dry run is done, and the owner may start the import
DONE = "done"
FAILED = "failed"


class ImportRun(Leased):
    """``file`` is the name of the uploaded file in the data directory of one node; ``name`` is its original name.

    ``choices`` are those of ``transfer.choices``, ``report`` is that of the last run, and ``problem`` says why there is
    none. ``done`` of ``total`` counts comments during the import; during the dry run, ``done`` counts what was read.
    """

    __tablename__ = "import_run"
    __table_args__ = (Index(None, "state", "due_at"), {"sqlite_autoincrement": True})

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id", ondelete="SET NULL"))
    action_id: Mapped[int | None] = mapped_column(ForeignKey("moderator_action.id", ondelete="SET NULL"))
    file: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    choices: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_dry: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(16), default=QUEUED)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    problem: Mapped[Reason | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    site: Mapped[Site] = relationship()

    @property
    def is_running(self) -> bool:
        """Whether a worker works on it, or will."""
        return self.state == QUEUED
