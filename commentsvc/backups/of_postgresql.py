"""PostgreSQL: its own ``pg_dump`` and ``pg_restore``, with the counts of the same snapshot."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from commentsvc.backups.archive import BackupFailed

PASSED_ON = {  # what libpq reads from the environment, so that no password stands on a command line
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}
OTHERS = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
IS_SOMEBODYS = "SELECT EXISTS (SELECT 1 FROM site) OR EXISTS (SELECT 1 FROM moderator)"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"


def dump(url: str, target: Path) -> dict[str, int]:
    """Write a database as it is at one moment; return the rows of each table then.

    Raises:
        BackupFailed: ``pg_dump`` is missing or fails.
    """
    with psycopg.connect(_plain(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET statement_timeout = 0")
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        counts = _counts(connection)
        _run(["pg_dump", "--format=custom", f"--snapshot={snapshot}", "--no-owner", f"--file={target}"], url)
    return counts


def check(dump_file: Path) -> None:
    """Raise ``BackupFailed`` unless ``pg_restore`` can read all of a dump."""
    _run(["pg_restore", "--file=/dev/null", str(dump_file)], "")


def is_empty(url: str) -> bool:
    """Return whether nothing of anybody is in the database."""
    with psycopg.connect(_plain(url)) as connection:
        names = {name for (name,) in connection.execute(TABLES)}
        if not {"site", "moderator"} & names:
            return True
        found = connection.execute(IS_SOMEBODYS).fetchone()
    return found == (False,)


def is_used(url: str) -> bool:
    """Return whether anybody else is connected."""
    with psycopg.connect(_plain(url)) as connection:
        return _others(connection)


def put(url: str, dump_file: Path, aside: str) -> dict[str, int]:
    """Put a dump into the schema ``public``, and the old one into the schema ``aside``; return the rows of each table.

    Raises:
        BackupFailed: others use the database, or ``pg_restore`` fails; then everything is as it was.
    """
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        if _others(connection):
            raise BackupFailed("The database is in use. Stop the service first, on every node.")
        name = sql.Identifier(aside)
        with connection.transaction():
            connection.execute(sql.SQL("ALTER SCHEMA public RENAME TO {}").format(name))
            connection.execute("CREATE SCHEMA public")
        try:
            whole = ["--schema=public", "--no-owner", "--single-transaction", "--exit-on-error"]
            _run(["pg_restore", *whole, f"--dbname={connection.info.dbname}", str(dump_file)], url)
        except BackupFailed:
            with connection.transaction():
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO public").format(name))
            raise
        return _counts(connection)


def _others(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    return connection.execute(OTHERS).fetchone() != (0,)


def _counts(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, int]:
    counts = {}
    for (name,) in connection.execute(TABLES).fetchall():
        query = sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier("public", str(name)))
        (count,) = connection.execute(query).fetchone() or (0,)
        counts[str(name)] = int(str(count))
    return counts


def _run(argv: list[str], url: str) -> None:
    program = shutil.which(argv[0])
    if program is None:
        raise BackupFailed(f"{argv[0]} is missing. Install PostgreSQL’s client programs (postgresql-client on Debian).")
    said = conninfo_to_dict(_plain(url)) if url else {}
    known = {variable: str(said[name]) for name, variable in PASSED_ON.items() if said.get(name)}
    command = [program, *argv[1:]]
    done = subprocess.run(command, env=os.environ | known, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupFailed(f"{argv[0]} failed: {' '.join(done.stderr.split())}")


def _plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)
