"""Import comments: read everything into a staging file first, then write it thread by thread, as one action."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update

from commentsvc import clock
from commentsvc.db import db
from commentsvc.errors import N_, Reason, Refusal
from commentsvc.fields import MAX_BODY_LENGTH, MAX_TITLE_LENGTH
from commentsvc.markup import plain_text
from commentsvc.models.comment import Comment, State, marks_of
from commentsvc.models.decision import Decision
from commentsvc.models.imported import Imported
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.revision import Revision
from commentsvc.models.site import Site
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.threads import moving
from commentsvc.transfer import addresses
from commentsvc.transfer.conversion import Converter, NewRow
from commentsvc.transfer.records import NO_PAGE, NotTaken, Page, Records, Remark, Standing
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import Staging

AT_ONCE = 50  # comments per transaction, so that who posts meanwhile hardly waits
IMPORTED = N_("imported from %(source)s")
ORPHANS = N_("replies to missing comments, now at the top level")


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
    doubles, found = staging.drop_doubles(), staging.counts()
    if not found and not staging.left_out():
        raise NothingReadable
    for remark in staging.in_no_page():
        staging.leave_out(NotTaken(remark.place, NO_PAGE, remark.body))
    origin = staging.origin
    home = origin.home or addresses.busiest(staging.urls())
    places = addresses.of(site, home, wishes.origins, dict(wishes.rules), by_key=wishes.by_key)
    for page in staging.pages():
        where = places.thread_of(page)
        if isinstance(where, tuple):
            staging.assign(page, "\n".join(where))
        else:
            staging.leave_out(NotTaken(page.url or page.id, where, page.title))
    staging.choose(wishes.standings)
    return Report(
        source=f"{origin.name.partition(':')[0]}:{wishes.source}" if wishes.source else origin.name,
        home=home,
        found=found,
        already=doubles,
        elsewhere=dict(places.elsewhere),
        unused_rules=places.unused(),
    )


def begin(site: Site, by: Person, report: Report) -> int:
    """Log the import as an action, which can be undone; return its id for ``load``."""
    return actions.record(Verb.IMPORT, by, site=site, count=0, undo_data={"source": report.source}).id


def load(
    staging: Staging, site: Site, wishes: Wishes, report: Report, action_id: int | None
) -> Iterator[Callable[[], int]]:
    """Prepare what is to be taken, and yield functions that write it. Each returns how many rows are done by then.

    They are for ``db.each_written``: what takes long is done between the transactions. A dry run has no action, and
    calls none of them. An action whose import broke off is continued: what was imported before, even if it was deleted
    since, is not taken again.
    """
    report.is_dry = action_id is None
    converter = Converter(site, wishes.pending_as, report, is_dry=report.is_dry)
    site_id, done, ready, named = site.id, 0, list[_Part](), set[str]()
    for place in staging.threads():
        thread = _Thread(staging, site_id, action_id, wishes, report, converter, place, named)
        for part in thread.parts():
            ready.append(part)
            if sum(len(one.rows) for one in ready) >= AT_ONCE:
                done += sum(len(one.rows) for one in ready)
                yield partial(_write, ready, done, action_id)
                ready = []
    report.left_out = staging.left_out()
    done += sum(len(one.rows) for one in ready)
    if action_id is not None:
        yield partial(_finish, ready, done, action_id, report)


def prepared(steps: Iterator[Callable[[], int]]) -> Iterator[int]:
    """Prepare everything and write nothing, as a dry run does; yield about how many comments are ready."""
    return (count * AT_ONCE for count, _ in enumerate(steps))


def _write(parts: "list[_Part]", done: int, action_id: int | None) -> int:
    for part in parts:
        part.thread.write(part.rows)
    more = ModeratorAction.count + sum(len(part.rows) for part in parts)
    db.session.execute(update(ModeratorAction).where(ModeratorAction.id == action_id).values(count=more))
    return done


def _finish(parts: "list[_Part]", done: int, action_id: int, report: Report) -> int:
    _write(parts, done, action_id)
    action = db.session.get_one(ModeratorAction, action_id)
    action.count = Imported.brought_by(action_id)
    action.undo_data = action.undo_data | {"report": report.as_json()}
    return done


@dataclass(frozen=True)
class _Part:
    """Some comments of one thread, to be written together."""

    thread: "_Thread"
    rows: list[NewRow]


@dataclass
class _Thread:
    """What is taken into one thread. ``place`` is its key and its address."""

    staging: Staging
    site_id: int
    action_id: int | None
    wishes: Wishes
    report: Report
    converter: Converter
    place: str
    named: set[str]  # the further keys that are taken already, here or in another thread
    ids: dict[str, int] = field(default_factory=dict)  # of rows here, by their ids in the file
    roots: dict[int, int] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.place.partition("\n")[0]

    @property
    def source(self) -> str:
        return self.report.source[:200]

    @property
    def _also(self) -> str:
        return f"also:{self.source.partition(':')[0]}"

    def parts(self) -> Iterator[_Part]:
        """Convert what is new."""
        self.pages = self.staging.pages_of(self.place)
        self.remarks = _parents_first(self.staging.remarks_of(self.place))
        is_there = db.session.scalar(select(Thread.id).where(Thread.site_id == self.site_id, Thread.key == self.key))
        self.report.opened += is_there is None
        self.report.joined += is_there is not None
        rows, placed = [], set[str]()
        for remark in self._fresh():
            new = self.converter.convert(remark)
            if isinstance(new, NotTaken):
                self.staging.leave_out(new)
                continue
            is_orphan = bool(remark.parent) and remark.parent not in placed and remark.parent not in self.ids
            self.report.changed[ORPHANS] += is_orphan and not remark.is_placeholder
            placed.add(remark.id)
            rows.append(new)
            if len(rows) >= AT_ONCE:
                yield _Part(self, rows)
                rows = []
        if rows:
            yield _Part(self, rows)

    def write(self, rows: list[NewRow]) -> None:
        """Write comments with what belongs to them: parents come before their replies."""
        thread = self._opened()
        returning = insert(Comment).returning(Comment.id, sort_by_parameter_order=True)
        ids = db.session.scalars(returning, [self._with_place(new, thread) for new in rows]).all()
        self._hang(rows, ids)
        self._remember(rows, ids)
        pairs = zip(rows, ids, strict=True)
        shown = (id_ for new, id_ in pairs if new.remark.is_pinned and new.values["state"] == State.APPROVED)
        thread.pinned_id = thread.pinned_id or next(shown, None)
        moving.count_anew(thread)

    def _with_place(self, new: NewRow, thread: Thread) -> dict[str, Any]:
        values = new.values
        tags = marks_of(values["state"], values["kind"], self.site_id, thread.id, values["created_at"], ())
        return values | {"site_id": self.site_id, "thread_id": thread.id, "search_tags": tags}

    def _hang(self, rows: list[NewRow], ids: Sequence[int]) -> None:
        """Put replies below what they answer, whose ids are known only now."""
        below = []
        for new, id_ in zip(rows, ids, strict=True):
            self.ids[new.remark.id] = id_
            parent = self.ids.get(new.remark.parent) if new.remark.parent else None
            parent = None if parent == id_ else parent
            self.roots[id_] = self.roots[parent] if parent else id_
            if parent:
                below.append({"id": id_, "parent_id": parent, "root_id": self.roots[parent]})
        if below:
            db.session.execute(update(Comment), below)

    def _remember(self, rows: list[NewRow], ids: Sequence[int]) -> None:
        """Log each comment once, and by which keys it is known."""
        why: list[Reason] = [[IMPORTED, {"source": self.source}]]
        common = {"site_id": self.site_id, "action_id": self.action_id}
        decisions, known, originals = [], [], []
        for new, id_ in zip(rows, ids, strict=True):
            remark, names = new.remark, [(self.source, _short(new.remark.id))]
            if remark.also and remark.also not in self.named:  # another blog's may have the same number
                names.append((self._also, remark.also))
                self.named.add(remark.also)
            decisions.append(common | {"comment_id": id_, "after": new.values["state"], "reasons": why})
            known += [common | {"source": one, "key": key, "comment_id": id_} for one, key in names]
            if new.original:
                originals.append({"comment_id": id_, "body": new.original[:MAX_BODY_LENGTH]})
        db.session.execute(insert(Decision), decisions)
        db.session.execute(insert(Imported), known)
        if originals:
            db.session.execute(insert(Revision), originals)

    def _opened(self) -> Thread:
        site = db.session.get_one(Site, self.site_id)
        thread = Thread.at(site, self.key)
        if thread is not None:
            return thread
        written = [one.written for one in self.remarks if one.written]
        created = [page.created for page in self.pages if page.created]
        now = clock.now()
        thread = Thread(site_id=site.id, site=site, key=self.key, url=self.place.partition("\n")[2])
        thread.title = plain_text.crop(next((one.title for one in self.pages if one.title), ""), MAX_TITLE_LENGTH)
        thread.created_at = min([*created, *written, now])
        thread.active_at = min(max(written, default=now), now)
        if self.wishes.closes and any(page.is_closed for page in self.pages):
            thread.access, thread.closed_at = Access.CLOSED, now
        db.session.add(thread)
        db.session.flush()
        action = db.session.get_one(ModeratorAction, self.action_id)
        action.undo_data = action.undo_data | {"threads": [*action.undo_data.get("threads", ()), thread.id]}
        return thread

    def _fresh(self) -> list[Remark]:
        """Return what was not imported before, and learn the ids of what was."""
        remarks = self.remarks
        known = self._known([(self.source, _short(one.id)) for one in remarks])
        self.named |= {key for _, key in self._known([(self._also, one.also) for one in remarks if one.also])}
        twins = self._known([(_twins(self.source), one.also) for one in remarks if one.also])
        fresh = []
        for remark in remarks:
            name, twin = (self.source, _short(remark.id)), (_twins(self.source), remark.also)
            there = name if name in known else twin if remark.also and twin in twins else None
            if there is None:
                fresh.append(remark)
                continue
            self.report.already += not remark.is_placeholder
            if (comment_id := (known | twins)[there]) is not None:
                self._learn(remark.id, comment_id)
        return fresh

    def _learn(self, key: str, comment_id: int) -> None:
        """Remember what replies hang below, unless it was moved to another thread since."""
        row = select(Comment.root_id).join(Thread, Thread.id == Comment.thread_id)
        here = db.session.execute(row.where(Comment.id == comment_id, Thread.key == self.key)).first()
        if here is not None:
            self.ids[key] = comment_id
            self.roots[comment_id] = here.root_id or comment_id

    def _known(self, names: list[tuple[str, str]]) -> dict[tuple[str, str], int | None]:
        found: dict[tuple[str, str], int | None] = {}
        columns = select(Imported.source, Imported.key, Imported.comment_id).where(Imported.site_id == self.site_id)
        for source in {source for source, _ in names}:
            keys = [key for one, key in names if one == source]
            for start in range(0, len(keys), AT_ONCE):
                rows = columns.where(Imported.source == source, Imported.key.in_(keys[start : start + AT_ONCE]))
                found |= {(said, key): number for said, key, number in db.session.execute(rows)}
        return found


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
