"""The database: what the pragmas promise, that migrations match the models, and several processes at once."""

import sqlite3
import subprocess
import sys
import threading
import time as pause
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from commentsvc import db as database
from commentsvc import schema
from commentsvc.db import Base, db
from commentsvc.models import Site
from tests.postgres import Deadlock


def test_sqlite_is_durable_and_patient(app: Flask, database_name: str) -> None:
    if database_name != "sqlite":
        pytest.skip("about SQLite")
    values = {
        name: db.session.execute(text(f"PRAGMA {name}")).scalar()
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert db.session.execute(text("PRAGMA busy_timeout")).scalar() == 8000


def test_writing_without_saying_so_is_a_mistake_we_notice(app: Flask, database_name: str) -> None:
    if database_name != "sqlite":
        pytest.skip("about SQLite")
    db.session.add(Site(key="x", name="x", origins=["https://x.example"]))
    with pytest.raises(RuntimeError, match="begin_write"):
        db.session.flush()


def test_a_connection_that_died_spoils_no_answer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a pooler is restarted after the answer was made, and before the session is closed."""

    def died(*_: object) -> None:
        raise db.engine.dialect.dbapi.OperationalError("server closed the connection")  # type: ignore[union-attr]

    db.session.execute(text("SELECT 1"))
    with monkeypatch.context() as patch:
        patch.setattr(db.engine.dialect, "do_rollback", died)
        db.session.remove()
    assert db.session.execute(text("SELECT 1")).scalar() == 1


@pytest.mark.parametrize("how", ["alone", "in steps"])
def test_what_met_a_conflict_is_tried_once_more(app: Flask, how: str) -> None:
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        db.session.add(Site(key=f"k{len(calls)}", name="x", origins=["https://x.example"]))
        db.session.flush()
        if len(calls) == 1:
            raise Deadlock()
        return "done"

    done = [db.run_in_transaction(work)] if how == "alone" else [*db.commit_each([work])]
    assert (done, len(calls)) == (["done"], 2)
    kept = select(Site.key).where(Site.key.startswith("k"))
    assert db.session.scalars(kept).all() == ["k2"], "nothing of the first try stays"


def test_a_second_conflict_is_not_hidden(app: Flask) -> None:
    def work() -> None:
        raise Deadlock()

    with pytest.raises(Deadlock):
        db.run_in_transaction(work)


def test_others_write_between_two_steps(app: Flask) -> None:
    """What goes in steps keeps nobody waiting until it is done."""
    left, written_at = 40, []

    def step() -> int:
        nonlocal left
        left -= 1
        pause.sleep(0.02)
        return left

    def write() -> None:
        with app.app_context():
            db.begin_write()
            db.session.add(Site(key="between", name="x", origins=["https://x.example"]))
            db.session.commit()
            written_at.append(left)

    somebody = threading.Thread(target=write)
    for number, _ in enumerate(db.in_batches(step)):
        if number == 0:
            somebody.start()
    somebody.join()
    assert written_at[0] > 0


def test_times_keep_their_zone(app: Flask, site: Site) -> None:
    assert site.created_at.tzinfo is not None
    db.begin_write()
    site = Site.named("blog")
    site.created_at = datetime(2026, 1, 1)
    with pytest.raises(Exception, match="naive"):
        db.session.flush()


def test_migrations_make_what_the_models_say(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": database.is_modelled}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_no_number_is_given_twice(tmp_path: Path) -> None:
    """SQLite keeps that promise only where the table was made with it, which remaking a table may forget."""
    schema.upgrade(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with closing(sqlite3.connect(tmp_path / "x.sqlite3")) as file:
        made = dict(file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    promised = [table.name for table in Base.metadata.sorted_tables if table.dialect_options["sqlite"]["autoincrement"]]
    assert len(promised) > 8
    assert [name for name in promised if "AUTOINCREMENT" not in made[name]] == []


def test_the_newest_revision_is_known_without_looking_for_it() -> None:
    assert ScriptDirectory.from_config(schema.migration_config()).get_current_head() == schema.NEWEST


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    schema.upgrade(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    for file in tmp_path.iterdir():  # the lock of the migration, too
        assert file.stat().st_mode & 0o077 == 0, file


def test_several_processes_may_start_at_once(
    tmp_path: Path, database_name: str, request: pytest.FixtureRequest
) -> None:
    if database_name == "postgresql":
        url = request.getfixturevalue("postgres_cluster").empty_database()
    else:
        url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    program = f"from commentsvc import schema; schema.upgrade({url!r})"
    starts = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(4)]
    for start in starts:
        _, trouble = start.communicate(timeout=60)
        assert start.returncode == 0, trouble.decode()


def test_a_copy_is_kept_before_a_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    schema.upgrade(url)
    monkeypatch.setattr(schema, "NEWEST", "a newer one")
    schema.upgrade(url)
    (copied,) = tmp_path.glob("x.sqlite3.before-*")
    with sqlite3.connect(copied) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (copied.suffix[-4:],)


class TestOutOfService:
    """A database that cannot write costs no typed text, and reading goes on."""

    @pytest.fixture
    def locked(self, app: Flask, database_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every write meets a locked database."""

        def refuse(*, keep: bool = False) -> None:
            raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))

        monkeypatch.setattr(db, "begin_write", refuse)

    def test_the_page_keeps_the_text(self, bob, locked: None) -> None:  # type: ignore[no-untyped-def]
        answer = bob.post()
        assert answer.status_code == 503
        assert "cannot save anything right now" in answer.text
        assert answer.headers["Retry-After"] == "10"
        assert "Mine still has a *cord*" in answer.text
        assert bob.client.get("/t/blog/2020/05/phone.html").status_code == 200

    def test_programs_are_told_when_to_come_back(self, bob, locked: None) -> None:  # type: ignore[no-untyped-def]
        answer = bob.client.post("/api/v1/threads/blog/x/comments", json={"author": "B", "body": "x"})
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"

    def test_pings_are_answered_in_their_form(self, bob, locked: None) -> None:  # type: ignore[no-untyped-def]
        answer = bob.client.post("/trackback/blog/x", data={"url": "https://a.example/"})
        assert answer.status_code == 200
        assert b"<error>1</error>" in answer.data
