"""The database: SQLAlchemy, names of constraints, and all that differs between SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, DateTime, Dialect, Engine, LargeBinary, MetaData, cast, event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, QueryableAttribute, Session, registry
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT = timedelta(seconds=8)
CONNECT_TIMEOUT = timedelta(seconds=5)
STATEMENT_TIMEOUT = timedelta(seconds=10)
POOL_SIZE = 8
POOL_OVERFLOW = 8


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
        """Give every time its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The tables' common ground; constraint names follow one convention so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    registry = registry(metadata=metadata, type_annotation_map={datetime: UTCDateTime()})


Row = TypeVar("Row", bound=Base)


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with a word for "from here on I write"."""

    def begin_write(self) -> None:
        """End what was read so far and open a transaction that may write.

        SQLite takes its one write lock here, so nothing read afterwards can be stale when it is written.
        """
        self.session.rollback()
        self.session.connection(execution_options={"writes": True})

    def add_or_find(self, row: Row, find: Callable[[], Row | None]) -> Row:
        """``row``, stored, or what ``find`` finds where somebody else was first with it this very moment; writes."""
        try:
            with self.session.begin_nested():
                self.session.add(row)
        except IntegrityError:
            existing = find()
            if existing is None:
                raise
            return existing
        return row

    def one_at_a_time(self, what: str) -> None:
        """Wait until no other transaction does ``what``; on SQLite, whoever may write is alone anyway."""
        if self.engine.dialect.name == "postgresql":
            self.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(what))))


db = Database(model_class=Base)


def engine_options(url: str) -> dict[str, Any]:
    """What ``create_engine`` needs for ``url``: a bounded pool and bounded waits."""
    # What strangers typed belongs into no log, not even when a statement fails.
    pool = {
        "hide_parameters": True,
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": CONNECT_TIMEOUT.total_seconds(),
    }
    if is_sqlite(url):
        return {**pool, "connect_args": {"timeout": BUSY_TIMEOUT.total_seconds(), "check_same_thread": False}}
    limits = f"-c statement_timeout={_milliseconds(STATEMENT_TIMEOUT)} -c lock_timeout={_milliseconds(BUSY_TIMEOUT)}"
    return {
        **pool,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": int(CONNECT_TIMEOUT.total_seconds()), "options": limits},
    }


def is_sqlite(url: str) -> bool:
    """Whether ``url`` names an SQLite file."""
    return url.startswith("sqlite")


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def prepare(engine: Engine) -> None:
    """Teach an engine our transactions: durable, foreign keys held, the write lock taken at the start."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own accord
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_milliseconds(BUSY_TIMEOUT)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Any) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@event.listens_for(Session, "before_flush")
def _only_after_begin_write(session: Session, *_: Any) -> None:
    connection = session.connection()
    if connection.dialect.name == "sqlite" and not connection.get_execution_options().get("writes"):
        raise RuntimeError("db.begin_write() comes before the first write of a transaction")


def out_of_service(problem: SQLAlchemyError) -> bool:
    """Whether the database cannot take this now (locked, full, gone, too busy), as opposed to a mistake of ours."""
    if isinstance(problem, PoolTimeout):
        return True
    words = str(getattr(problem, "orig", "")).lower()
    return isinstance(problem, OperationalError) and "no such" not in words and "syntax" not in words


def octet_length(text: QueryableAttribute[Any]) -> ColumnElement[int]:
    """How many bytes of UTF-8 a text column holds."""
    if db.engine.dialect.name == "sqlite":
        return func.length(cast(text, LargeBinary))
    return func.octet_length(text)
