"""What an owner chooses for an import, wherever they say it: in the dashboard or on the command line."""

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self
from zoneinfo import available_timezones

from commentsvc import clock, links
from commentsvc.errors import N_, InvalidFields, Refusal
from commentsvc.markup import plain_text
from commentsvc.models.comment import State
from commentsvc.models.moderator import Moderator
from commentsvc.sites.rules import NotAChoice, NotAnOrigin
from commentsvc.transfer import addresses, permalinks, reading
from commentsvc.transfer.import_options import ImportOptions
from commentsvc.transfer.records import ParseOptions

PENDING_AS = (State.PENDING, State.APPROVED, State.TRASHED)
ADDRESS, IDENTIFIER = KEYS = ("address", "identifier")


class InvalidAuthorMapping(Refusal):
    """A line that does not map an address of the old system to a moderator's."""

    status = 422
    sentence = N_("“%(typed)s” must be an email address, =, and the email address of a moderator.")


class UnknownChoice(Refusal):
    """An unknown time zone (IANA) or encoding (Encoding Standard)."""

    status = 422
    sentence = N_("“%(typed)s” is unknown. Write it like %(example)s.")


@dataclass(frozen=True)
class Choices:
    """The options of the command ``import``, by their names in a form.

    ``map`` is the text of a CSV that maps old addresses to new ones. ``mine`` holds
    ``there@mail.example=here@mail.example``: comments of the first are by the moderator of the second.
    """

    format: str = reading.AUTO
    timezone: str = "UTC"
    charset: str = ""
    permalink: str = ""
    origins: tuple[str, ...] = ()
    map: str = ""
    key: str = ADDRESS
    pending_as: str = State.PENDING
    spam: bool = False
    trash: bool = False
    closed: bool = False
    source: str = ""
    only_site: str = ""
    fix_mojibake: bool = False
    keep_copies: bool = False
    mine: tuple[str, ...] = ()

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Self:
        """Return choices as ``as_json`` stored them."""
        return cls(**{**values, "origins": tuple(values["origins"]), "mine": tuple(values.get("mine", ()))})

    def as_json(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return asdict(self)

    def check(self) -> Self:
        """Validate the choices; return them.

        Raises:
            InvalidFields: one is invalid.
        """
        wrong: dict[str, Refusal] = {}
        for name, known in (("format", (reading.AUTO, *reading.FORMATS)), ("key", KEYS), ("pending_as", PENDING_AS)):
            if (typed := getattr(self, name)) not in known:
                wrong[name] = NotAChoice(typed=typed, known=", ".join(known))
        if self.timezone not in available_timezones():
            wrong["timezone"] = UnknownChoice(typed=self.timezone, example="Europe/Berlin")
        if self.charset and not plain_text.is_charset(self.charset):
            wrong["charset"] = UnknownChoice(typed=self.charset, example="shift_jis")
        if strange := next((one for one in self.origins if links.origin_of(one) is None), None):
            wrong["origins"] = NotAnOrigin(typed=strange)
        if strange := next((one for one in self.mine if not _moderator(one)), None):
            wrong["mine"] = InvalidAuthorMapping(typed=strange)
        try:
            addresses.rules_of(self.map)
        except (Refusal, csv.Error) as error:
            wrong["map"] = error if isinstance(error, Refusal) else addresses.WrongMap(line=1)
        try:
            permalinks.address(self.permalink, number="1", slug="a", title="a", date=clock.now())
        except Refusal as refusal:
            wrong["permalink"] = refusal
        if wrong:
            raise InvalidFields(wrong)
        return self

    @property
    def parse_options(self) -> ParseOptions:
        """The options of the format's parser."""
        return ParseOptions(self.timezone, self.charset, self.permalink)

    @property
    def import_options(self) -> ImportOptions:
        """The options of the importer."""
        return ImportOptions(
            origins=self.origins,
            rules=addresses.rules_of(self.map),
            by_key=self.key == IDENTIFIER,
            takes_spam=self.spam,
            takes_deleted=self.trash,
            pending_as=State(self.pending_as),
            closes=self.closed,
            source=self.source,
            only_site=self.only_site,
            repairs_text=self.fix_mojibake,
            keeps_copies=self.keep_copies,
            mine={_there(one): moderator.id for one in self.mine if (moderator := _moderator(one))},
        )


def _there(line: str) -> str:
    return line.partition("=")[0].strip().lower()


def _moderator(line: str) -> Moderator | None:
    return Moderator.with_email(line.partition("=")[2]) if "@" in _there(line) else None
