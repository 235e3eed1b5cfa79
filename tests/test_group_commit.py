"""Threads that wait for SQLite's write lock share a transaction; each is told the truth about its own part."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from commentsvc import group_commit, sqlite
from commentsvc.storage_errors import Meaning, meaning

WRITERS = 6
Step = Callable[[Connection], None]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with a table of one column, in which nothing may be negative."""
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}", pool_size=20)
    sqlite.prepare(engine)
    with engine.connect().execution_options(writes=True) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER CHECK (x >= 0), filling BLOB)")
        connection.commit()
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine: Engine) -> list[str]:
    """All COMMITs of write transactions from now on."""
    seen: list[str] = []

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(lambda statement: seen.append(statement) if statement == "COMMIT" else None)

    event.listen(engine, "checkout", watch)
    return seen


def insert(*values: int) -> Step:
    """Insert each of these."""

    def step(connection: Connection) -> None:
        for value in values:
            connection.exec_driver_sql("INSERT INTO t VALUES (?, NULL)", (value,))

    return step


def write(engine: Engine, step: Step) -> None:
    """One transaction that may be shared; rolled back if the step fails."""
    with engine.connect() as connection:
        connection.begin()
        sqlite.restart_as_write(connection)
        step(connection)
        connection.commit()


def rows(engine: Engine) -> list[int]:
    """What everybody sees."""
    with engine.connect() as connection:
        return sorted(connection.exec_driver_sql("SELECT x FROM t").scalars())


def wait_for_writers(engine: Engine, count: int) -> None:
    """Wait until so many threads have asked for the lock."""
    with engine.connect() as connection:
        lock = connection.connection.driver_connection.writer_lock  # type: ignore[union-attr]
    while len(lock._waiting) + (not lock._free) < count:
        time.sleep(0.001)


@contextmanager
def another_process(engine: Engine) -> Iterator[None]:
    """Somebody else has the write lock inside the block."""
    other = sqlite3.connect(engine.url.database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.rollback()
    other.close()


def all_at_once(engine: Engine, *steps: Step) -> list[Future[None]]:
    """Let all wait for the lock, in this order, before the first gets it; return how each ended."""
    with ThreadPoolExecutor(len(steps)) as pool, another_process(engine):
        ends = []
        for step in steps:
            ends.append(pool.submit(write, engine, step))
            wait_for_writers(engine, len(ends))
    return ends


def test_those_who_wait_are_committed_together(engine: Engine, commits: list[str]) -> None:
    ends = all_at_once(engine, *(insert(number) for number in range(WRITERS)))
    assert [end.exception() for end in ends] == [None] * WRITERS
    assert rows(engine) == list(range(WRITERS))
    assert len(commits) - WRITERS == 1  # besides the end of what each read before


def test_who_finds_the_lock_free_waits_for_nobody(engine: Engine) -> None:
    write(engine, insert(1))
    assert rows(engine) == [1]


def test_nobody_is_told_before_it_is_on_the_disk(engine: Engine) -> None:
    last_is_in, last_may_end = threading.Event(), threading.Event()

    def last(connection: Connection) -> None:
        insert(9)(connection)
        last_is_in.set()
        assert last_may_end.wait(10)

    with ThreadPoolExecutor(3) as pool:
        with another_process(engine):
            ends = []
            for step in (insert(1), insert(2), last):
                ends.append(pool.submit(write, engine, step))
                wait_for_writers(engine, len(ends))
        assert last_is_in.wait(10)
        assert not any(end.done() for end in ends)
        assert rows(engine) == []
        last_may_end.set()
    assert rows(engine) == [1, 2, 9]


def test_a_member_sees_what_those_before_it_wrote(engine: Engine) -> None:
    seen: list[int] = []

    def look(connection: Connection) -> None:
        seen.extend(connection.exec_driver_sql("SELECT x FROM t").scalars())

    all_at_once(engine, insert(1), insert(2), look)
    assert seen == [1, 2]


@pytest.mark.parametrize("place", [0, 1, WRITERS - 1])
def test_what_fails_takes_nobody_else_with_it(engine: Engine, place: int) -> None:
    steps = [insert(number) for number in range(WRITERS)]
    steps[place] = insert(100, -1)
    ends = all_at_once(engine, *steps)
    failed = [end.exception() for end in ends]
    assert isinstance(failed.pop(place), IntegrityError)
    assert failed == [None] * (WRITERS - 1)
    assert rows(engine) == [number for number in range(WRITERS) if number != place]


def test_a_full_disk_is_told_to_all_whose_comments_it_cost(engine: Engine) -> None:
    def too_much(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        connection.exec_driver_sql("INSERT INTO t VALUES (1, zeroblob(100000))")

    ends = all_at_once(engine, insert(1), insert(2), too_much)
    told = [end.exception() for end in ends]
    acknowledged = [number for number, problem in zip((1, 2), told, strict=False) if problem is None]
    assert rows(engine) == acknowledged
    for problem in filter(None, told):
        assert isinstance(problem, DBAPIError)
        assert meaning(problem) == Meaning.OUT_OF_SERVICE
    assert told[2] is not None


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_sqlite_undid_by_itself_is_acknowledged_to_nobody(engine: Engine, *, goes_on: bool) -> None:
    def lost(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute("ROLLBACK")
        if goes_on:
            cursor.execute("INSERT INTO t VALUES (7, NULL)")
        else:
            raise OperationalError("INSERT", None, sqlite3.OperationalError("full"))

    ends = all_at_once(engine, insert(1), insert(2), lost, insert(3))
    told = [end.exception() for end in ends]
    assert all(isinstance(problem, DBAPIError) for problem in told[:3])
    assert meaning(told[0]) == meaning(told[1]) == Meaning.OUT_OF_SERVICE  # type: ignore[arg-type]
    assert {1, 2}.isdisjoint(rows(engine))
    write(engine, insert(4))
    assert 4 in rows(engine)


def test_a_failed_commit_is_told_to_all(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_transaction: group_commit.SharedTransaction) -> None:
        problem = sqlite3.OperationalError("disk I/O error")
        problem.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise problem

    monkeypatch.setattr(group_commit.SharedTransaction, "_release_group", fail)
    ends = all_at_once(engine, insert(1), insert(2), insert(3))
    told = [end.exception() for end in ends]
    assert [meaning(problem) for problem in told] == [Meaning.OUT_OF_SERVICE] * 3  # type: ignore[arg-type]
    monkeypatch.undo()
    assert rows(engine) == []
    write(engine, insert(4))
    assert rows(engine) == [4]


@pytest.mark.parametrize(
    ("step", "values"), [("_release_group", [2]), ("keep_part", [2]), ("keep_part", [2, -1]), ("join", [2])]
)
def test_without_memory_nobody_waits_for_ever(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, step: str, values: list[int]
) -> None:
    def fail(_transaction: group_commit.SharedTransaction) -> None:
        raise MemoryError

    monkeypatch.setattr(group_commit.SharedTransaction, step, fail)
    ends = all_at_once(engine, insert(1), insert(*values), insert(3))
    acknowledged = [number for number, end in zip((1, 2, 3), ends, strict=True) if end.exception() is None]
    monkeypatch.undo()
    assert rows(engine) == acknowledged
    assert 2 not in acknowledged
    write(engine, insert(4))
    assert 4 in rows(engine)


def test_a_writer_of_its_own_ends_what_was_left_open(engine: Engine) -> None:
    seen: list[int] = []

    def alone() -> None:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            seen.extend(rows(engine))  # as another connection sees it
            insert(2)(connection)
            connection.rollback()

    with ThreadPoolExecutor(2) as pool:
        with another_process(engine):
            first = pool.submit(write, engine, insert(1))
            wait_for_writers(engine, 1)
            second = pool.submit(alone)
            wait_for_writers(engine, 2)
        first.result(10)
        second.result(10)
    assert seen == rows(engine) == [1]


def test_a_connection_that_is_dropped_undoes_its_own_part(engine: Engine) -> None:
    def drop(connection: Connection) -> None:
        insert(2)(connection)
        connection.invalidate()
        raise RuntimeError

    ends = all_at_once(engine, insert(1), drop, insert(3))
    assert [type(end.exception()) for end in ends] == [type(None), RuntimeError, type(None)]
    assert rows(engine) == [1, 3]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_acknowledged_is_there_and_nothing_else(engine: Engine, seed: int) -> None:
    random = Random(seed)

    def one(number: int, kind: str) -> int | None:
        step = insert(number) if kind == "good" else insert(number, -1)
        try:
            if kind == "alone":
                with engine.connect().execution_options(writes=True) as connection:
                    insert(number)(connection)
                    connection.commit()
            else:
                write(engine, step)
        except IntegrityError:
            return None
        return number

    kinds = random.choices(["good", "bad", "alone"], [8, 3, 1], k=300)
    with ThreadPoolExecutor(12) as pool:
        acknowledged = list(pool.map(one, range(len(kinds)), kinds))
    assert rows(engine) == sorted(number for number in acknowledged if number is not None)
    assert acknowledged == [None if kind == "bad" else number for number, kind in enumerate(kinds)]
