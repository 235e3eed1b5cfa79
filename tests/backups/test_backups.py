"""A backup made while people write holds what was acknowledged before, is checked, and comes back elsewhere."""

import gc
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select

from commentsvc import files, schema, settings
from commentsvc.backups import archive, making, of_postgresql, of_sqlite, restoring
from commentsvc.backups.archive import BackupFailed
from commentsvc.cli import backups as cli_backups
from commentsvc.db import db
from commentsvc.models import Comment
from commentsvc.settings import PREFIX, Settings
from tests import postgres
from tests.cast import BOB
from tests.running import SECRET, Running, limit_files
from tests.visitors import Visitor

RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")
KILLS = int(os.environ.get("KILLS", "4"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server that is written to."""
    one = Running(tmp_path / "data")
    one.run("site", "add", "blog", "https://blog.example", *RULES)
    one.start()
    yield one
    one.kill()


def post(server: Running, text: str) -> None:
    body = json.dumps({"author": "Bob", "body": text}).encode()
    address = f"{server.url}/api/v1/threads/blog/x/comments"
    urllib.request.urlopen(urllib.request.Request(address, body, {"Content-Type": "application/json"})).close()


def texts(database: Path) -> set[str]:
    connection = sqlite3.connect(database)
    try:
        return {body for (body,) in connection.execute("SELECT body FROM comment")}
    finally:
        connection.close()


class Writer:
    """Somebody who posts on and on; ``stored`` holds what was acknowledged."""

    def __init__(self, server: Running) -> None:
        self.stored: list[str] = []
        self.longest = 0.0
        self._server, self._stopped = server, threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        while not self._stopped.is_set():
            text, began = f"number {len(self.stored)}", time.monotonic()
            post(self._server, text)
            self.longest = max(self.longest, time.monotonic() - began)
            self.stored.append(text)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


def command(server: Running, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run it in a process of its own."""
    run = [sys.executable, "-m", "commentsvc", *words]
    return subprocess.run(run, env=server.settings, capture_output=True, check=False)


@pytest.mark.slow
class TestWhileServing:
    """Real processes."""

    def test_everything_acknowledged_before_is_in_it(self, server: Running, tmp_path: Path) -> None:
        writer, file = Writer(server), tmp_path / "one.backup"
        try:
            while len(writer.stored) < 50:
                time.sleep(0.05)
            before = set(writer.stored)
            assert command(server, "backup", str(file)).returncode == 0
        finally:
            writer.stop()
        assert file.stat().st_mode & 0o777 == 0o600
        elsewhere = Running(tmp_path / "new", starts_anew=True)
        elsewhere.run("restore", str(file))
        found = texts(tmp_path / "new" / "commentsvc.sqlite3")
        assert before <= found <= set(writer.stored) | {f"number {len(writer.stored)}"}

    def test_it_comes_back_on_a_new_machine(self, server: Running, tmp_path: Path) -> None:
        """The secret comes along: links in mails go on working."""
        post(server, "survives")
        link = server.run("moderator", "add", "ada@blog.example")
        file = tmp_path / "one.backup"
        assert "1 comments" in server.run("backup", str(file))
        server.kill()
        moved = Running(tmp_path / "new", port=server.port, starts_anew=True)
        moved.run("restore", str(file))
        moved.start()
        try:
            with urllib.request.urlopen(f"{moved.url}/t/blog/x") as page:
                assert "survives" in page.read().decode()
            address = next(word for word in link.split() if word.startswith("http"))
            assert urllib.request.urlopen(address).status == 200
        finally:
            moved.kill()

    def test_nothing_half_is_left_by_a_kill(self, server: Running, tmp_path: Path) -> None:
        """At random moments; ``KILLS=50`` for more."""
        for number in range(20):
            post(server, f"number {number}")
        chance, folder = random.Random(7), tmp_path / "backups"
        folder.mkdir()
        for number in range(KILLS):
            file = folder / f"{number}.backup"
            run = [sys.executable, "-m", "commentsvc", "backup", str(file)]
            running = subprocess.Popen(run, env=server.settings, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.3, 2.0))
            running.send_signal(signal.SIGKILL)
            running.wait()
            if file.exists():
                assert command(server, "backup", "--check", str(file)).returncode == 0
        last = str(folder / "last.backup")
        assert command(server, "backup", last).returncode == 0
        assert command(server, "backup", "--check", last).returncode == 0

    def test_it_is_not_put_in_place_of_one_that_is_in_use(self, server: Running, tmp_path: Path) -> None:
        file = tmp_path / "one.backup"
        server.run("backup", str(file))
        done = command(server, "restore", str(file), "--replace")
        assert done.returncode == 1
        assert b"is in use. Stop the service first" in done.stderr
        post(server, "still serving")

    def test_a_full_disk(self, server: Running, tmp_path: Path) -> None:
        run = [sys.executable, "-m", "commentsvc", "backup", str(tmp_path / "one.backup")]
        done = subprocess.run(
            run, env=server.settings, capture_output=True, preexec_fn=lambda: limit_files(100_000), check=False
        )
        assert done.returncode == 1
        assert len(done.stderr.decode().splitlines()) == 1, done.stderr.decode()
        assert not list(tmp_path.glob("*backup*")) + list(tmp_path.glob(".*backup*"))


@pytest.fixture
def made(app: Flask, bob: Visitor, tmp_path: Path, database_name: str) -> Path:
    """A backup with one comment."""
    if database_name == "postgresql" and not postgres.binaries():
        pytest.skip(postgres.MISSING)
    bob.comment(BOB)
    db.session.rollback()
    making.make(tmp_path / "one.backup")
    return tmp_path / "one.backup"


def elsewhere(url: str, tmp_path: Path) -> None:
    """From now on the settings are those of another, new machine."""
    folder = tmp_path / "new"
    folder.mkdir(exist_ok=True)
    change(data_dir=folder, database_url=url, secret_key="")


def change(**values: object) -> None:
    """Change settings; they are cached in their object."""
    settings.use(Settings(**settings.current().model_dump() | values))


class TestBothDatabases:
    """What is in an archive, and what it is refused for."""

    def test_it_says_what_is_in_it(self, made: Path, database_name: str) -> None:
        manifest = making.check(made)
        assert manifest.comments == 1
        assert manifest.database == database_name
        assert manifest.counts["site"] == 2
        assert manifest.schema == schema.NEWEST

    def test_it_is_restored_into_an_empty_place(
        self, made: Path, app: Flask, tmp_path: Path, database_name: str, request: pytest.FixtureRequest
    ) -> None:
        here = settings.current().secret
        url = _new_database(tmp_path, database_name, request)
        elsewhere(url, tmp_path)
        manifest = restoring.restore(made)
        assert settings.current().secret == here
        assert (tmp_path / "new" / "secret_key").stat().st_mode & 0o777 == 0o600
        assert _counts(url) == manifest.counts
        with pytest.raises(BackupFailed, match="With --replace"):
            restoring.restore(made)

    def test_a_slow_disk_leaves_no_moment_without_a_database(
        self, made: Path, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody ends it while it waits for the disk."""
        if not schema.is_file(settings.current().database):
            pytest.skip("about SQLite")
        elsewhere(f"sqlite:///{tmp_path / 'new' / 'commentsvc.sqlite3'}", tmp_path)
        restoring.restore(made)
        before = (tmp_path / "new" / "commentsvc.sqlite3").stat().st_ino

        def end(_path: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(files, "sync", end)
        with pytest.raises(KeyboardInterrupt):
            restoring.restore(made, replaces=True)
        assert (tmp_path / "new" / "commentsvc.sqlite3").stat().st_ino == before

    def test_what_was_there_is_kept(
        self, made: Path, app: Flask, tmp_path: Path, database_name: str, request: pytest.FixtureRequest
    ) -> None:
        url = _new_database(tmp_path, database_name, request)
        elsewhere(url, tmp_path)
        restoring.restore(made)
        restoring.restore(made, replaces=True)
        assert _counts(url)["comment"] == 1
        if database_name == "sqlite":
            (aside,) = (tmp_path / "new").glob("commentsvc.sqlite3.replaced-*")
            assert texts(aside) == {BOB.says}

    def test_another_secret_is_not_overwritten(
        self, made: Path, tmp_path: Path, database_name: str, request: pytest.FixtureRequest
    ) -> None:
        elsewhere(_new_database(tmp_path, database_name, request), tmp_path)
        change(secret_key="another secret, also long enough, 987654321")
        with pytest.raises(BackupFailed, match="COMMENTSVC_SECRET_KEY is not the secret of the backup"):
            restoring.restore(made)

    def test_without_its_secret(self, app: Flask, tmp_path: Path) -> None:
        assert not making.make(tmp_path / "one.backup", with_secret=False).has_secret
        with zipfile.ZipFile(tmp_path / "one.backup") as packed:
            assert archive.SECRET not in packed.namelist()

    @pytest.mark.parametrize(
        ("here", "said"),
        [
            (None, "Put its secret into"),
            ("another text than that of the backup", "The secret here is not that of the backup"),
            (SECRET, ""),
        ],
    )
    def test_restored_without_its_secret(self, tmp_path: Path, here: str | None, said: str) -> None:
        """Whoever starts the service with another one loses sign-ins and links."""
        server = Running(tmp_path / "old")
        server.start()
        server.kill()
        server.run("backup", str(tmp_path / "one.backup"), "--without-secret")
        new = tmp_path / "new"
        new.mkdir()
        if here:
            (new / "secret_key").write_text(here)
        environment = {name: value for name, value in server.settings.items() if name != f"{PREFIX}SECRET_KEY"}
        run = [sys.executable, "-m", "commentsvc", "restore", str(tmp_path / "one.backup")]
        done = subprocess.run(run, env=environment | {f"{PREFIX}DATA_DIR": str(new)}, capture_output=True, text=True)
        assert done.returncode == 0
        assert said in done.stdout + done.stderr
        assert bool(said) == ("ecret" in (done.stdout + done.stderr).replace("without its secret", ""))

    @pytest.mark.parametrize("where", [0.3, 0.6])
    def test_a_damaged_one(self, made: Path, where: float, tmp_path: Path) -> None:
        raw = bytearray(made.read_bytes())
        for offset in range(40):
            raw[int(len(raw) * where) + offset] ^= 0xFF
        made.write_bytes(raw)
        with pytest.raises(BackupFailed):
            making.check(made)
        assert not list(tmp_path.glob(f"{making.PREFIX}*"))

    def test_one_that_ends_early(self, made: Path) -> None:
        made.write_bytes(made.read_bytes()[:3000])
        with pytest.raises(BackupFailed, match="is not a complete backup"):
            making.check(made)

    def test_one_of_a_newer_version(
        self, made: Path, tmp_path: Path, database_name: str, request: pytest.FixtureRequest
    ) -> None:
        _rewrite(made, schema="9999")
        url = _new_database(tmp_path, database_name, request)
        elsewhere(url, tmp_path)
        with pytest.raises(schema.MadeByNewer, match="The backup was made by a newer version"):
            restoring.restore(made)
        _rewrite(made, format=2)
        with pytest.raises(BackupFailed, match="The backup was made by a newer version"):
            making.check(made)

    def test_one_of_the_other_database(self, made: Path, tmp_path: Path) -> None:
        _rewrite(made, database="postgresql" if schema.is_file(settings.current().database) else "sqlite")
        with pytest.raises(BackupFailed, match="but the settings name a"):
            restoring.restore(made, replaces=True)

    def test_a_file_of_something_else(self, app: Flask, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("not a zip")
        with pytest.raises(BackupFailed, match="is not a complete backup"):
            making.check(tmp_path / "x")


class TestNothingIsLost:
    """Commands that could destroy what is there."""

    def test_no_file_is_overwritten_by_mistake(self, tmp_path: Path) -> None:
        server = Running(tmp_path / "data")
        database = tmp_path / "data" / "commentsvc.sqlite3"
        server.run("backup", str(tmp_path / "one.backup"))
        for file, more in ((database, ()), (database, ("--overwrite",)), (tmp_path / "one.backup", ())):
            with pytest.raises(AssertionError, match=r"already exists|is not a complete backup"):
                server.run("backup", str(file), *more)
        assert database.read_bytes().startswith(b"SQLite format 3")
        server.run("backup", str(tmp_path / "one.backup"), "--overwrite")

    @pytest.mark.parametrize("offset", [0, 2000])
    def test_in_place_of_a_damaged_database(self, tmp_path: Path, offset: int) -> None:
        server = Running(tmp_path / "data")
        server.run("site", "add", "blog", "https://blog.example")
        server.run("backup", str(tmp_path / "one.backup"))
        gc.collect()
        there = Running(tmp_path / "there")
        database = there.folder / "commentsvc.sqlite3"
        raw = bytearray(database.read_bytes())
        raw[offset : offset + 3000] = os.urandom(3000)
        database.write_bytes(raw)
        with pytest.raises(AssertionError, match="With --replace"):
            there.run("restore", str(tmp_path / "one.backup"))
        there.run("restore", str(tmp_path / "one.backup"), "--replace")
        assert list(there.folder.glob("commentsvc.sqlite3.replaced-*"))
        assert "blog.example" in there.run("site", "list")

    def test_what_breaks_off_on_postgresql_changes_nothing(
        self, made: Path, tmp_path: Path, database_name: str, request: pytest.FixtureRequest
    ) -> None:
        if database_name != "postgresql":
            pytest.skip("about PostgreSQL")
        url = _new_database(tmp_path, database_name, request)
        elsewhere(url, tmp_path)
        restoring.restore(made)
        before, real = _counts(url), of_postgresql._run

        def fail_at_the_end(name: str, options: list[str], url: str = "") -> None:
            real(name, [*options, "--command=SELECT 1/0"] if name == "psql" else options, url)

        with (
            patch.object(of_postgresql, "_run", fail_at_the_end),
            pytest.raises(BackupFailed, match="division by zero"),
        ):
            restoring.restore(made, replaces=True)
        assert _counts(url) == before
        assert not of_postgresql.is_empty(url)


def test_postgresql_in_use_is_left_alone(
    postgres_cluster: postgres.Cluster, app: Flask, tmp_path: Path, database_name: str
) -> None:
    if database_name != "postgresql":
        pytest.skip("about PostgreSQL")
    making.make(tmp_path / "one.backup")
    db.session.execute(select(func.count(Comment.id)))
    with pytest.raises(BackupFailed, match="is in use"):
        restoring.restore(tmp_path / "one.backup", replaces=True)


def test_a_pooler_is_passed_by(app: Flask, tmp_path: Path, database_name: str, request: pytest.FixtureRequest) -> None:
    """What the script of a backup sets for its session would stay for whoever gets that session next."""
    if database_name != "postgresql":
        pytest.skip("about PostgreSQL")
    making.make(tmp_path / "one.backup")
    elsewhere("postgresql+psycopg://comments@localhost:1/none", tmp_path)
    change(database_pooler=True)
    with pytest.raises(BackupFailed, match="not a pooler"):
        restoring.restore(tmp_path / "one.backup")
    change(database_direct_url=_new_database(tmp_path, database_name, request))
    assert restoring.restore(tmp_path / "one.backup").counts["site"] == 2
    assert not cli_backups._has_another_secret(settings.current())


def test_missing_programs_are_named(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackupFailed, match="pg_restore is missing"):
        of_postgresql.check(tmp_path / "x")


def _new_database(tmp_path: Path, name: str, request: pytest.FixtureRequest) -> str:
    if name == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'commentsvc.sqlite3'}"
    cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
    return cluster.empty_database()


def _counts(url: str) -> dict[str, int]:
    if schema.is_file(url):
        return of_sqlite.check(schema.path_of(url))
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        return of_postgresql._counts(connection)


def _rewrite(path: Path, **values: object) -> None:
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    said = json.loads(members[archive.MANIFEST]) | values
    members[archive.MANIFEST] = json.dumps(said).encode()
    with zipfile.ZipFile(path, "w") as packed:
        for name, raw in members.items():
            packed.writestr(name, raw)
