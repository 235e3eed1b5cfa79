"""Move everything to another database, of the same kind or of the other, and compare both before it counts as done."""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    ExceptionContext,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from commentsvc import clock, models, schema
from commentsvc.backups import database_state, of_sqlite
from commentsvc.backups.archive import BackupFailed
from commentsvc.db import Base, engine_options, prepare
from commentsvc.read_only import REREAD_INTERVAL

BATCH = 1000  # rows per transaction
MODULUS = 1 << 256
MAX_STALE = 2 * REREAD_INTERVAL + 0.5  # seconds after which no process writes any longer
WHY = "We are moving to another database."
MARKER = Table(schema.MOVE_MARKER, MetaData(), Column("source", String), Column("began_at", DateTime))


@dataclass(frozen=True)
class Content:
    """What a table holds: its rows, and a sum of their digests, which does not depend on their order."""

    rows: int
    digest: str


class _Checksum:
    """What rows hold, added up. Both databases return equal values, whose ``repr`` is then equal, too."""

    def __init__(self) -> None:
        self._total, self._rows = 0, 0

    def add(self, row: Row[Any]) -> None:
        digest = hashlib.sha256(repr([*row]).encode("utf-8", "surrogatepass")).digest()
        self._total = (self._total + int.from_bytes(digest)) % MODULUS
        self._rows += 1

    @property
    def content(self) -> Content:
        return Content(self._rows, f"{self._total:064x}")


def move(source_url: str, target_url: str, on_progress: Callable[[int], None]) -> dict[str, Content]:
    """Copy every table; return what each holds now, on both sides.

    It can be run again after it broke off, and goes on, unless the service wrote meanwhile. If the source is in use, it
    is in read-only mode from then on, unless the move fails.

    Raises:
        BackupFailed: the source is damaged, the target in use or not empty, or the two differ in the end.
    """
    if schema.display_url(source_url) == schema.display_url(target_url):
        raise BackupFailed("The target is the database that is in use now. Name another one.")
    with _target_errors(target_url):
        _must_be_free(target_url)
        schema.upgrade(target_url)
    with _engine(source_url) as source, _target(target_url) as target, _freeze_source(source_url, source) as was_live:
        if database_state.is_used(target_url):
            raise BackupFailed("The target is in use. Stop what uses it first.")
        if schema.is_file(source_url):
            of_sqlite.check(schema.path_of(source_url))
        _begin(source_url, target, restart=was_live)
        done = 0
        with source.connect().execution_options(writes=True) as reader:  # which on SQLite keeps writers out
            _lock(reader)
            in_source = {}
            for table in _tables():
                seen = _Checksum()
                for count in _copy(table, reader, target, seen):
                    done += count
                    on_progress(done)
                in_source[table.name] = seen.content
            _set_counters(reader, target)
        with target.connect() as other:
            in_target = {table.name: _content(table, other) for table in _tables()}
        if wrong := next((name for name, content in in_source.items() if in_target[name] != content), None):
            rows = f"{in_source[wrong].rows} here, {in_target[wrong].rows} there"
            raise BackupFailed(f"The rows of {wrong} differ: {rows}. Empty the target, and run it again.")
        _end(target)
    return in_target


def count(url: str) -> int:
    """Return how many rows there are to copy."""
    with _engine(url) as engine, engine.connect() as connection:
        return sum(_rows(table, connection) for table in _tables())


def _tables() -> list[Table]:
    """Return every table after those it refers to; the configuration last, as triggers raise its version."""
    found = Base.metadata.sorted_tables
    return sorted(found, key=lambda table: table.name == models.Configuration.__tablename__)


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _target(url: str) -> Iterator[Engine]:
    def name(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, Exception):  # not where somebody stops it
            raise _not_usable(url, context.original_exception) from None

    with _engine(url) as engine:
        event.listen(engine, "handle_error", name)
        yield engine


@contextmanager
def _target_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _not_usable(url, getattr(error, "orig", error)) from None


def _not_usable(url: str, error: object) -> BackupFailed:
    return BackupFailed(
        f"The target {schema.display_url(url)} cannot be used ({error}). Check its address and free space."
    )


@contextmanager
def _freeze_source(url: str, source: Engine) -> Iterator[bool]:
    """Keep a running service from writing, from now on; if something fails, it may write again.

    Yield whether it was writing until now.
    """
    is_used = database_state.is_used(url)  # looked at before we use it
    before = _reason(source)
    is_ours = is_used and before in ("", WHY)
    try:
        if is_ours:
            _set_reason(source, WHY)
            time.sleep(MAX_STALE)
        yield is_ours and not before
    except BaseException:
        if is_ours:
            _set_reason(source, None)
        raise


def _reason(engine: Engine) -> str:
    with engine.connect() as connection:
        return connection.scalar(select(models.Configuration.read_only)) or ""


def _set_reason(engine: Engine, why: str | None) -> None:
    with _writing(engine) as connection:
        connection.execute(update(models.Configuration).values(read_only=why))


def _lock(reader: Connection) -> None:
    """Wait for the last writer, and keep others out; on SQLite, the transaction itself does."""
    if reader.dialect.name == "postgresql":
        names = ", ".join(table.name for table in _tables())
        try:
            reader.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
        except OperationalError as error:
            raise BackupFailed("Somebody else is writing to the database. Stop what uses it first.") from error


def _must_be_free(url: str) -> None:
    if database_state.is_empty(url):
        return
    with _engine(url) as target, target.connect() as connection:
        if not inspect(connection).has_table(MARKER.name):
            raise BackupFailed("There is something in the target. Name an empty database.")


def _begin(source_url: str, target: Engine, *, restart: bool) -> None:
    """Empty the target; of a move that broke off, keep what is there, unless rows may have changed since."""
    source = schema.display_url(source_url)
    with _writing(target) as connection:
        if inspect(connection).has_table(MARKER.name):
            begun = connection.scalar(select(MARKER.c.source))
            if begun != source:
                raise BackupFailed(
                    f"A move of {begun} to the target broke off. Finish that one, or name another target."
                )
            if not restart:
                return
        else:
            MARKER.create(connection)
            connection.execute(insert(MARKER).values(source=source, began_at=clock.now().replace(tzinfo=None)))
        for table in reversed(_tables()):  # what the migrations put there, or the move that broke off
            connection.execute(delete(table))


def _end(target: Engine) -> None:
    if _reason(target) == WHY:
        _set_reason(target, None)
    with _writing(target) as connection:
        MARKER.drop(connection)
    if target.dialect.name == "postgresql":
        with target.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("ANALYZE"))


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writes=True) as connection:
        yield connection
        connection.commit()


def _copy(table: Table, reader: Connection, target: Engine, seen: _Checksum) -> Iterator[int]:
    """Read every row and copy what is missing; yield how many rows each batch has."""
    later, keys = _self_references(table), list(table.primary_key.columns)
    names = [column.name for column in table.columns]
    with _writing(target) as writer:
        if (key := _resumable_key(table)) is None:  # few rows
            writer.execute(delete(table))
        last = 0 if key is None else writer.scalar(select(func.max(key))) or 0
    filled, where = insert(table), names.index(keys[0].name)
    for batch in reader.execution_options(yield_per=BATCH).execute(select(table).order_by(*keys)).partitions(BATCH):
        for row in batch:
            seen.add(row)
        missing = [dict(zip(names, row, strict=True)) for row in batch if not last or row[where] > last]
        if missing:
            with _writing(target) as writer:
                writer.execute(filled, [row | dict.fromkeys(later) for row in missing])
        yield len(batch)
    if later:
        _set_self_references(table, later, reader, target)


def _set_self_references(table: Table, names: list[str], reader: Connection, target: Engine) -> None:
    """Set the columns that name other rows of the same table, once these are there."""
    key = table.c["id"]
    some = select(key.label("key"), *(table.c[name] for name in names))
    some = some.where(func.coalesce(*(table.c[name] for name in names)).is_not(None))
    filled = update(table).where(key == bindparam("key")).values({name: bindparam(name) for name in names})
    for batch in reader.execution_options(yield_per=BATCH).execute(some).mappings().partitions(BATCH):
        with _writing(target) as writer:
            writer.execute(filled, [dict(row) for row in batch])


def _self_references(table: Table) -> list[str]:
    return [column.name for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]


def _resumable_key(table: Table) -> Column[Any] | None:
    """Return the key by whose order a copy can go on."""
    keys = list(table.primary_key.columns)
    return keys[0] if len(keys) == 1 and isinstance(keys[0].type, Integer) else None


def _set_counters(reader: Connection, target: Engine) -> None:
    """Let new rows get higher ids than any row ever had: ids are never reused."""
    for table in _tables():
        if (key := _resumable_key(table)) is None:
            continue
        highest = max(_counter(table, reader), reader.scalar(select(func.max(key))) or 0)
        with _writing(target) as writer:
            if target.dialect.name == "postgresql":
                sequence = func.pg_get_serial_sequence(table.name, key.name)
                writer.execute(select(func.setval(sequence, max(highest, 1), highest > 0)))
            elif table.dialect_options["sqlite"]["autoincrement"]:
                writer.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
                row = {"name": table.name, "seq": highest}
                writer.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), row)


def _counter(table: Table, reader: Connection) -> int:
    if reader.dialect.name == "sqlite":
        if not inspect(reader).has_table("sqlite_sequence"):
            return 0
        found = reader.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        return int(found or 0)
    sequence = reader.scalar(select(func.pg_get_serial_sequence(table.name, "id")))
    return int(reader.scalar(text("SELECT pg_sequence_last_value(:name)"), {"name": sequence}) or 0)


def _rows(table: Table, connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _content(table: Table, connection: Connection) -> Content:
    found = _Checksum()
    for row in connection.execution_options(yield_per=BATCH).execute(select(table)):
        found.add(row)
    return found.content
