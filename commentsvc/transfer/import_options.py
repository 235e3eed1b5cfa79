"""What an owner wants of a file, in the terms of the import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from commentsvc.models.comment import State
from commentsvc.transfer.records import SourceState


@dataclass(frozen=True)
class ImportOptions:
    """What the owner chose: further origins, a map, keys, and which comments besides approved and pending ones.

    ``mine`` are ids of moderators by the email addresses of their comments.
    """

    origins: Sequence[str] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    by_key: bool = False
    takes_spam: bool = False
    takes_deleted: bool = False
    pending_as: State = State.PENDING
    closes: bool = False
    source: str = ""  # names the old blog, where a file does not
    only_site: str = ""  # of those in the file
    repairs_text: bool = False
    keeps_copies: bool = False
    mine: Mapping[str, int] = field(default_factory=dict)

    @property
    def states(self) -> list[SourceState]:
        """Which comments are wanted."""
        more = [SourceState.SPAM] * self.takes_spam + [SourceState.DELETED] * self.takes_deleted
        return [SourceState.APPROVED, SourceState.PENDING, *more]
