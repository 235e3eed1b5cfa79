"""PostgreSQL: its own ``pg_dump``, ``pg_restore`` and ``psql``, with the counts of the same snapshot."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from commentsvc import schema
from commentsvc.backups.archive import BackupFailed
from commentsvc.errors import N_

OTHERS = (
    "SELECT COUNT(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid != pg_backend_pid() AND backend_type = 'client backend'"
)
NOT_USABLE = N_("%(database)s cannot be used: %(why)s")
NO_PROGRAM = N_("%(program)s is missing. Install PostgreSQL’s client programs (postgresql-client on Debian).")
FAILED = N_("%(program)s failed: %(why)s")
HAS_DATA = "SELECT EXISTS (SELECT 1 FROM site) OR EXISTS (SELECT 1 FROM moderator)"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"


def dump(url: str, target: Path) -> dict[str, int]:
    """Write a database as it is at one moment; return the rows of each table then.

    Raises:
        BackupFailed: ``pg_dump`` is missing or fails.
    """
    with _connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET statement_timeout = 0")
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        counts = _counts(connection)
        options = ["--format=custom", "--schema=public", "--no-owner", f"--snapshot={snapshot}", f"--file={target}"]
        _run("pg_dump", options, url)
    return counts


def check(dump_file: Path) -> None:
    """Raise ``BackupFailed`` unless ``pg_restore`` can read all of a dump."""
    _run("pg_restore", ["--file=/dev/null", str(dump_file)])


def is_empty(url: str) -> bool:
    """Return whether nothing of anybody is in the database; other programs' tables are somebody's."""
    with _connected(url) as connection:
        names = {name for (name,) in connection.execute(TABLES)}
        if "alembic_version" not in names:
            return not names
        return connection.execute(HAS_DATA).fetchone() == (False,)


def is_used(url: str) -> bool:
    """Return whether anybody else is connected."""
    with _connected(url) as connection:
        return connection.execute(OTHERS).fetchone() != (0,)


def put(url: str, dump_file: Path, aside: str) -> dict[str, int]:
    """Put a dump into the schema ``public``, and the old one into the schema ``aside``; return the rows of each table.

    Both happen in one transaction, whatever ends it.

    Raises:
        BackupFailed: others use the database, or ``psql`` fails.
    """
    if is_used(url):
        raise BackupFailed("The database is in use. Stop the service first, on every node, and any pooler.")
    script = dump_file.with_name(f"{dump_file.name}-journal")  # which goes with the dump
    _run("pg_restore", ["--schema=public", "--no-owner", f"--file={script}", str(dump_file)])
    rename = sql.SQL("ALTER SCHEMA public RENAME TO {}").format(sql.Identifier(aside)).as_string(None)
    steps = [f"--command={rename}", "--command=CREATE SCHEMA public", f"--file={script}"]
    _run("psql", ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", *steps], url)
    with _connected(url) as connection:
        return _counts(connection)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    try:
        with psycopg.connect(_plain(url)) as connection:
            yield connection
    except psycopg.Error as error:
        why = " ".join(str(error).split())
        raise BackupFailed(NOT_USABLE, database=schema.display_url(url), why=why) from None


def _counts(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, int]:
    counts = {}
    for (name,) in connection.execute(TABLES).fetchall():
        query = sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier("public", name))
        (counts[name],) = connection.execute(query).fetchone() or (0,)
    return counts


def must_have_programs() -> None:
    """Raise ``BackupFailed`` if a program that a backup needs is missing."""
    for name in ("pg_dump", "pg_restore"):
        _program(name)


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise BackupFailed(NO_PROGRAM, program=name)
    return program


def _run(name: str, options: list[str], url: str = "") -> None:
    known: dict[str, Any] = dict(conninfo_to_dict(_plain(url))) if url else {}
    password = known.pop("password", None)  # a command line can be read by everybody
    argv = [_program(name), *options, *([f"--dbname={make_conninfo(**known)}"] if url else [])]
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupFailed(FAILED, program=name, why=" ".join(done.stderr.split()))


def _plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)
