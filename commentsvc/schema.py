"""Upgrade the schema, on SQLite and PostgreSQL, by Alembic: one process at a time, with a copy kept.

Each start checks, with the driver alone, whether an upgrade is needed. SQLAlchemy and Alembic are loaded only if it is.
"""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from commentsvc import files, paths
from commentsvc.errors import N_, Explained
from commentsvc.settings import MIN_SECRET_LENGTH, Settings, WrongSetting

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Engine

NEWEST = "0001"  # the head of the migrations
REVISION = "SELECT version_num FROM alembic_version"
CONNECT_TIMEOUT = 5  # seconds
MOVE_MARKER = "commentsvc_move"  # a table in the target of a move, while rows are missing there
MIGRATION_LOCK = 7_266_337  # any number, the same in every process
UNFINISHED_MOVE = N_(
    "The database %(database)s is only a part of %(source)s: `commentsvc move` has not finished. Set the database back "
    "to that one, and run the move again."
)
LOST_SECRET = N_(
    "%(file)s is missing, but the database needs it. Restore it from a backup. If it is lost, set "
    "COMMENTSVC_SECRET_KEY to a new random text of at least %(length)s characters: everyone must then sign in again, "
    "and links in emails already sent stop working."
)
PERHAPS_LOST_SECRET = N_("%(file)s is missing, and the database does not say whether it needs it (%(why)s).")
NEWER_DATABASE = N_(
    "The database was made by a newer version of commentsvc. Install that one, or use a backup made before the upgrade."
)
NEWER_WITH_COPY = N_(
    "The database was made by a newer version of commentsvc. Install that one, or go back to the copy %(copy)s."
)
NEWER_BACKUP = "The backup was made by a newer version of commentsvc. Install that one, or use an older backup."
NEED_SECRET = ("comment", "moderator", "recipient", "ban")  # tables whose rows mean nothing with another secret


class NotAnswered(Exception):
    """The database cannot be queried: it is locked, damaged, or its server does not answer."""


class MadeByNewer(Explained):
    """A database or a backup has a schema that only a newer version knows."""


def upgrade(url: str) -> None:
    """Upgrade the schema; safe when several processes start at once.

    SQLite: a lock file beside the database. PostgreSQL: an advisory lock. An SQLite file is copied before it is
    changed.
    """
    if is_current(url):
        return
    from sqlalchemy import create_engine

    from commentsvc.db import engine_options, prepare

    with _migrating_alone(url):
        engine = create_engine(url, **engine_options(url))
        prepare(engine)
        try:
            _run_migrations(engine, url)
        finally:
            engine.dispose()


def is_there(url: str) -> bool:
    """Return whether there is a database; a server that does not answer may have one."""
    return not is_file(url) or path_of(url).is_file()


def revision(url: str) -> str:
    """Return the schema's revision, empty if there is none; raises ``NotAnswered``."""
    return _answer(url, REVISION) or ""


def is_current(url: str) -> bool:
    """Return whether the database exists and has the newest schema."""
    return bool(_first(url, REVISION) == NEWEST)


def has_rows(url: str, table: str, condition: str = "1 = 1") -> bool:
    """Return whether a table has a row that meets ``condition``; both are our own constants. Raises ``NotAnswered``."""
    return _answer(url, f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1") is not None  # noqa: S608


@contextmanager
def checkpointed(url: str) -> Iterator[None]:
    """Checkpoint an SQLite file when the block ends."""
    try:
        yield
    finally:
        checkpoint(url)


def checkpoint(url: str) -> None:
    """Checkpoint an SQLite file, as far as other processes allow, so that it can be copied alone."""
    if is_file(url) and path_of(url).is_file():
        with closing(sqlite3.connect(path_of(url))) as connection, suppress(sqlite3.DatabaseError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def must_be_usable(config: Settings) -> None:
    """Raise ``WrongSetting`` where the service must not start on the database."""
    must_be_whole(config.database)
    must_have_its_secret(config)


def must_be_whole(url: str) -> None:
    """Raise ``WrongSetting`` if the database is the target of a move that has not finished."""
    source = _first(url, f"SELECT source FROM {MOVE_MARKER}")  # noqa: S608 - our own name
    if source:
        raise WrongSetting(UNFINISHED_MOVE, database=display_url(url), source=source)


def must_have_its_secret(config: Settings) -> None:
    """Raise ``WrongSetting`` if rows depend on a missing secret, or the database does not say."""
    if config.has_secret:
        return
    try:
        is_needed = any(has_rows(config.database, table) for table in NEED_SECRET)
    except NotAnswered as error:
        raise WrongSetting(PERHAPS_LOST_SECRET, file=config.secret_file, why=str(error)) from None
    if is_needed:
        raise WrongSetting(LOST_SECRET, file=config.secret_file, length=MIN_SECRET_LENGTH)


def _first(url: str, question: str) -> Any:
    """Return the first value of a query; None if there is none, no table, or no database."""
    try:
        return _answer(url, question)
    except NotAnswered:  # whoever uses the database next reports what is wrong
        return None


def _answer(url: str, question: str) -> Any:
    """Return the first value of a query; None if there is none, no table, or no file. Raises ``NotAnswered``."""
    ask = _ask_sqlite if is_file(url) else _ask_postgresql
    return ask(url, question)


def _ask_sqlite(url: str, question: str) -> Any:
    path = path_of(url)
    if not path.is_file():
        return None
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute(question).fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # of the statement: no such table
                return None
            raise NotAnswered(str(error)) from None
    return found[0] if found else None


def _ask_postgresql(url: str, question: str) -> Any:
    import psycopg

    try:
        with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=CONNECT_TIMEOUT) as connection:
            found = connection.execute(question.encode()).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.Error as error:
        raise NotAnswered(str(error).strip()) from None
    return found[0] if found else None


def _run_migrations(engine: "Engine", url: str) -> None:
    import alembic.command

    config = migration_config()
    before = _first(url, REVISION)
    must_be_known(before, config, url)
    if is_file(url) and before and before != NEWEST:
        _copy_beside(url, before)
    with engine.connect().execution_options(writes=True) as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
        connection.commit()


def must_be_known(revision: str | None, config: "Config", url: str = "") -> None:
    """Raise ``MadeByNewer`` unless the migrations know ``revision``: of the database at ``url``, else of a backup."""
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(config).get_revision(revision or "base")
    except CommandError:
        if not url:
            raise MadeByNewer(NEWER_BACKUP) from None
        if is_file(url) and (copies := sorted(path_of(url).parent.glob(f"{path_of(url).name}.before-*"))):
            raise MadeByNewer(NEWER_WITH_COPY, copy=copies[-1]) from None
        raise MadeByNewer(NEWER_DATABASE) from None


def migration_config() -> "Config":
    """Return Alembic's configuration, made here so that it works in a checkout and in the wheel."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(paths.MIGRATIONS))
    return config


def _copy_beside(url: str, revision: str) -> None:
    path = path_of(url)
    with (
        files.made_at(path.with_name(f"{path.name}.before-{revision}")) as place,
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(place)) as copy,
    ):
        source.backup(copy)


def display_url(url: str) -> str:
    """Return a database as people know it: its path, or its address without the password."""
    if is_file(url):
        return str(path_of(url))
    return re.sub(r"(//[^/:@]+):.*@", r"\1@", url.replace("+psycopg", "", 1))


def is_file(url: str) -> bool:
    """The same as ``db.is_sqlite``, which would load SQLAlchemy."""
    return url.startswith("sqlite")


def folders(config: Settings) -> list[Path]:
    """Return the folders that must have space for what people write."""
    found = {config.data_dir, *([path_of(config.database).parent] if is_file(config.database) else ())}
    return sorted(one.resolve() for one in found)


def path_of(url: str) -> Path:
    """Return the path of an SQLite file."""
    return Path(unquote(url.partition(":///")[2].partition("?")[0]))  # as SQLAlchemy reads it


def _must_be_utf8(encoding: str, url: str) -> None:
    if encoding != "UTF8":
        raise WrongSetting(
            f"The database {display_url(url)} is in {encoding}, which cannot hold what people write. Make it anew: "
            "createdb -E UTF8 -T template0 --owner ROLE DATABASE"
        )


@contextmanager
def _migrating_alone(url: str) -> Iterator[None]:
    from sqlalchemy import create_engine, text

    from commentsvc.db import engine_options

    if is_file(url):
        path = path_of(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = path.with_name(f"{path.name}.migrating")
        for one in (path, lock_file):
            with suppress(FileExistsError):
                files.create(one)
        lock = os.open(lock_file, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
        return
    engine = create_engine(url, **engine_options(url))
    try:
        with engine.connect() as connection:
            _must_be_utf8(str(connection.execute(text("SHOW server_encoding")).scalar_one()), url)
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            yield
    finally:
        engine.dispose()
