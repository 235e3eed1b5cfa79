"""What becomes of a remark: the values of a comment of ours, all but its place. No database."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from commentsvc import clock, i18n, links, throttle, tokens
from commentsvc.comments import posting, submission
from commentsvc.errors import N_, Reason
from commentsvc.fields import MAX_AUTHOR_LENGTH, MAX_BODY_LENGTH, MAX_WEBSITE_LENGTH, rendered
from commentsvc.i18n import gettext
from commentsvc.models.comment import Kind, State, said_in
from commentsvc.models.site import Site
from commentsvc.transfer import bodies
from commentsvc.transfer.records import NO_SOURCE, NotTaken, Remark, Standing

STATES = {Standing.APPROVED: State.APPROVED, Standing.SPAM: State.SPAM}
ANONYMOUS = N_("Anonymous")
NO_TEXT = N_("it has no text")
NO_ADDRESS = {"email": N_("invalid email addresses, left out"), "website": N_("invalid websites, left out")}
NO_NAME = N_("without a name, now “Anonymous”")
NO_DATE = N_("dates missing or in the future, now today’s")
LONG_TEXT, LONG_NAME = N_("long texts, shortened"), N_("long names, shortened")


@dataclass(frozen=True)
class NewRow:
    """A remark with the values of its row. ``original`` is its text where more than layout was lost."""

    remark: Remark
    values: dict[str, Any]
    original: str = ""


@dataclass
class Batch:
    """What became of some remarks, in their order: rows, or why one is left out. For the report: what was lost."""

    rows: list[NewRow | NotTaken] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)


class Converter:
    """Converts the remarks of one import. A dry run renders nothing.

    ``mine`` are moderators' ids by the addresses under which they wrote. It can be sent to other processes.
    """

    def __init__(self, site: Site, pending_as: State, mine: Mapping[str, int], *, is_dry: bool) -> None:
        self._language, self._kept_days, self._anonymous = site.language, site.keep_addresses_days, gettext(ANONYMOUS)
        self._pending_as, self._mine, self._is_dry = pending_as, dict(mine), is_dry
        self._batch = Batch()

    def convert(self, remarks: Iterable[Remark]) -> Batch:
        """Return remarks as rows."""
        self._batch = Batch()
        for remark in remarks:
            self._batch.rows.append(self._converted(remark))
        return self._batch

    def _converted(self, remark: Remark) -> NewRow | NotTaken:
        if remark.is_placeholder:
            return self._placeholder(remark)
        is_linkback = remark.kind != Kind.COMMENT
        converted = bodies.convert(remark)
        body = self._cropped(LONG_TEXT, converted.markup, MAX_BODY_LENGTH)
        if is_linkback and not links.origin_of(remark.website):
            return _left_out(remark, NO_SOURCE)
        if not body.strip() and not is_linkback:
            return _left_out(remark, NO_TEXT)
        self._batch.lost += converted.lost
        row = self._row(remark, body, is_linkback=is_linkback)
        return NewRow(remark, row, remark.body if bodies.is_worth_keeping(converted.lost) else "")

    def _row(self, remark: Remark, body: str, *, is_linkback: bool) -> dict[str, Any]:
        self._batch.changed[NO_NAME] += not is_linkback and not remark.author.strip()
        typed = {
            "author": self._cropped(LONG_NAME, remark.author or self._anonymous, MAX_AUTHOR_LENGTH),
            "email": remark.email.strip(),
            "website": "" if is_linkback else _with_host(remark.website),
            "title": remark.title,
            "body": body or "-",
        }
        parsed = submission.parse(typed)
        wrong = parsed.check.wrong
        for name in sorted({"email", "website"} & set(wrong)):
            self._batch.changed[NO_ADDRESS[name]] += 1
        website = remark.website[:MAX_WEBSITE_LENGTH] if is_linkback else parsed.website
        state = self._pending_as if remark.standing == Standing.PENDING else STATES.get(remark.standing)
        return self._with_times(
            remark,
            kind=Kind(remark.kind),
            response=remark.response if is_linkback else "",
            is_discussion=not is_linkback,
            state=state or State.TRASHED,
            author=parsed.author or self._anonymous,
            email=None if "email" in wrong else parsed.email,
            website=website if is_linkback or "website" not in wrong else None,
            title=parsed.title,
            body=parsed.body if body else "",
            body_html=rendered(parsed.body) if body and not self._is_dry else "",
            body_hash=posting.body_hash(parsed.body) if body else tokens.keyed_hash("body", remark.website),
            seed=_seed(remark),
        )

    def _placeholder(self, remark: Remark) -> NewRow:
        """Keep the place of something deleted that was answered."""
        row = self._with_times(
            remark,
            kind=Kind.COMMENT,
            response="",
            is_discussion=True,
            state=State.TRASHED,
            author=self._anonymous,
            email=None,
            website=None,
            title="",
            body="",
            body_html="",
            body_hash=tokens.keyed_hash("body", remark.id),
            seed=tokens.keyed_hash("avatar", remark.id, length=8),
        )
        return NewRow(remark, row)

    def _with_times(self, remark: Remark, **row: Any) -> dict[str, Any]:
        now = clock.now()
        written = min(remark.written or now, now)
        self._batch.changed[NO_DATE] += not remark.is_placeholder and (remark.written is None or remark.written > now)
        said = (row["author"], row["email"], row["website"], row["title"], row["body"])
        return row | {
            "language": remark.language if remark.language in i18n.languages() else self._language,
            "moderator_id": self._mine.get(remark.email.strip().lower()),
            "address_hash": self._address_hash(remark, now),
            "created_at": written,
            "written_at": written,
            "edited_at": min(remark.edited, now) if remark.edited and remark.edited > written else None,
            "published_at": written if row["kind"] != Kind.COMMENT else None,
            "search_text": "" if self._is_dry else said_in(*said),
        }

    def _cropped(self, what: str, text: str, most: int) -> str:
        self._batch.changed[what] += len(text) > most
        return text[:most]

    def _address_hash(self, remark: Remark, now: datetime) -> str | None:
        """Return the hash of an address that the site would still keep; None for addresses that say nothing."""
        kept = timedelta(days=self._kept_days) if self._kept_days else None
        if not remark.address or (kept and (remark.written is None or now - remark.written > kept)):
            return None
        if remark.address.startswith(("0.", "127.")) or remark.address.endswith(".0"):
            return None
        try:
            return throttle.hash_of(remark.address)
        except ValueError:
            return None


def _left_out(remark: Remark, why: Reason) -> NotTaken:
    return NotTaken(remark.place, why, remark.body or remark.author)


def _with_host(website: str) -> str:
    """Return a web address, or nothing for one that only begins."""
    return website.strip() if "." in website.partition("//")[2] or "//" not in website else ""


def _seed(remark: Remark) -> str:
    """Return what the avatar is drawn from: one person has one picture, wherever they wrote."""
    who = remark.email.strip().lower() or f"{remark.author}\n{remark.website}"
    return tokens.keyed_hash("avatar", who, length=8)
