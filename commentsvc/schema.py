"""Bring the tables up to date, on SQLite and on PostgreSQL: by Alembic, alone, and with a copy kept."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import alembic.config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url, text

from commentsvc import paths
from commentsvc.db import engine_options, is_sqlite, prepare

MIGRATION_LOCK = 7_266_337  # any number, the same in every process


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


def has_rows(url: str, table: str, condition: str) -> bool:
    """Whether a table holds a row that fulfils ``condition``, both constants of ours; for who needs no application."""
    engine = create_engine(url, **engine_options(url))
    try:
        with engine.connect() as connection:
            found = connection.execute(text(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"))  # noqa: S608
            return found.first() is not None
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
