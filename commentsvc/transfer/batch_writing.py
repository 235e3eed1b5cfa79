"""Write a batch of imported comments, of several threads, and the rows that depend on them, in few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from commentsvc import clock
from commentsvc.db import Base, db
from commentsvc.errors import N_, Reason
from commentsvc.fields import MAX_BODY_LENGTH
from commentsvc.models.comment import Comment, State, search_tags_of
from commentsvc.models.decision import Decision
from commentsvc.models.imported import Imported
from commentsvc.models.imported_thread import ImportedThread
from commentsvc.models.revision import Revision
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.threads import moving
from commentsvc.transfer import times
from commentsvc.transfer.thread_import import NewRow, Part, ThreadImport, short

IMPORTED = N_("imported from %(source)s")


@dataclass(frozen=True, slots=True)
class _Placed:
    """A comment that is about to be written, with its id and its thread."""

    thread_import: ThreadImport
    thread: Thread
    new: NewRow
    comment_id: int


@dataclass(frozen=True)
class BatchWriter:
    """Writes what one import brings into a site. ``db.commit_each`` calls ``write`` again after a conflict."""

    site_id: int
    action_id: int
    source: str

    def write(self, parts: Sequence[Part]) -> None:
        """Write some comments of several threads, parents first, and what belongs to them."""
        threads = self._threads_or_again([part.thread for part in parts])
        for part, thread in zip(parts, threads, strict=True):
            part.thread.refresh_parents(part.rows, thread.id)
        ids = iter(db.new_ids(Comment, sum(len(part.rows) for part in parts)))
        placed = [
            _Placed(part.thread, thread, new, next(ids))
            for part, thread in zip(parts, threads, strict=True)
            for new in part.rows
        ]
        _insert(Comment, [self._comment(one) for one in placed])
        _insert(Decision, self._decisions(placed))
        _insert(Imported, [row for one in placed for row in self._keys(one)])
        _insert(Revision, [row for one in placed for row in _earlier(one)])
        _pin(placed)
        moving.recount(list(dict.fromkeys(threads)))  # last, as it locks the row of the site, for which others wait

    def _threads_or_again(self, wanted: Sequence[ThreadImport]) -> list[Thread]:
        """Return the threads, in this order. Somebody may open one of them at the same moment, by a comment."""
        try:
            with db.session.begin_nested():
                return self._threads(wanted)
        except IntegrityError:
            return self._threads(wanted)

    def _threads(self, wanted: Sequence[ThreadImport]) -> list[Thread]:
        """Return the threads, in this order; open those that are not there yet, with their aliases."""
        keys = {key for one in wanted for key in (one.key, *one.aliases)}
        known, opened, aliases = Thread.all_at(self.site_id, keys), list[Thread](), dict[str, Thread]()
        for one in wanted:
            if one.key in known:
                continue
            known[one.key] = thread = one.new_thread()
            opened.append(thread)
            further = {key: thread for key in one.aliases if key not in known}
            known |= further
            aliases |= further
        db.session.add_all(opened)
        db.session.flush()
        _insert(ImportedThread, [{"thread_id": thread.id, "action_id": self.action_id} for thread in opened])
        rows = [{"site_id": self.site_id, "key": key, "thread_id": thread.id} for key, thread in aliases.items()]
        _insert(ThreadAlias, rows)
        return [known[one.key] for one in wanted]

    def _comment(self, one: _Placed) -> dict[str, Any]:
        values, thread_id = one.new.values, one.thread.id
        parent, root = one.thread_import.place_reply(one.new.record, one.comment_id)
        tags = search_tags_of(values["state"], values["kind"], self.site_id, thread_id, values["created_at"], ())
        place = {"id": one.comment_id, "site_id": self.site_id, "thread_id": thread_id}
        return values | place | {"parent_id": parent, "root_id": root, "search_tags": tags}

    def _decisions(self, placed: Sequence[_Placed]) -> list[dict[str, Any]]:
        """Return one decision per comment, all with the same reason."""
        why: list[Reason] = [[IMPORTED, {"source": self.source}]]
        common = {"site_id": self.site_id, "action_id": self.action_id, "reasons": why}
        return [common | {"comment_id": one.comment_id, "after": one.new.values["state"]} for one in placed]

    def _keys(self, one: _Placed) -> list[dict[str, Any]]:
        """Return the keys by which a comment is known at its source."""
        common = {"site_id": self.site_id, "action_id": self.action_id, "comment_id": one.comment_id}
        names = [(self.source, short(one.new.record.id))]
        if one.new.cross_id:
            names.append((one.thread_import.cross_source, one.new.cross_id))
        return [common | {"source": source, "key": key} for source, key in names]


def _earlier(one: _Placed) -> list[dict[str, Any]]:
    """Return the revisions of a comment: its earlier texts there, and its text before it was converted."""
    texts = [(body, times.of_iso(when)) for body, when in one.new.record.earlier] + [(one.new.original, None)]
    return [
        {"comment_id": one.comment_id, "body": body[:MAX_BODY_LENGTH], "replaced_at": when or clock.now()}
        for body, when in texts
        if body
    ]


def _pin(placed: Sequence[_Placed]) -> None:
    for one in placed:
        if one.new.record.is_pinned and one.new.values["state"] == State.APPROVED:
            one.thread.pinned_id = one.thread.pinned_id or one.comment_id


def _insert(model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows with SQLAlchemy Core: the ORM takes twice as long for many."""
    if rows:
        db.session.connection().execute(insert(model.__table__), rows)  # type: ignore[arg-type]
