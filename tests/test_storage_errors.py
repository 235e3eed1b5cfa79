"""What errors of the database mean: real ones, on both databases, told apart by their codes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from commentsvc.storage_errors import Meaning, meaning
from tests import postgres


@contextmanager
def raises() -> Iterator[pytest.ExceptionInfo[SQLAlchemyError]]:
    with pytest.raises(SQLAlchemyError) as problem:
        yield problem


def test_no_connection_is_free(tmp_path: Path) -> None:
    """All of the pool are in use."""
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}", pool_size=1, max_overflow=0, pool_timeout=0.05)
    with engine.connect(), raises() as problem:
        engine.connect()
    assert meaning(problem.value) == Meaning.OUT_OF_SERVICE
    engine.dispose()


class TestSQLite:
    """By result code."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        """A file with one table and one row."""
        engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}", connect_args={"timeout": 0.05})
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT NOT NULL)"))
            connection.execute(text("INSERT INTO t VALUES (1, 'a')"))
        yield engine
        engine.dispose()

    def test_locked(self, engine: Engine, tmp_path: Path) -> None:
        other = sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with raises() as problem, engine.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (2, 'b')"))
        other.close()
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_full(self, engine: Engine) -> None:
        with raises() as problem, engine.begin() as connection:
            connection.execute(text("PRAGMA max_page_count = 2"))
            connection.execute(text("INSERT INTO t VALUES (2, hex(zeroblob(100000)))"))
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_read_only(self, engine: Engine) -> None:
        with raises() as problem, engine.begin() as connection:
            connection.execute(text("PRAGMA query_only = 1"))
            connection.execute(text("INSERT INTO t VALUES (2, 'b')"))
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_gone(self, tmp_path: Path) -> None:
        with raises() as problem, create_engine(f"sqlite:///{tmp_path}/nowhere/x.sqlite3").connect():
            pass
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"what somebody copied over it" * 100)
        with raises() as problem, create_engine(f"sqlite:///{tmp_path / 'x'}").connect() as connection:
            connection.execute(text("SELECT * FROM t"))
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_a_snapshot_that_somebody_overtook(self, engine: Engine, tmp_path: Path) -> None:
        with engine.begin() as connection:
            connection.execute(text("PRAGMA journal_mode = WAL"))
        one, other = (sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None) for _ in range(2))
        one.execute("BEGIN")
        one.execute("SELECT * FROM t").fetchall()
        other.execute("INSERT INTO t VALUES (2, 'b')")
        with pytest.raises(sqlite3.OperationalError) as raised:
            one.execute("INSERT INTO t VALUES (3, 'c')")
        assert meaning(DBAPIError("", None, raised.value)) == Meaning.CONFLICT
        for connection_ in (one, other):
            connection_.close()

    @pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELEC", "INSERT INTO t VALUES (1, 'a')"])
    def test_mistakes_of_ours(self, engine: Engine, statement: str) -> None:
        with raises() as problem, engine.begin() as connection:
            connection.execute(text(statement))
        assert meaning(problem.value) == Meaning.MISTAKE


class TestPostgreSQL:
    """By SQLSTATE."""

    @pytest.fixture
    def engine(self, postgres_cluster: postgres.Cluster) -> Iterator[Engine]:
        """A database with one table and two rows."""
        engine = create_engine(postgres_cluster.empty_database())
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT NOT NULL)"))
            connection.execute(text("INSERT INTO t VALUES (1, 'a'), (2, 'b')"))
        yield engine
        engine.dispose()

    @staticmethod
    def raised_by(engine: Engine, *statements: str) -> Meaning:
        with raises() as problem, engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        return meaning(problem.value)

    def test_locked(self, engine: Engine) -> None:
        with engine.begin() as other:
            other.execute(text("UPDATE t SET y = 'z' WHERE x = 1"))
            waits = ("SET LOCAL lock_timeout = 50", "UPDATE t SET y = 'w' WHERE x = 1")
            assert self.raised_by(engine, *waits) == Meaning.OUT_OF_SERVICE

    def test_too_slow(self, engine: Engine) -> None:
        asked = ("SET LOCAL statement_timeout = 20", "SELECT pg_sleep(2)")
        assert self.raised_by(engine, *asked) == Meaning.OUT_OF_SERVICE

    def test_read_only(self, engine: Engine) -> None:
        asked = ("SET TRANSACTION READ ONLY", "INSERT INTO t VALUES (3, 'c')")
        assert self.raised_by(engine, *asked) == Meaning.OUT_OF_SERVICE

    def test_full(self, engine: Engine) -> None:
        """No disk is filled here; the server says the same by its code."""
        asked = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$"
        assert self.raised_by(engine, asked) == Meaning.OUT_OF_SERVICE

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "/nowhere"])
    def test_gone(self, host: str) -> None:
        """Also where its socket's folder is: "No such file or directory" is no missing table."""
        url = f"postgresql+psycopg://x@{host}/y" if ":" in host else f"postgresql+psycopg://x@/y?host={host}"
        with raises() as problem, create_engine(url).connect():
            pass
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_cut_off(self, engine: Engine) -> None:
        with engine.connect() as victim, engine.begin() as other:
            number = victim.execute(text("SELECT pg_backend_pid()")).scalar()
            other.execute(text(f"SELECT pg_terminate_backend({number})"))
            with raises() as problem:
                victim.execute(text("SELECT 1"))
            victim.invalidate()
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_too_many_connections(self, engine: Engine) -> None:
        with engine.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar()
            connection.execute(text(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0'))
            connection.execute(text("CREATE ROLE guest LOGIN"))
        try:
            with raises() as problem, create_engine(engine.url.set(username="guest")).connect():
                pass
        finally:
            with engine.begin() as connection:
                connection.execute(text("DROP ROLE guest"))
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE

    def test_deadlock(self, engine: Engine) -> None:
        met: list[SQLAlchemyError] = []
        first, second = engine.connect(), engine.connect()

        def take(connection: Connection, row: int) -> None:
            try:
                connection.execute(text("UPDATE t SET y = 'z' WHERE x = :row"), {"row": row})
            except SQLAlchemyError as problem:
                met.append(problem)
            finally:
                if met:
                    connection.rollback()

        take(first, 1)
        take(second, 2)
        crossing = Thread(target=take, args=(first, 2))
        crossing.start()
        take(second, 1)
        crossing.join(10)
        for connection in (first, second):
            connection.close()
        assert [meaning(problem) for problem in met] == [Meaning.CONFLICT]

    def test_serialization(self, engine: Engine) -> None:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as one:
            one.execute(text("SELECT * FROM t")).all()
            with engine.begin() as other:
                other.execute(text("UPDATE t SET y = 'z' WHERE x = 1"))
            with raises() as problem:
                one.execute(text("UPDATE t SET y = 'w' WHERE x = 1"))
        assert meaning(problem.value) == Meaning.CONFLICT

    @pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELEC", "INSERT INTO t VALUES (1, 'a')"])
    def test_mistakes_of_ours(self, engine: Engine, statement: str) -> None:
        assert self.raised_by(engine, statement) == Meaning.MISTAKE
