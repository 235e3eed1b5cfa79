"""Connections that died are replaced unnoticed, and statements that are put off keep their place and their errors."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from commentsvc import driver, postgresql, schema
from commentsvc.settings import WrongSetting
from tests import postgres

INSERT = "INSERT INTO t VALUES (%s)"


@pytest.fixture
def engine(postgres_cluster: postgres.Cluster) -> Iterator[Engine]:
    """An engine with one connection; its database has a table of one column."""
    engine = create_engine(postgres_cluster.empty_database(), pool_size=1, max_overflow=0)
    postgresql.prepare(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


def put_off(connection: Connection, *values: int) -> None:
    for value in values:
        postgresql.execute_later(connection, INSERT, (value,))


def stored(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT x FROM t ORDER BY x")).scalars())


@contextmanager
def beside(engine: Engine, database: str | None = None) -> Iterator[Connection]:
    """A connection that no pool keeps; each statement is a transaction."""
    url = engine.url.set(database=database or engine.url.database)
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def stored_elsewhere(engine: Engine) -> list[int]:
    with beside(engine) as other:
        return stored(other)


def number_of(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def end(engine: Engine, number: int) -> None:
    """End a connection as a restart of the server would."""
    with beside(engine) as other:
        ended = text(f"SELECT pg_terminate_backend({number}, 5000)")  # waits for it, in milliseconds
        assert other.execute(ended).scalar_one()


class TestStatementsThatArePutOff:
    """They are sent with the next one, or with the commit."""

    def test_they_are_there_for_whatever_reads_next(self, engine: Engine) -> None:
        with engine.begin() as connection:
            put_off(connection, 1)
            assert stored(connection) == [1]
            put_off(connection, 2)
            assert driver.execute(connection, "SELECT count(*) FROM t") == [(2,)]

    def test_the_commit_keeps_them(self, engine: Engine) -> None:
        with engine.begin() as connection:
            put_off(connection, 1, 2, 3)
        assert stored_elsewhere(engine) == [1, 2, 3]

    def test_they_keep_their_order(self, engine: Engine) -> None:
        with engine.begin() as connection:
            put_off(connection, 1)
            postgresql.execute_later(connection, "UPDATE t SET x = x + 10", ())
            put_off(connection, 1)
        assert stored_elsewhere(engine) == [1, 11]

    def test_a_rollback_forgets_them(self, engine: Engine) -> None:
        with engine.connect() as connection:
            with suppress(ZeroDivisionError), connection.begin():
                put_off(connection, 1)
                _ = 1 / 0
            with connection.begin():
                put_off(connection, 2)
        assert stored_elsewhere(engine) == [2]

    def test_whoever_drops_the_connection_leaves_none_to_the_next(self, engine: Engine) -> None:
        with engine.connect() as connection:
            connection.begin()
            put_off(connection, 1)
        with engine.begin() as connection:
            put_off(connection, 2)
        assert stored_elsewhere(engine) == [2]

    def test_savepoints_divide_them(self, engine: Engine) -> None:
        with engine.begin() as connection:
            put_off(connection, 1)
            undone = connection.begin_nested()
            put_off(connection, 2)
            undone.rollback()
            with connection.begin_nested():
                put_off(connection, 3)
            put_off(connection, 4)
        assert stored_elsewhere(engine) == [1, 3, 4]

    def test_an_error_comes_with_the_next_statement(self, engine: Engine) -> None:
        with engine.connect() as connection:
            connection.begin()
            put_off(connection, 1, 1, 2)
            with pytest.raises(IntegrityError):
                stored(connection)
            connection.rollback()
            assert stored(connection) == []

    def test_an_error_stops_the_commit(self, engine: Engine) -> None:
        with pytest.raises(IntegrityError), engine.begin() as connection:
            put_off(connection, 1, 2, 1)
        assert stored_elsewhere(engine) == []
        with engine.begin() as connection:
            assert stored(connection) == [], "the connection is good again"

    def test_an_error_names_its_code_and_no_values(self, engine: Engine) -> None:
        with pytest.raises(DBAPIError) as problem, engine.begin() as connection:
            put_off(connection, 1, 1)
        assert getattr(problem.value.orig, "sqlstate", "") == "23505"
        assert problem.value.params is None

    def test_a_connection_that_dies_before_they_are_sent(self, engine: Engine) -> None:
        with engine.connect() as connection:
            connection.begin()
            put_off(connection, 1, 2)
            end(engine, connection.connection.driver_connection.info.backend_pid)
            with pytest.raises(OperationalError):
                connection.commit()
        assert stored_elsewhere(engine) == []
        with engine.begin() as connection:
            assert stored(connection) == []


class TestConnectionsThatDied:
    """Whoever takes one from the pool gets another one."""

    def test_one_that_the_server_ended(self, engine: Engine) -> None:
        with engine.connect() as connection:
            number = number_of(connection)
        end(engine, number)
        with engine.connect() as connection:
            assert number_of(connection) != number

    def test_one_that_was_idle_for_long_is_asked(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is between may have dropped it, and nothing stands in its socket."""
        pings = []
        ping = engine.dialect.do_ping
        monkeypatch.setattr(engine.dialect, "do_ping", lambda connection: pings.append(1) or ping(connection))
        with engine.connect() as connection:
            number = number_of(connection)
        with engine.connect() as connection:
            assert number_of(connection) == number
        assert not pings
        monkeypatch.setattr(postgresql, "MAX_IDLE", -1)
        with engine.connect() as connection:
            assert number_of(connection) == number
        assert pings

    def test_a_server_that_is_gone_is_an_error_of_the_database(self, engine: Engine) -> None:
        """And none of a kind that nobody knows."""
        with engine.connect() as connection:
            number = number_of(connection)
            name = connection.execute(text("SELECT current_database()")).scalar_one()
        with beside(engine, "postgres") as other:
            other.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
            other.execute(text(f"SELECT pg_terminate_backend({number}, 5000)"))
            with pytest.raises(OperationalError):
                engine.connect()
            other.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
        with engine.connect() as connection:
            assert number_of(connection) != number


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_all_letters_is_refused(postgres_cluster: postgres.Cluster, encoding: str) -> None:
    url = postgres_cluster.empty_database(f"--encoding={encoding}", "--template=template0", "--locale=C")
    with pytest.raises(WrongSetting, match=f"is in {encoding}.*createdb -E UTF8"):
        schema.upgrade(url)
