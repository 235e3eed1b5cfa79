"""Writers of SQLite wait in line, and not for ever."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from commentsvc import sqlite
from commentsvc.fair_lock import FairSemaphore
from commentsvc.storage_errors import Meaning, meaning


class TestFairSemaphore:
    """First come, first served."""

    def test_in_the_order_in_which_they_came(self) -> None:
        lock, served = FairSemaphore(), list[int]()
        assert lock.acquire(1)

        def come(number: int) -> None:
            assert lock.acquire(10)
            served.append(number)
            lock.release()

        waiting = []
        for number in range(10):
            waiting.append(threading.Thread(target=come, args=(number,)))
            waiting[-1].start()
            while len(lock._waiting) <= number:
                time.sleep(0.001)
        lock.release()
        for one in waiting:
            one.join()
        assert served == list(range(10))

    def test_who_gives_up_keeps_nobody_waiting(self) -> None:
        lock = FairSemaphore()
        assert lock.acquire(1)
        assert not lock.acquire(0.01)
        lock.release()
        assert lock.acquire(0)
        lock.release()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A database with a table of one column, and little patience."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", timedelta(seconds=0.2))
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    sqlite.prepare(engine)
    write(engine, "CREATE TABLE t (x INTEGER)")
    yield engine
    engine.dispose()


def write(engine: Engine, statement: str, *values: int) -> None:
    """One transaction."""
    with engine.connect().execution_options(writes=True) as connection:
        connection.exec_driver_sql(statement, values)
        connection.commit()


class TestWriting:
    """One at a time, within the process and between several."""

    def test_all_of_them_come_through(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", timedelta(seconds=30))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: write(engine, "INSERT INTO t VALUES (?)", number), range(200)))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*), count(DISTINCT x) FROM t").one() == (200, 200)

    def test_another_process_is_waited_for(self, engine: Engine) -> None:
        other = sqlite3.connect(engine.url.database or "", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.05, other.rollback).start()
        write(engine, "INSERT INTO t VALUES (1)")

    def test_and_not_for_ever(self, engine: Engine) -> None:
        other = sqlite3.connect(engine.url.database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError) as problem:
            write(engine, "INSERT INTO t VALUES (1)")
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE
        other.rollback()
        write(engine, "INSERT INTO t VALUES (1)")

    def test_a_thread_that_hangs_keeps_nobody_for_ever(self, engine: Engine) -> None:
        with engine.connect().execution_options(writes=True) as hanging:
            hanging.exec_driver_sql("INSERT INTO t VALUES (1)")
            with pytest.raises(OperationalError) as problem:
                write(engine, "INSERT INTO t VALUES (2)")
            assert meaning(problem.value) == Meaning.OUT_OF_SERVICE
        write(engine, "INSERT INTO t VALUES (3)")

    def test_what_fails_makes_room(self, engine: Engine) -> None:
        with pytest.raises(OperationalError):
            write(engine, "INSERT INTO nowhere VALUES (1)")
        write(engine, "INSERT INTO t VALUES (1)")

    def test_nobody_who_reads_waits(self, engine: Engine) -> None:
        with engine.connect().execution_options(writes=True) as writing:
            writing.exec_driver_sql("INSERT INTO t VALUES (1)")
            with engine.connect() as reading:
                assert reading.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
