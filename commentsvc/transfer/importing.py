"""Import comments: read everything into a staging file first, then write it thread by thread, as one action."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from commentsvc import clock, links, throttle, tokens
from commentsvc.comments import posting, submission
from commentsvc.db import db
from commentsvc.errors import N_, Reason, Refusal
from commentsvc.fields import MAX_AUTHOR_LENGTH, MAX_BODY_LENGTH, MAX_TITLE_LENGTH, MAX_WEBSITE_LENGTH, rendered
from commentsvc.i18n import gettext
from commentsvc.markup import plain_text
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.decision import Decision
from commentsvc.models.imported import Imported
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.revision import Revision
from commentsvc.models.site import Site
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.threads import moving
from commentsvc.transfer import addresses, bodies
from commentsvc.transfer.records import NO_PAGE, NO_SOURCE, NotTaken, Page, Records, Remark, Standing
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import Staging

AT_ONCE = 50  # comments per transaction, so that who posts meanwhile hardly waits
STATES = {Standing.APPROVED: State.APPROVED, Standing.PENDING: State.PENDING, Standing.SPAM: State.SPAM}
IMPORTED = N_("imported from %(source)s")
ANONYMOUS = N_("Anonymous")
NO_TEXT = N_("it has no text")
ORPHANS = N_("replies to missing comments, now at the top level")
NO_ADDRESS = {"email": N_("invalid email addresses, left out"), "website": N_("invalid websites, left out")}
NO_DATE = N_("dates missing or in the future, now today’s")
LONG_TEXT, LONG_NAME = N_("long texts, shortened"), N_("long names, shortened")


class NothingReadable(Refusal):
    """Not one comment."""

    status = 422
    sentence = N_("The file holds no comments.")


@dataclass(frozen=True)
class Wishes:
    """What the owner chose: further origins, a map, keys, and which comments besides approved and pending ones."""

    origins: Sequence[str] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    by_key: bool = False
    takes_spam: bool = False
    takes_deleted: bool = False
    pending_as: State = State.PENDING
    closes: bool = False
    source: str = ""  # names the old blog, where a file does not

    @property
    def standings(self) -> list[Standing]:
        """Which comments are wanted."""
        more = [Standing.SPAM] * self.takes_spam + [Standing.DELETED] * self.takes_deleted
        return [Standing.APPROVED, Standing.PENDING, *more]


def stage(staging: Staging, records: Records, site: Site, wishes: Wishes, tell: Callable[[int], None]) -> Report:
    """Read everything, and decide what is to be taken where; write nothing. Return what is known then.

    Raises:
        NothingReadable: there is no comment.
    """
    for count in staging.put(records):
        tell(count)
    found = staging.counts()
    if not found and not staging.left_out():
        raise NothingReadable
    for remark in staging.in_no_page():
        staging.leave_out(NotTaken(remark.place, NO_PAGE, remark.body))
    origin = staging.origin
    places = addresses.of(site, origin, wishes.origins, dict(wishes.rules), by_key=wishes.by_key)
    for page in staging.pages():
        where = places.thread_of(page)
        if isinstance(where, tuple):
            staging.assign(page, "\n".join(where))
        else:
            staging.leave_out(NotTaken(page.url or page.id, where, page.title))
    staging.choose(wishes.standings)
    return Report(
        source=f"{origin.name.partition(':')[0]}:{wishes.source}" if wishes.source else origin.name,
        home=origin.home,
        found=found,
        elsewhere=dict(places.elsewhere),
        unused_rules=places.unused(),
    )


def begin(site: Site, by: Person, report: Report) -> int:
    """Log the import as an action, which can be undone; return its id for ``load``."""
    return actions.record(Verb.IMPORT, by, site=site, count=0, undo_data={"source": report.source}).id


def load(staging: Staging, site: Site, wishes: Wishes, report: Report, action_id: int | None) -> Iterator[int]:
    """Write what is to be taken; yield how many rows of the file are done, after each part. For ``db.in_batches``.

    Without an action, in a dry run, nothing is written. An action whose import broke off is continued: what was
    imported before, even if it was deleted since, is not taken again.
    """
    report.is_dry = action_id is None
    site_id, done = site.id, 1
    yield done
    for place in staging.threads():
        key, _, url = place.partition("\n")
        for count in _Thread(staging, site_id, action_id, wishes, report, key, url).load(place):
            done += count
            yield done
    report.left_out = staging.left_out()
    if action_id is not None:
        action = db.session.get_one(ModeratorAction, action_id)
        action.count = Imported.brought_by(action_id)
        action.undo_data = action.undo_data | {"report": report.as_json()}
    yield done


@dataclass
class _Thread:
    """What is taken into one thread."""

    staging: Staging
    site_id: int
    action_id: int | None
    wishes: Wishes
    report: Report
    key: str
    url: str
    ids: dict[str, int] = field(default_factory=dict)  # of rows here, by their ids in the file
    roots: dict[int, int] = field(default_factory=dict)
    pinned: int | None = None
    named: set[str] = field(default_factory=set)  # the further keys that are taken already
    original: str = ""  # of the row read last, where more than layout was lost

    @property
    def source(self) -> str:
        return self.report.source[:200]

    @property
    def _also(self) -> str:
        return f"also:{self.source.partition(':')[0]}"

    def load(self, place: str) -> Iterator[int]:
        pages, remarks = self.staging.pages_of(place), _parents_first(self.staging.remarks_of(place))
        site = db.session.get_one(Site, self.site_id)
        thread = Thread.at(site, self.key)
        self.report.opened += thread is None
        self.report.joined += thread is not None
        fresh = self._fresh(remarks)
        if self.action_id is None:
            for remark in fresh:
                self._read(remark, site)
            yield len(remarks)
            return
        for start in range(0, len(fresh), AT_ONCE):
            some = fresh[start : start + AT_ONCE]
            thread = self._opened(pages, remarks)
            for remark in some:
                self._store(remark, thread)
            if self.pinned and not thread.pinned_id:
                thread.pinned_id = self.pinned
            moving.count_anew(thread)
            yield len(some)

    def _opened(self, pages: list[Page], remarks: list[Remark]) -> Thread:
        site = db.session.get_one(Site, self.site_id)
        thread = Thread.at(site, self.key)
        if thread is not None:
            return thread
        written = [one.written for one in remarks if one.written]
        created = [page.created for page in pages if page.created]
        now = clock.now()
        thread = Thread(site_id=site.id, site=site, key=self.key, url=self.url)
        thread.title = plain_text.crop(next((one.title for one in pages if one.title), ""), MAX_TITLE_LENGTH)
        thread.created_at = min([*created, *written, now])
        thread.active_at = min(max(written, default=now), now)
        if self.wishes.closes and any(page.is_closed for page in pages):
            thread.access, thread.closed_at = Access.CLOSED, now
        db.session.add(thread)
        db.session.flush()
        action = db.session.get_one(ModeratorAction, self.action_id)
        action.undo_data = action.undo_data | {"threads": [*action.undo_data.get("threads", ()), thread.id]}
        return thread

    def _fresh(self, remarks: list[Remark]) -> list[Remark]:
        """Return what was not imported before, and learn the ids of what was."""
        known = self._known([(self.source, _short(one.id)) for one in remarks])
        self.named = {key for _, key in self._known([(self._also, one.also) for one in remarks if one.also])}
        twins = self._known([(_twins(self.source), one.also) for one in remarks if one.also])
        fresh = []
        for remark in remarks:
            name, twin = (self.source, _short(remark.id)), (_twins(self.source), remark.also)
            there = name if name in known else twin if remark.also and twin in twins else None
            if there is None:
                fresh.append(remark)
                continue
            self.report.already += remark.standing != Standing.DELETED or bool(remark.body)
            if (comment_id := (known | twins)[there]) is not None:
                self.ids[remark.id] = comment_id
                root = db.session.scalar(select(Comment.root_id).where(Comment.id == comment_id))
                self.roots[comment_id] = root or comment_id
        return fresh

    def _known(self, names: list[tuple[str, str]]) -> dict[tuple[str, str], int | None]:
        found: dict[tuple[str, str], int | None] = {}
        columns = select(Imported.source, Imported.key, Imported.comment_id).where(Imported.site_id == self.site_id)
        for source in {source for source, _ in names}:
            keys = [key for one, key in names if one == source]
            for start in range(0, len(keys), AT_ONCE):
                rows = columns.where(Imported.source == source, Imported.key.in_(keys[start : start + AT_ONCE]))
                found |= {(said, key): number for said, key, number in db.session.execute(rows)}
        return found

    def _store(self, remark: Remark, thread: Thread) -> None:
        comment = self._read(remark, thread.site)
        if comment is None:
            return
        parent = self.ids.get(remark.parent) if remark.parent else None
        if remark.parent and parent is None and remark.standing != Standing.DELETED:
            self.report.changed[ORPHANS] += 1
        comment.thread_id, comment.thread, comment.parent_id = thread.id, thread, parent
        comment.root_id = self.roots[parent] if parent else None
        comment.insert()
        self.ids[remark.id] = comment.id
        self.roots[comment.id] = comment.root_id or comment.id
        if remark.is_pinned and comment.is_visible:
            self.pinned = self.pinned or comment.id
        why: list[Reason] = [[IMPORTED, {"source": self.source}]]
        logged = Decision(comment_id=comment.id, site_id=self.site_id, after=comment.state, reasons=why)
        logged.action_id = self.action_id
        names = [(self.source, _short(remark.id))]
        if remark.also and remark.also not in self.named:  # another blog's may have the same number
            names.append((self._also, remark.also))
        rows = [
            Imported(site_id=self.site_id, source=one, key=key, comment_id=comment.id, action_id=self.action_id)
            for one, key in names
        ]
        db.session.add_all([logged, *rows])
        if self.original:
            db.session.add(Revision(comment_id=comment.id, body=self.original[:MAX_BODY_LENGTH]))

    def _read(self, remark: Remark, site: Site) -> Comment | None:
        """Return a remark as a row without its place, or leave it out."""
        self.original = ""
        is_placeholder = remark.standing == Standing.DELETED and not remark.body
        return self._placeholder(remark, site) if is_placeholder else self._row(remark, site, clock.now())

    def _placeholder(self, remark: Remark, site: Site) -> Comment:
        written = min(remark.written or clock.now(), clock.now())
        return Comment(
            kind=Kind.COMMENT,
            state=State.TRASHED,
            author=gettext(ANONYMOUS),
            body="",
            body_html="",
            body_hash=tokens.keyed_hash("body", remark.id),
            seed=tokens.keyed_hash("avatar", remark.id, length=8),
            language=site.language,
            created_at=written,
            written_at=written,
        )

    def _row(self, remark: Remark, site: Site, now: datetime) -> Comment | None:
        report, is_linkback = self.report, remark.kind != Kind.COMMENT
        converted = bodies.convert(remark)
        body = self._cropped(LONG_TEXT, converted.markup, MAX_BODY_LENGTH)
        if is_linkback and not links.origin_of(remark.website):
            return self._leave_out(remark, NO_SOURCE)
        if not body.strip() and not is_linkback:
            return self._leave_out(remark, NO_TEXT)
        report.lost += converted.lost
        self.original = remark.body if bodies.is_worth_keeping(converted.lost) else ""
        typed = {
            "author": self._cropped(LONG_NAME, remark.author or gettext(ANONYMOUS), MAX_AUTHOR_LENGTH),
            "email": remark.email.strip(),
            "website": "" if is_linkback else _with_host(remark.website),
            "title": remark.title,
            "body": body or "-",
        }
        parsed = submission.parse({name: _text(value) for name, value in typed.items()})
        for name in sorted({"email", "website"} & set(parsed.check.wrong)):
            report.changed[NO_ADDRESS[name]] += 1
        written = min(remark.written or now, now)
        report.changed[NO_DATE] += remark.written is None or remark.written > now
        wrong = parsed.check.wrong
        website = remark.website[:MAX_WEBSITE_LENGTH] if is_linkback else parsed.website
        state = self.wishes.pending_as if remark.standing == Standing.PENDING else STATES.get(remark.standing)
        comment = Comment(
            kind=Kind(remark.kind),
            response=remark.response if is_linkback else "",
            is_discussion=not is_linkback,
            state=state or State.TRASHED,
            author=parsed.author or gettext(ANONYMOUS),
            email=None if "email" in wrong else parsed.email,
            website=website if is_linkback or "website" not in wrong else None,
            title=parsed.title,
            body=parsed.body if body else "",
            body_html=rendered(parsed.body) if body else "",
            body_hash=posting.body_hash(parsed.body) if body else tokens.keyed_hash("body", remark.website),
            language=site.language,
            seed=_seed(remark),
            address_hash=_address_hash(remark, site, now),
            created_at=written,
            written_at=written,
            edited_at=min(remark.edited, now) if remark.edited and remark.edited > written else None,
            published_at=written if is_linkback else None,
        )
        report.taken[f"{comment.state} {comment.kind}s"] += 1
        return comment

    def _leave_out(self, remark: Remark, why: Reason) -> Comment | None:
        self.staging.leave_out(NotTaken(remark.place, why, remark.body or remark.author))
        return None

    def _cropped(self, what: str, text: str, most: int) -> str:
        self.report.changed[what] += len(text) > most
        return text[:most]


def _parents_first(remarks: list[Remark]) -> list[Remark]:
    """Return remarks in their order, but each after the one it answers; a ring is cut where it is met."""
    by_id = {one.id: one for one in remarks}
    placed: dict[str, Remark] = {}
    for remark in remarks:
        chain = []
        one: Remark | None = remark
        seen = set()
        while one is not None and one.id not in placed and one.id not in seen:
            seen.add(one.id)
            chain.append(one)
            one = by_id.get(one.parent)
        for each in reversed(chain):
            placed[each.id] = each
    return list(placed.values())


def _short(key: str) -> str:
    return key if len(key) <= 100 else hashlib.sha256(key.encode()).hexdigest()


def _twins(source: str) -> str:
    """Return the name under which the same comments came by another route."""
    return "also:disqus" if source.startswith("wordpress:") else "also:wordpress"


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\0", "")


def _with_host(website: str) -> str:
    """Return a web address, or nothing for one that only begins."""
    return website.strip() if "." in website.partition("//")[2] or "//" not in website else ""


def _seed(remark: Remark) -> str:
    """Return what the avatar is drawn from: one person has one picture, wherever they wrote."""
    who = remark.email.strip().lower() or f"{remark.author}\n{remark.website}"
    return tokens.keyed_hash("avatar", who, length=8)


def _address_hash(remark: Remark, site: Site, now: datetime) -> str | None:
    """Return the hash of an address that the site would still keep; None for addresses that say nothing."""
    kept = timedelta(days=site.keep_addresses_days) if site.keep_addresses_days else None
    if not remark.address or (kept and (remark.written is None or now - remark.written > kept)):
        return None
    if remark.address.startswith(("0.", "127.")) or remark.address.endswith(".0"):
        return None
    try:
        return throttle.hash_of(remark.address)
    except ValueError:
        return None
