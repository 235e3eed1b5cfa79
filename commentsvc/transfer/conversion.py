"""Convert an imported record to the columns of a comment, all but thread and parent. No database access."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from commentsvc import clock, i18n, links, throttle, tokens
from commentsvc.characters import is_seen
from commentsvc.comments import posting
from commentsvc.errors import N_, Reason
from commentsvc.fields import (
    MAX_AUTHOR_LENGTH,
    MAX_BODY_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_WEBSITE_LENGTH,
    Check,
    compared_email,
    rendered,
)
from commentsvc.i18n import gettext
from commentsvc.models.comment import Kind, State, search_text_of
from commentsvc.models.site import Site
from commentsvc.transfer import bodies
from commentsvc.transfer.import_options import ImportOptions
from commentsvc.transfer.records import NO_SOURCE, SkippedRecord, SourceComment, SourceState

STATES = {SourceState.APPROVED: State.APPROVED, SourceState.SPAM: State.SPAM}
ANONYMOUS = N_("Anonymous")
NO_TEXT = N_("it has no text")
NO_ADDRESS = {"email": N_("invalid email addresses, left out"), "website": N_("invalid websites, left out")}
NO_NAME = N_("without a name, now “Anonymous”")
NO_DATE = N_("missing or future dates, replaced with today’s date")
VOTES = N_("likes and other votes, left out")
PLACEHOLDERS = N_("deleted comments that have replies, kept as placeholders")
LONG_TEXT, LONG_NAME = N_("long texts, shortened"), N_("long names, shortened")


class ConvertedRow(Struct, frozen=True):
    """The values of a record's row: all of them, or only its kind and state, which a report counts.

    ``is_lossy`` says that more than layout was lost.
    """

    values: dict[str, Any]
    is_lossy: bool = False


@dataclass
class Batch:
    """What became of some records, in their order: rows, or why one is left out. For the report: what was lost.

    It comes from another process, so it does not repeat the records.
    """

    rows: list[ConvertedRow | SkippedRecord] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)


class Converter:
    """Converts the records of one import. It can be sent to other processes."""

    def __init__(self, site: Site, options: ImportOptions) -> None:
        self._language, self._kept_days, self._anonymous = site.language, site.keep_addresses_days, gettext(ANONYMOUS)
        self._pending_as, self._mine = options.pending_as, dict(options.mine)
        self._batch, self._is_whole = Batch(), True

    def convert(self, records: Iterable[SourceComment], *, whole: bool) -> Batch:
        """Return records as rows, which are ``whole`` or have only what is counted."""
        self._batch, self._is_whole = Batch(), whole
        for record in records:
            self._batch.rows.append(self._converted(record))
        return self._batch

    def _converted(self, record: SourceComment) -> ConvertedRow | SkippedRecord:
        if record.is_placeholder:
            return self._placeholder(record)
        is_linkback = record.kind != Kind.COMMENT
        converted = bodies.convert(record)
        body = self._cropped(LONG_TEXT, converted.markup, MAX_BODY_LENGTH)
        if is_linkback and not links.origin_of(record.website):
            return _left_out(record, NO_SOURCE)
        if not is_seen(body) and not is_linkback:
            return _left_out(record, NO_TEXT)
        self._batch.lost.update(converted.lost)
        row = self._row(record, body, is_linkback=is_linkback)
        return ConvertedRow(row, bodies.is_worth_keeping(converted.lost))

    def _row(self, record: SourceComment, body: str, *, is_linkback: bool) -> dict[str, Any]:
        self._batch.changed[VOTES] += record.votes
        self._batch.changed[NO_NAME] += not is_linkback and not record.author.strip()
        check = Check(
            {
                "author": self._cropped(LONG_NAME, record.author or self._anonymous, MAX_AUTHOR_LENGTH),
                "email": record.email.strip(),
                "website": "" if is_linkback else _with_host(record.website),
                "title": record.title,
                "body": body,
            }
        )
        email, website = check.email(), check.website()
        for name in check.wrong:
            self._batch.changed[NO_ADDRESS[name]] += 1
        email, website = (
            email if "email" not in check.wrong else None,
            website if "website" not in check.wrong else None,
        )
        state = self._pending_as if record.state == SourceState.PENDING else STATES.get(record.state)
        self._batch.changed[NO_DATE] += record.written is None or record.written > clock.now()
        counted = {"kind": Kind(record.kind), "state": state or State.TRASHED}
        if not self._is_whole:
            return counted
        text = check.body()
        return counted | self._others(
            record,
            author=check.author() or self._anonymous,
            response=record.response if is_linkback else "",
            is_discussion=not is_linkback,
            email=email,
            website=record.website[:MAX_WEBSITE_LENGTH] if is_linkback else website,
            title=check.line("title", MAX_TITLE_LENGTH)[:MAX_TITLE_LENGTH],
            body=text,
            body_html=rendered(text) if text else "",
            body_hash=posting.body_hash(text) if text else tokens.keyed_hash("body", record.website),
            seed=_seed(record),
        )

    def _placeholder(self, record: SourceComment) -> ConvertedRow:
        """Keep the place of something deleted that was answered."""
        self._batch.changed[PLACEHOLDERS] += 1
        counted = {"kind": Kind.COMMENT, "state": State.TRASHED}
        if not self._is_whole:
            return ConvertedRow(counted)
        others = self._others(
            record,
            author=self._anonymous,
            response="",
            is_discussion=True,
            email=None,
            website=None,
            title="",
            body="",
            body_html="",
            body_hash=tokens.keyed_hash("body", record.id),
            seed=tokens.keyed_hash("avatar", record.id, length=8),
        )
        return ConvertedRow(counted | others)

    def _others(self, record: SourceComment, **row: Any) -> dict[str, Any]:
        """Return these values and those that are the same for comments, linkbacks and placeholders."""
        now = clock.now()
        written = min(record.written or now, now)
        return row | {
            "language": record.language if record.language in i18n.languages() else self._language,
            "moderator_id": self._mine.get(compared_email(record.email)),
            "address_hash": self._address_hash(record, now),
            "created_at": written,
            "written_at": written,
            "edited_at": min(record.edited, now) if record.edited and record.edited > written else None,
            "published_at": written if record.kind != Kind.COMMENT else None,
            "search_text": search_text_of(row["author"], row["email"], row["website"], row["title"], row["body"]),
        }

    def _cropped(self, what: str, text: str, most: int) -> str:
        self._batch.changed[what] += len(text) > most
        return text[:most]

    def _address_hash(self, record: SourceComment, now: datetime) -> str | None:
        """Return the hash of an address that the site would still keep; None for addresses that say nothing."""
        kept = timedelta(days=self._kept_days) if self._kept_days else None
        if not record.address or (kept and (record.written is None or now - record.written > kept)):
            return None
        if record.address.startswith(("0.", "127.")) or record.address.endswith(".0"):
            return None
        try:
            return throttle.hash_of(record.address)
        except ValueError:
            return None


def _left_out(record: SourceComment, why: Reason) -> SkippedRecord:
    return SkippedRecord(record.location, why, record.body or record.author)


def _with_host(website: str) -> str:
    """Return a web address, or nothing for one that only begins."""
    return website.strip() if "." in website.partition("//")[2] or "//" not in website else ""


def _seed(record: SourceComment) -> str:
    """Return what the avatar is drawn from: one person has one picture, wherever they wrote."""
    who = compared_email(record.email) or f"{record.author}\n{record.website}"
    return tokens.keyed_hash("avatar", who, length=8)
