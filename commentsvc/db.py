"""The database: SQLAlchemy, naming of constraints, and everything that differs between SQLite and PostgreSQL."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum as PythonEnum
from functools import partial, reduce
from importlib import import_module
from itertools import repeat, takewhile
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as SignallingSession
from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Executable,
    Index,
    LargeBinary,
    MetaData,
    String,
    and_,
    cast,
    column,
    event,
    func,
    literal_column,
    select,
    table,
    text,
    type_coerce,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, QueryableAttribute, Session, make_transient_to_detached, registry
from sqlalchemy.orm.attributes import instance_dict
from sqlalchemy.types import TypeDecorator

from commentsvc import clock, postgresql, settings, sqlite, storage_errors
from commentsvc.storage_errors import Meaning

LOCK_TIMEOUT = timedelta(seconds=8)
MIN_LOCK_PAUSE = timedelta(milliseconds=10)  # longer than waiting processes sleep
LOCK_PAUSE = 0.3  # of the time for which the lock was held, until it is taken again
CONNECT_TIMEOUT = timedelta(seconds=5)
STATEMENT_TIMEOUT = timedelta(seconds=10)
EFFECTS = "effects"  # of a transaction, kept in its session until the commit
MAX_VALUES = 5_000  # of one query, which every database accepts
POOL_SIZE = 8
POOL_OVERFLOW = 8
BESIDE_MODELS = ("ix_comment_search", "ix_comment_age")  # indexes of PostgreSQL alone


class UTCDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC, on databases that know time zones and on those that do not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, which would mean something else on another machine."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime does not say when it is")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return every time with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(members: type[PythonEnum]) -> list[str]:
    return [member.value for member in members]


# Enums are stored by value, as plain text: a new member does not change the schema.
NAMES = Enum(PythonEnum, native_enum=False, create_constraint=False, length=16, values_callable=_values)


class Base(DeclarativeBase):
    """The base of all tables. Constraint names follow one convention, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    registry = registry(metadata=metadata, type_annotation_map={datetime: UTCDateTime(), PythonEnum: NAMES})


Row = TypeVar("Row", bound=Base)
Value = TypeVar("Value")
Result = TypeVar("Result")


def in_parts(values: Sequence[Value], most: int = MAX_VALUES) -> Iterator[Sequence[Value]]:
    """Yield ``values`` in parts, each for one query or one transaction."""
    return (values[start : start + most] for start in range(0, len(values), most))


class ClosingSession(SignallingSession):
    """A session that can be closed although its connection died.

    Otherwise an answer that is ready would be lost, and the session would stay for a later request of the thread.
    """

    def close(self) -> None:
        """Close the session; drop a connection that does not answer."""
        try:
            super().close()
        except SQLAlchemyError:
            with suppress(SQLAlchemyError):
                self.invalidate()


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, with explicit write transactions. ``before_writing`` may refuse them by raising."""

    before_writing: Callable[[], None] | None = None

    def init_app(self, app: Any) -> None:
        """Attach the database to a Flask application."""
        super().init_app(app)
        with app.app_context():
            prepare(self.engine)

    def begin_write(self, *, keep: bool = False) -> bool:
        """Begin a transaction that may write; return whether it is a new one.

        SQLite takes its write lock here, so nothing read afterwards can be stale when it is written. With ``keep``,
        objects that were read stay loaded, and the caller must check them; PostgreSQL then continues the transaction.
        """
        is_new = not keep or self.engine.dialect.name == "sqlite"
        if keep:
            _upgrade_to_write(self.session.connection())
        else:
            self.session.rollback()
            self.session.connection(execution_options={"writes": True})
        if self.before_writing is not None:
            self.before_writing()
        return is_new

    def commit_and_keep(self) -> None:
        """Commit without expiring what was read, for callers that read nothing more."""
        session = self.session()
        session.expire_on_commit = False
        try:
            session.commit()
        finally:
            session.expire_on_commit = True

    def attach(self, row: Base, values: Mapping[str, Any]) -> None:
        """Add a new object to the session as the row with these values, primary key included, without a query."""
        instance_dict(row).update(values)
        make_transient_to_detached(row)
        self.session.add(row)

    def on_commit(self, effect: Callable[..., object], *arguments: Hashable) -> None:
        """Call ``effect`` after the commit, once for the same arguments; forget it on rollback. It must not raise."""
        self.session().info.setdefault(EFFECTS, {})[effect, arguments] = None

    def run_in_transaction(self, use_case: Callable[[], Result]) -> Result:
        """Call a use case in a transaction of its own, and once more if it met a conflict with another one. Commits."""
        try:
            return self._in_transaction(use_case)
        except SQLAlchemyError as error:
            if storage_errors.meaning(error) != Meaning.CONFLICT:
                raise
            self.session.rollback()
            return self._in_transaction(use_case)

    def _in_transaction(self, use_case: Callable[[], Result]) -> Result:
        self.begin_write()
        result = use_case()
        self.session.commit()
        return result

    def in_batches(self, step: Callable[[], Result]) -> Iterator[Result]:
        """Commit after each ``step`` and yield its result, until one returns nothing. Other writers run in between."""
        return takewhile(bool, self.commit_each(repeat(step)))

    def commit_each(self, steps: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """Call each step in a transaction of its own and yield its result. The next step is prepared without a lock.

        Commits. Other writers run in between. A step that met a conflict is called once more.
        """
        is_sqlite, resumes = self.engine.dialect.name == "sqlite", 0.0
        for step in steps:
            if is_sqlite:  # waiting processes poll for the lock
                time.sleep(max(resumes - time.monotonic(), 0))
            began, done = self.run_in_transaction(partial(_timed, step))
            ended = time.monotonic()
            resumes = ended + max((ended - began) * LOCK_PAUSE, MIN_LOCK_PAUSE.total_seconds())
            yield done

    def new_ids(self, model: type[Base], count: int) -> list[int]:
        """Return ids for rows to come, in a transaction that writes; nobody else gets them."""
        name = model.__tablename__
        if self.engine.dialect.name == "sqlite":  # the last one that was ever used: https://sqlite.org/autoinc.html
            last = self.session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": name}) or 0
            return list(range(last + 1, last + count + 1))
        following = func.nextval(func.pg_get_serial_sequence(name, "id"))
        return sorted(self.session.scalars(select(following).select_from(func.generate_series(1, count))))

    def locked(self, model: type[Row], row_id: int) -> Row | None:
        """Return a row as it is now, locked until the transaction ends."""
        return self.session.get(model, row_id, with_for_update={"of": model}, populate_existing=True)

    def add_or_find(self, row: Row, find: Callable[[], Row | None]) -> Row:
        """Store ``row``, or return what ``find`` finds if somebody else stored it at the same moment."""
        try:
            with self.session.begin_nested():
                self.session.add(row)
        except IntegrityError:
            existing = find()
            if existing is None:
                raise
            return existing
        return row

    def insert_or_update(self, model: type[Base], rows: list[dict[str, Any]], instead: Mapping[str, Any]) -> None:
        """Insert rows, and change existing ones as ``instead`` says."""
        self.session.execute(upsert(self.engine.dialect.name, model, rows, instead))

    def advisory_lock(self, what: str) -> None:
        """Hold the lock named ``what`` until the transaction ends. SQLite has a single writer and needs none."""
        if self.engine.dialect.name == "postgresql":
            self.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(what))))


def _timed(step: Callable[[], Result]) -> tuple[float, Result]:
    """Call a step; return when it began, with its result."""
    return time.monotonic(), step()


db = Database(model_class=Base, session_options={"class_": ClosingSession})


def upsert(dialect: str, model: type[Base], values: Any, instead: Mapping[str, Any]) -> Executable:
    """Return the statement that inserts rows, and changes existing ones as ``instead`` says."""
    # Both databases have the same syntax, and SQLAlchemy a function for each.
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    keys = list(model.__table__.primary_key.columns)  # type: ignore[attr-defined]
    statement: Executable = insert(model).values(values).on_conflict_do_update(index_elements=keys, set_=dict(instead))
    return statement


# A database in another encoding could not store what people write: ``schema.upgrade`` refuses it.
ARGUMENTS = {"connect_timeout": int(CONNECT_TIMEOUT.total_seconds()), "client_encoding": "utf8"}


def configuration(url: str) -> dict[str, Any]:
    """Return Flask's configuration for the database at ``url``."""
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": engine_options(url)}


def engine_options(url: str) -> dict[str, Any]:
    """Return the options of ``create_engine`` for ``url``: a bounded pool and bounded waits.

    Behind a pooler, set the timeouts of statements and locks on the database role.
    """
    # What strangers typed must not be logged, not even when a statement fails.
    pool = {
        "hide_parameters": True,
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": CONNECT_TIMEOUT.total_seconds(),
        "pool_use_lifo": True,  # few connections are in use at a time, and each keeps pages in memory
    }
    if is_sqlite(url):
        return pool
    if settings.has_pooler():  # it hands a connection to somebody else after each transaction
        return {**pool, "connect_args": {**ARGUMENTS, "prepare_threshold": None}}
    statement, lock = clock.milliseconds(STATEMENT_TIMEOUT), clock.milliseconds(LOCK_TIMEOUT)
    limits = f"-c statement_timeout={statement} -c lock_timeout={lock}"
    return {
        **pool,
        "connect_args": {**ARGUMENTS, "options": limits},
    }


def is_sqlite(url: str) -> bool:
    """Return whether ``url`` is an SQLite file."""
    return url.startswith("sqlite")


def _upgrade_to_write(connection: Connection) -> None:
    """Let the current transaction write.

    On SQLite, it ends and another begins below SQLAlchemy, whose own way takes a tenth of the time of a comment.
    """
    connection.execution_options(writes=True)
    if connection.dialect.name == "sqlite":
        sqlite.restart_as_write(connection)


def prepare(engine: Engine) -> None:
    """Set up an engine's connections. On SQLite: durable, with foreign keys, the write lock taken at the start."""
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine)
    else:
        postgresql.prepare(engine)


@event.listens_for(Session, "after_commit")
def _run_effects(session: Session) -> None:
    if not session.in_nested_transaction():
        for effect, arguments in session.info.pop(EFFECTS, ()):
            effect(*arguments)


@event.listens_for(Session, "after_rollback")
def _forget_effects(session: Session) -> None:
    session.info.pop(EFFECTS, None)


@event.listens_for(Session, "before_flush")
def _only_after_begin_write(session: Session, *_: Any) -> None:
    connection = session.connection()
    if connection.dialect.name == "sqlite" and not connection.get_execution_options().get("writes"):
        raise RuntimeError("db.begin_write() comes before the first write of a transaction")


def octet_length(text: QueryableAttribute[Any]) -> ColumnElement[int]:
    """The number of bytes of a text column in UTF-8."""
    if db.engine.dialect.name == "sqlite":
        return func.length(cast(text, LargeBinary))
    return func.octet_length(text)


def unindexed(column: QueryableAttribute[Any]) -> ColumnElement[Any]:
    """Stop SQLite's planner from using this column's index (``column + 0``).

    Without statistics it assumes that every index is selective, even one that finds all comments of a site.
    """
    kind = column.type.python_type
    expression: ColumnElement[Any] = type_coerce(column, String) + "" if issubclass(kind, str) else column + kind()
    return expression


@dataclass(frozen=True)
class Span:
    """A span of days: their tags, and the moments it begins and ends."""

    marks: Sequence[str]
    first: datetime
    end: datetime


@dataclass(frozen=True)
class Lookup:
    """An index to search comments with: the column of ids, and the condition.

    Sort by ``age``, descending, to read the newest first without reading all.
    """

    comment_id: ColumnElement[int]
    fits: ColumnElement[bool]
    age: Sequence[ColumnElement[Any]]

    def older(self, comment_id: int) -> ColumnElement[bool]:
        """The condition for comments after this one in that order."""
        if len(self.age) == 1:
            return self.comment_id < comment_id
        written, other = self.age[0], table("comment", column("id"), column("created_at")).alias()
        known = select(other.c.created_at).where(other.c.id <= comment_id)  # it may be gone; the next older one will do
        then = known.order_by(other.c.id.desc()).limit(1).scalar_subquery()
        return (written <= then) & ((written < then) | (self.comment_id < comment_id))


def full_text(
    marks: Sequence[Sequence[str]], phrases: Sequence[str], days: Span | None = None, without: Sequence[str] = ()
) -> Lookup:
    """Look up comments with one tag of each group and all phrases; a ``*`` at a word's end matches any end.

    ``without`` are tags that they must not have. Phrases are as ``markup.tokenize`` returns them. At least one
    condition must be given.
    """
    if db.engine.dialect.name == "sqlite":
        index = table("comment_search", column("rowid"))
        wanted = [f"search_tags : ({_any_of(group)})" for group in (*marks, *([days.marks] if days else []))]
        wanted += [f"search_text : {_phrase(one)}" for one in phrases]
        query = " AND ".join(wanted) + (f" NOT search_tags : ({_any_of(without)})" if without else "")
        fits = literal_column("comment_search").op("MATCH")(query)
        return Lookup(index.c.rowid, fits, [index.c.rowid])
    from sqlalchemy.dialects import postgresql

    rows = table("comment", column("id"), column("search"), column("created_at", UTCDateTime()))
    groups = (cast(" | ".join(f"'{mark}'" for mark in group), postgresql.TSQUERY) for group in marks)
    queries: list[ColumnElement[Any]] = [*groups, *(_words(one) for one in phrases)]
    queries += [cast(f"!'{mark}'", postgresql.TSQUERY) for mark in without]
    conditions: list[ColumnElement[bool]] = []
    if queries:
        conditions.append(rows.c.search.op("@@")(reduce(lambda one, other: one.op("&&")(other), queries)))
    if days is None:
        return Lookup(rows.c.id, and_(*conditions), [rows.c.id])
    # The text index has no order: for a long span it would have to collect everything before it knows the newest.
    conditions += [rows.c.created_at >= days.first, rows.c.created_at < days.end]
    return Lookup(rows.c.id, and_(*conditions), [rows.c.created_at, rows.c.id])


def _any_of(group: Sequence[str]) -> str:
    return " OR ".join(f'"{mark}"' for mark in group)


def _phrase(one: str) -> str:
    return f'"{one.removesuffix("*")}"' + ("*" if one.endswith("*") else "")


def _words(one: str) -> ColumnElement[Any]:
    if one.endswith("*"):
        return func.to_tsquery("simple", " <-> ".join(one.removesuffix("*").split()) + ":*")
    return func.phraseto_tsquery("simple", one)


def partial_index(column: str, *others: str) -> Index:
    """Return an index without the rows in which the first column is NULL, so that those cost no write."""
    only = text(f"{column} IS NOT NULL")
    return Index(None, column, *others, sqlite_where=only, postgresql_where=only)


def is_modelled(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
    """Return whether a table, column or index belongs to the models; the full-text index does not."""
    is_of_index = name is not None and name.startswith("comment_search")
    is_column = kind == "column" and name == "search" and parents.get("table_name") == "comment"
    return not (is_of_index or is_column or (kind == "index" and name in BESIDE_MODELS))
