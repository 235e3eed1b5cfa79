"""The database: SQLAlchemy, names of constraints, and all that differs between SQLite and PostgreSQL."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

from commentsvc import paths

BUSY_TIMEOUT = timedelta(seconds=8)
CONNECT_TIMEOUT = timedelta(seconds=5)
STATEMENT_TIMEOUT = timedelta(seconds=10)
POOL_SIZE = 8
POOL_OVERFLOW = 8
MIGRATION_LOCK = 7_266_337  # any number, the same in every process


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


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with a word for "from here on I write"."""

    def begin_write(self) -> None:
        """End what was read so far and open a transaction that may write.

        SQLite takes its one write lock here, so nothing read afterwards can be stale when it is written.
        """
        self.session.rollback()
        self.session.connection(execution_options={"writes": True})


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


def upgrade(url: str) -> None:
    """Bring the schema up to date; safe when several processes start at once.

    SQLite: a lock file beside the database. PostgreSQL: an advisory lock. A copy of an SQLite file is made
    before a migration changes it.
    """
    with _migrating_alone(url):
        engine = create_engine(url, **engine_options(url))
        prepare(engine)
        try:
            _run_migrations(engine, url)
        finally:
            engine.dispose()


def _run_migrations(engine: Engine, url: str) -> None:
    config = migration_config()
    before = _revision(engine)
    if is_sqlite(url) and before and before != _newest(config):
        _copy_beside(url, before)
    with engine.connect().execution_options(writes=True) as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
        connection.commit()


def migration_config() -> alembic.config.Config:
    """Alembic's configuration, made here so that it holds in a checkout and in the wheel."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(paths.MIGRATIONS))
    return config


def _newest(config: alembic.config.Config) -> str | None:
    return ScriptDirectory.from_config(config).get_current_head()


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _copy_beside(url: str, revision: str) -> None:
    path = Path(make_url(url).database or "")
    with sqlite3.connect(path) as source, sqlite3.connect(path.with_name(f"{path.name}.before-{revision}")) as copy:
        source.backup(copy)


@contextmanager
def _migrating_alone(url: str) -> Iterator[None]:
    if is_sqlite(url):
        path = Path(make_url(url).database or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with path.with_name(f"{path.name}.migrating").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    engine = create_engine(url, **engine_options(url))
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
    engine.dispose()
