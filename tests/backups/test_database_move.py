"""From SQLite to PostgreSQL and back: the same rows, and everything that hangs on them goes on working."""

import gc
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import create_engine, text

from commentsvc import schema
from commentsvc.backups import database_move
from commentsvc.backups.archive import BackupFailed
from commentsvc.db import engine_options
from commentsvc.settings import Settings, WrongSetting
from tests import postgres
from tests.running import Running, limit_files
from tests.servers import free_port
from tests.transfer.samples import wp, wxr

RULES = ("--captcha", "never", "--moderation", "none")
KEY = "2007/05/phone"


@pytest.fixture
def lived_in(tmp_path: Path) -> Iterator[Running]:
    """A database with threads, replies, moderators, a log and something deleted."""
    server = Running(tmp_path / "data")
    server.run("site", "add", "blog", "https://blog.example", *RULES)
    server.run("moderator", "add", "ada@blog.example")
    file = tmp_path / "export.xml"
    file.write_text(wxr(*[wp(number, f"number {number} — ünï", parent=max(number - 3, 0)) for number in range(1, 60)]))
    server.run("import", "auto", str(file), "--site", "blog")
    with sqlite3.connect(tmp_path / "data" / "commentsvc.sqlite3") as database:
        database.execute("PRAGMA foreign_keys=ON")
        database.execute("DELETE FROM comment WHERE id = (SELECT MAX(id) FROM comment)")
    database.close()
    gc.collect()  # commands that ran in this process keep their connections until then
    yield server
    server.kill()


def url_of(server: Running) -> str:
    return f"sqlite:///{server.folder / 'commentsvc.sqlite3'}"


def new_sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'new.sqlite3'}"


@pytest.fixture
def empty_postgresql(request: pytest.FixtureRequest) -> str:
    if not postgres.binaries():
        pytest.skip(postgres.MISSING)
    cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
    return cluster.empty_database()


def value(url: str, query: str) -> object:
    engine = create_engine(url, **engine_options(url))
    with engine.connect() as connection:
        found: object = connection.execute(text(query)).scalar()
    engine.dispose()
    return found


def test_there_and_back_again(lived_in: Running, empty_postgresql: str, tmp_path: Path) -> None:
    here, back = url_of(lived_in), new_sqlite(tmp_path)
    there = database_move.move(here, empty_postgresql, lambda _: None)
    assert there["comment"].rows == 58
    assert database_move.move(empty_postgresql, back, lambda _: None) == there
    for url in (empty_postgresql, back):
        assert value(url, "SELECT COUNT(*) FROM comment WHERE parent_id IS NOT NULL") == 55
        assert not value(url, "SELECT COUNT(*) FROM comment WHERE root_id IS NULL AND parent_id IS NOT NULL")


def test_no_id_comes_twice(lived_in: Running, empty_postgresql: str) -> None:
    database_move.move(url_of(lived_in), empty_postgresql, lambda _: None)
    next_one = "SELECT nextval(pg_get_serial_sequence('comment', 'id'))"
    assert value(empty_postgresql, next_one) == 60, "the last one was deleted, and its id is not given again"


@pytest.mark.slow
def test_the_service_goes_on_there(lived_in: Running, empty_postgresql: str) -> None:
    """Pages, permalinks, sign-in links, search and new comments."""
    link = re.search(r"http\S+", lived_in.run("moderator", "link", "ada@blog.example"))
    said = lived_in.run("move", empty_postgresql.replace("+psycopg", ""))
    assert "the same as here" in said
    lived_in.environment["COMMENTSVC_DATABASE_URL"] = empty_postgresql
    lived_in.start()
    with urllib.request.urlopen(f"{lived_in.url}/t/blog/{KEY}") as page:
        assert "number 1 — ünï" in page.read().decode()
    assert link
    path = link.group().partition("/admin/")[2]
    assert urllib.request.urlopen(f"{lived_in.url}/admin/{path}").status == 200
    words = "SELECT COUNT(*) FROM comment WHERE search @@ to_tsquery('simple', 'number')"
    assert value(empty_postgresql, words) == 58


def test_it_goes_on_after_a_break(lived_in: Running, tmp_path: Path) -> None:
    here, there = url_of(lived_in), new_sqlite(tmp_path)
    calls = iter(range(1000))

    def stop_on_the_way(_: int) -> None:
        if next(calls) == 6:
            raise KeyboardInterrupt

    with patch.object(database_move, "BATCH", 7):
        with pytest.raises(KeyboardInterrupt):
            database_move.move(here, there, stop_on_the_way)
        with pytest.raises(WrongSetting, match=r"is only a part of .*run the move again"):
            schema.must_be_usable(Settings(database_url=there))
        shutil.copy(schema.path_of(here), tmp_path / "other.sqlite3")
        with pytest.raises(BackupFailed, match="A move of"):
            database_move.move(f"sqlite:///{tmp_path / 'other.sqlite3'}", there, lambda _: None)
        found = database_move.move(here, there, lambda _: None)
    assert found["comment"].rows == 58
    assert value(there, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'commentsvc_move'") == 0


def test_a_place_that_is_not_empty(lived_in: Running, tmp_path: Path) -> None:
    other = Running(tmp_path / "other")
    other.run("site", "add", "cats", "https://cats.example")
    gc.collect()
    with pytest.raises(BackupFailed, match="There is something in the target"):
        database_move.move(url_of(lived_in), url_of(other), lambda _: None)
    with pytest.raises(BackupFailed, match="is the database that is in use now"):
        database_move.move(url_of(lived_in), url_of(lived_in), lambda _: None)


def test_a_target_that_is_full(lived_in: Running, tmp_path: Path) -> None:
    """It is named, not the database here, which stays as it is."""
    target = tmp_path / "new.sqlite3"
    run = [sys.executable, "-m", "commentsvc", "move", f"sqlite:///{target}"]
    done = subprocess.run(run, env=lived_in.settings, capture_output=True, preexec_fn=lambda: limit_files(100_000))
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].startswith(f"The target {target} cannot be used (")
    assert value(url_of(lived_in), "SELECT COUNT(*) FROM configuration WHERE read_only IS NOT NULL") == 0


def test_a_target_that_takes_no_rows(lived_in: Running, tmp_path: Path) -> None:
    def upgrade(url: str) -> None:
        schema.upgrade(url)
        with sqlite3.connect(schema.path_of(url)) as database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON comment BEGIN SELECT RAISE(ABORT, 'no'); END")
        database.close()

    is_named = pytest.raises(BackupFailed, match=r"The target .*new.sqlite3 cannot be used \(no\)")
    with patch.object(database_move, "schema", wraps=schema, upgrade=upgrade), is_named:
        database_move.move(url_of(lived_in), new_sqlite(tmp_path), lambda _: None)


def test_a_target_that_does_not_answer(lived_in: Running) -> None:
    url = f"postgresql+psycopg://comments:secret@127.0.0.1:{free_port()}/comments"
    with pytest.raises(BackupFailed, match=r"postgresql://comments@127.0.0.1:[0-9]+/comments cannot be used"):
        database_move.move(url_of(lived_in), url, lambda _: None)


def test_another_programs_database(lived_in: Running, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new.sqlite3")
    other.execute("CREATE TABLE mine (id)")
    other.close()
    with pytest.raises(BackupFailed, match="There is something in the target"):
        database_move.move(url_of(lived_in), new_sqlite(tmp_path), lambda _: None)
    assert value(new_sqlite(tmp_path), "SELECT COUNT(*) FROM sqlite_master") == 1


def test_while_the_service_runs(lived_in: Running, empty_postgresql: str, tmp_path: Path) -> None:
    """Readers are served, nobody writes to what is left behind, and what is new goes to the new place."""
    lived_in.start()
    assert say(lived_in, "before") == 201
    during: list[int] = []

    def look(_: int) -> None:
        if not during:
            during.extend((say(lived_in, "meanwhile"), status(f"{lived_in.url}/embed/blog/{KEY}")))

    here = url_of(lived_in)
    database_move.move(here, empty_postgresql, look)
    assert during == [503, 200]
    assert say(lived_in, "afterwards") == 503
    assert value(here, "SELECT read_only FROM configuration") == database_move.WHY
    assert value(empty_postgresql, "SELECT read_only FROM configuration") is None
    lived_in.kill()
    lived_in.environment["COMMENTSVC_DATABASE_URL"] = empty_postgresql
    lived_in.start()
    assert say(lived_in, "there") == 201
    assert value(empty_postgresql, "SELECT COUNT(*) FROM comment WHERE body IN ('before', 'there')") == 2


def test_if_it_fails_the_service_may_write_again(lived_in: Running, tmp_path: Path) -> None:
    lived_in.start()

    def stumble(_: int) -> None:
        raise RuntimeError("the network is gone")

    with pytest.raises(RuntimeError):
        database_move.move(url_of(lived_in), new_sqlite(tmp_path), stumble)
    time.sleep(database_move.MAX_STALE)
    assert say(lived_in, "afterwards") == 201


@pytest.mark.parametrize("where", ["waiting for writers", "copying"])
def test_stopped_by_hand_it_lets_the_service_write_again(lived_in: Running, tmp_path: Path, where: str) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    lived_in.start()
    place = (database_move.time, "sleep") if where == "waiting for writers" else (database_move, "_set_counters")
    with patch.object(*place, stop), pytest.raises(KeyboardInterrupt):
        database_move.move(url_of(lived_in), new_sqlite(tmp_path), lambda _: None)
    assert value(url_of(lived_in), "SELECT COUNT(*) FROM configuration WHERE read_only IS NOT NULL") == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_by_a_signal_it_lets_the_service_write_again(
    lived_in: Running, tmp_path: Path, how: signal.Signals
) -> None:
    lived_in.start()
    run = [sys.executable, "-m", "commentsvc", "move", new_sqlite(tmp_path)]
    command = subprocess.Popen(run, env=lived_in.settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    frozen = "SELECT COUNT(*) FROM configuration WHERE read_only IS NOT NULL"
    while not value(url_of(lived_in), frozen):
        assert command.poll() is None
        time.sleep(0.01)
    command.send_signal(how)
    assert command.wait(20) != 0
    assert value(url_of(lived_in), frozen) == 0


def test_a_service_that_wrote_after_a_break_is_copied_anew(lived_in: Running, tmp_path: Path) -> None:
    """What was copied before may be different now, also in old rows."""
    lived_in.start()
    here, there = url_of(lived_in), new_sqlite(tmp_path)

    def stumble(done: int) -> None:
        if done > 60:
            raise RuntimeError("the network is gone")

    with pytest.raises(RuntimeError):
        database_move.move(here, there, stumble)
    time.sleep(database_move.MAX_STALE)
    with sqlite3.connect(lived_in.folder / "commentsvc.sqlite3") as database:
        database.execute("UPDATE comment SET body = 'edited meanwhile' WHERE id = 1")
    database.close()
    assert say(lived_in, "meanwhile") == 201
    database_move.move(here, there, lambda _: None)
    assert value(there, "SELECT body FROM comment WHERE id = 1") == "edited meanwhile"


def test_a_service_that_does_not_run_is_not_left_read_only(lived_in: Running, tmp_path: Path) -> None:
    database_move.move(url_of(lived_in), new_sqlite(tmp_path), lambda _: None)
    assert value(url_of(lived_in), "SELECT read_only FROM configuration") is None


def test_a_target_in_use(lived_in: Running, tmp_path: Path) -> None:
    schema.upgrade(new_sqlite(tmp_path))
    other = sqlite3.connect(tmp_path / "new.sqlite3")
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("SELECT * FROM site").fetchall()
    with pytest.raises(BackupFailed, match="The target is in use"):
        database_move.move(url_of(lived_in), new_sqlite(tmp_path), lambda _: None)
    other.close()


def say(server: Running, text_: str) -> int:
    """Post a comment; the status."""
    body = json.dumps({"author": "Bob", "body": text_}).encode()
    headers = {"Content-Type": "application/json"}
    return status(urllib.request.Request(f"{server.url}/api/v1/threads/blog/{KEY}/comments", body, headers))


def status(request: str | urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        return problem.code


def test_a_difference_is_found(lived_in: Running, tmp_path: Path) -> None:
    there = new_sqlite(tmp_path)
    real = database_move._set_counters

    def and_lose_a_word(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        with sqlite3.connect(schema.path_of(there)) as database:
            database.execute("UPDATE comment SET body = 'x' WHERE id = 3")
        database.close()

    with (
        patch.object(database_move, "_set_counters", and_lose_a_word),
        pytest.raises(BackupFailed, match="rows of comment"),
    ):
        database_move.move(url_of(lived_in), there, lambda _: None)
