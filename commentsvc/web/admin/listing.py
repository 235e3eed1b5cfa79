"""The filter of the queue, read from the query string and passed on by its forms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for

from commentsvc.fields import row_id
from commentsvc.models.comment import Kind, State
from commentsvc.moderation.search import CommentFilter

ANY = "any"
NAMES = ("state", "site", "thread", "kind", "person", "author", "address", "reason", "since", "until", "of", "q")
MAX_LENGTH = 200  # characters of a value
CARRIED = "listed"  # form field with the query string of the list that the form is on


@dataclass(frozen=True)
class Listing:
    """A filter of the queue, and its query parameters."""

    parameters: Mapping[str, str]

    @classmethod
    def of_address(cls) -> "Listing":
        """Return the criteria of this page's address."""
        return cls._of(request.args.items())

    @classmethod
    def of_form(cls) -> "Listing":
        """Return the criteria of the list that the submitted form was on."""
        return cls._of(parse_qsl(request.form.get(CARRIED, "")))

    @classmethod
    def _of(cls, given: Iterable[tuple[str, str]]) -> "Listing":
        pairs = [(name, value.replace("\0", "").strip()[:MAX_LENGTH]) for name, value in given if name in NAMES]
        return cls({name: value for name, value in pairs if value})

    @property
    def state(self) -> State | None:
        """The state; pending by default, None for any."""
        name = self.parameters.get("state", State.PENDING)
        return None if name == ANY else State(name) if name in set(State) else State.PENDING

    @property
    def filter(self) -> CommentFilter:
        """The search criteria; invalid ones count as not given."""
        value, kind = self.parameters.get, self.parameters.get("kind")
        return CommentFilter(
            state=self.state,
            site=row_id(value("site")),
            thread=row_id(value("thread")),
            kind=Kind(kind) if kind in set(Kind) else None,
            same_author_as=row_id(value("person")),
            author=value("author", ""),
            address_hash=value("address", "") if value("address", "").isalnum() else "",
            reason=_reason_tag(value("reason", "")),
            since=_day(value("since", "")),
            until=_day(value("until", "")),
            action=row_id(value("of")),
            text=value("q", ""),
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything but state and site is given."""
        return bool(set(self.parameters) - {"state", "site"})

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but state, site and words is given."""
        return bool(set(self.parameters) - {"state", "site", "q"})

    @property
    def query(self) -> str:
        """The value of the field that forms carry along."""
        return urlencode(self.parameters)

    def url(self, **changes: object) -> str:
        """Return the address of the list with other values; None removes one."""
        query = {name: value for name, value in {**self.parameters, **changes}.items() if value not in (None, "")}
        return f"{url_for('queue.show')}?{urlencode(query)}"


def _reason_tag(typed: str) -> str:
    return typed if typed.startswith("=r") and typed[2:].isalnum() else ""


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return None
