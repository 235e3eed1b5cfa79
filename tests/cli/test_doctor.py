"""What ``doctor`` finds between the service and its readers: caches, a proxy, a certificate, other clocks."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest
from flask.testing import FlaskClient

from commentsvc import __version__, clock, safe_http, secret_mark, throttle, tokens
from commentsvc.app import create_app
from commentsvc.backups import archive, daily, database_move, making
from commentsvc.backups.archive import BackupFailed
from commentsvc.db import db
from commentsvc.models.backup import Backup
from commentsvc.models.email import EmailKind
from commentsvc.models.recipient import Recipient
from commentsvc.notifications import enqueue
from tests.cli.conftest import Command
from tests.jobs import run_job
from tests.running import put_database
from tests.servers import MailServer, Web, certificate, free_port, web
from tests.time import FrozenClock

PATH = "/embed/blog/doctor-was-here"
OURS = "public, max-age=0, s-maxage=1, stale-if-error=86400"


@pytest.fixture
def front(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """What stands at the address of a service with a blog."""
    command("site", "add", "blog", "https://blog.example")
    monkeypatch.setattr("commentsvc.cli.reachability.tokens.sign", lambda *_: "signed")
    with web() as there:
        monkeypatch.setenv("COMMENTSVC_BASE_URL", there.url)
        yield there


class TestCaches:
    """What is said to caches arrives as it was said."""

    def test_all_is_well(self, command: Command, front: Web) -> None:
        front.page(PATH, "", Cache_Control=OURS, ETag='"a"', X_Cache="HIT", Age="1")
        assert f"✓ Caches: {OURS} (HIT)" in command("doctor")[1]

    @pytest.mark.parametrize(
        ("headers", "said"),
        [
            ({"Cache_Control": "max-age=14400", "ETag": '"a"'}, "arrives as “max-age=14400”"),
            ({"Cache_Control": "public, max-age=14400, s-maxage=1", "ETag": '"a"'}, "keep comments for 14400 s"),
            ({"Cache_Control": OURS}, "the ETag is missing"),
            ({"Cache_Control": OURS, "ETag": '"a"', "Age": "900"}, "a response was 900 s old"),
        ],
    )
    def test_what_a_cdn_made_of_it(self, command: Command, front: Web, headers: dict[str, str], said: str) -> None:
        front.page(PATH, "", **headers)
        out = command("doctor")[1]
        assert "✗ Caches:" in out
        assert said in out

    def test_without_a_blog(self, command: Command) -> None:
        assert "– Caches: not checked, because there is no blog yet" in command("doctor")[1]


class TestProxy:
    """Addresses of visitors arrive."""

    def test_as_whom_this_machine_is_seen(self, command: Command, front: Web) -> None:
        said = {"status": "well", "unknown_proxy": False, "your_address": "203.0.113.9"}
        front.page("/health?doctor=signed", json.dumps(said))
        assert "✓ Proxy: no proxy, or a trusted one; this machine is seen as 203.0.113.9" in command("doctor")[1]

    def test_somebody_else_answers(self, command: Command, front: Web) -> None:
        for path in ("/health", "/health?doctor=signed"):
            front.page(path, "<p>Welcome to nginx</p>")
        out = command("doctor")[1]
        assert "✗ Address: another program answers" in out
        assert "– Proxy: not checked" in out

    def test_the_service_says_it_to_the_doctor_alone(self, client: FlaskClient) -> None:
        assert "your_address" not in client.get("/health").json
        assert "your_address" not in client.get("/health?doctor=guessed").json
        token = tokens.sign("doctor", 1)
        report = client.get(f"/health?doctor={token}").json
        assert (report["your_address"], report["version"]) == ("203.0.113.7", __version__)
        assert report["settings"] == tokens.settings_marks()
        assert "comments.example" not in json.dumps(report["settings"])


class TestRunningService:
    """The one that answers is the one that this command is about."""

    def answer(self, front: Web, **members: object) -> None:
        said = {"status": "well", "version": __version__, "settings": tokens.settings_marks()} | members
        front.page("/health?doctor=signed", json.dumps(said))

    def test_all_is_the_same(self, command: Command, front: Web) -> None:
        command("doctor")
        self.answer(front)
        assert f"✓ Service: runs version {__version__} with these settings" in command("doctor")[1]

    def test_an_upgrade_without_a_restart(self, command: Command, front: Web) -> None:
        command("doctor")
        self.answer(front, version="0.0.1")
        wrong = f"✗ Service: version 0.0.1 is running, but {__version__} is installed. Restart the service."
        assert wrong in command("doctor")[1]

    def test_other_settings(self, command: Command, front: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        command("doctor")
        self.answer(front)
        monkeypatch.setenv("COMMENTSVC_MAIL_URL", "smtp://127.0.0.1:2525")
        monkeypatch.setenv("COMMENTSVC_FETCH_ALLOW", "127.0.0.1:80 127.0.0.1:81 127.0.0.1:82")
        assert "✗ Service: runs with other values of mail_url, fetch_allow." in command("doctor")[1]


class TestPurges:
    """Somebody takes them."""

    def test_none_are_sent(self, command: Command) -> None:
        assert "– Purges: no purges are sent" in command("doctor")[1]

    def test_they_are_tried(self, command: Command, front: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_EDGE_PURGE_URL", f"{front.url}/purge")
        assert "✗ Purges: sending there is not allowed" in command("doctor")[1]
        monkeypatch.setenv("COMMENTSVC_FETCH_ALLOW", front.address)
        assert "✗ Purges: are not accepted (status 404)" in command("doctor")[1]
        front.page("/purge", "")
        assert "✓ Purges: are accepted" in command("doctor")[1]


class TestCertificate:
    """It is good, and for a while."""

    def test_none_is_needed(self, command: Command, front: Web) -> None:
        assert "– Certificate: none" in command("doctor")[1]

    @pytest.mark.parametrize(
        ("days", "said"), [(90, "✓ Certificate: valid until 2"), (2, "✗ Certificate: expires on 2")]
    )
    def test_how_long(
        self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, said: str
    ) -> None:
        file, context = certificate(tmp_path, days)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        with web(context) as there:
            monkeypatch.setenv("COMMENTSVC_BASE_URL", there.url)
            assert said in command("doctor")[1]

    def test_one_that_nobody_knows(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _, context = certificate(tmp_path)
        with web(context) as there:
            monkeypatch.setenv("COMMENTSVC_BASE_URL", there.url)
            assert "✗ Certificate: is not accepted" in command("doctor")[1]

    def test_nobody_answers(self) -> None:
        with pytest.raises(safe_http.FetchFailed):
            safe_http.certificate_ends(f"https://localhost:{free_port()}")


def test_a_database_of_another_version(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commentsvc.schema.NEWEST", "9999")
    assert "✗ Schema: does not match this version" in command("doctor")[1]


def test_a_clock_that_differs_from_redis(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from commentsvc import clock

    monkeypatch.setattr(throttle, "redis_time", lambda: clock.now().replace(minute=2))
    assert "differs from that of Redis by -120 seconds" in command("doctor")[1]


def test_it_speaks_the_owners_language(command: Command) -> None:
    """An owner who does not read English is not to overlook what is wrong."""
    command("site", "add", "blog", "https://blog.example")
    command("moderator", "add", "ada@blog.example", "--language", "de")
    _, out, err = command("doctor")
    assert "– Sicherungen: keine täglichen. Setzen Sie COMMENTSVC_BACKUP_DIR" in out
    assert "Prüfungen sind fehlgeschlagen" in err


class TestReasonsInTheOwnersLanguage:
    """What other parts of the service give as the reason is translated, too."""

    @pytest.fixture(autouse=True)
    def german(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        command("moderator", "add", "ada@blog.example", "--language", "de")

    def test_a_damaged_secret(self, command: Command, tmp_path: Path) -> None:
        secret = tmp_path / "data/secret_key"
        secret.write_bytes(b"")
        assert f"✗ Geheimer Schlüssel: {secret} ist beschädigt: Die Datei enthält keinen" in command("doctor")[1]

    def test_a_lost_secret(self, command: Command, tmp_path: Path) -> None:
        secret = tmp_path / "data/secret_key"
        secret.unlink()
        assert f"✗ Geheimer Schlüssel: {secret} fehlt, wird aber von der Datenbank gebraucht" in command("doctor")[1]

    def test_a_newer_database(self, command: Command, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "data/commentsvc.sqlite3")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
        assert "✗ Schema: Die Datenbank stammt von einer neueren Version von commentsvc." in command("doctor")[1]

    def test_a_backup_folder_that_may_not_be_written_to(
        self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COMMENTSVC_BACKUP_DIR", str(tmp_path / "backups"))
        monkeypatch.setattr("commentsvc.backups.daily.os.access", lambda place, _: place != tmp_path)
        assert f"✗ Sicherungen: {tmp_path}/backups ist nicht beschreibbar." in command("doctor")[1]

    def test_a_backup_that_failed(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "backups"
        monkeypatch.setenv("COMMENTSVC_BACKUP_DIR", str(folder))
        damaged = BackupFailed(archive.DAMAGED, part="database")
        with create_app().app_context(), patch.object(making, "check", side_effect=damaged):
            run_job("back up")
        lines = command("doctor")[1].splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("✗ Sicherungen: "))
        assert lines[at + 1] == "  Die Sicherung ist beschädigt: Der SHA-256-Wert von database stimmt nicht."


class TestWithoutADatabase:
    """One that is away does not keep the other checks from being made."""

    @pytest.fixture(autouse=True)
    def away(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
        monkeypatch.setenv("COMMENTSVC_SECRET_KEY", "copper lantern orbit, and seven pickled herons")

    def test_all_others_are_made(self, command: Command) -> None:
        status, out, err = command("doctor")
        assert status == 1
        assert "✗ Database: cannot be written to" in out
        for name in ("Secret", "Backups", "Disk", "Limits"):
            assert f" {name}: " in out
        assert "– Secret: not checked, because the database cannot be used" in out
        assert "Traceback" not in out + err


def test_a_database_of_a_newer_version(command: Command, tmp_path: Path) -> None:
    """No upgrade helps."""
    command("site", "add", "blog", "https://blog.example")
    with closing(sqlite3.connect(tmp_path / "data/commentsvc.sqlite3")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    out = command("doctor")[1]
    assert "✗ Schema: The database was made by a newer version of commentsvc. Install that one" in out
    assert "commentsvc upgrade" not in out


def test_a_database_that_is_damaged_inside(command: Command, tmp_path: Path) -> None:
    """It opens, and takes small changes: only reading all of it tells."""
    command("site", "add", "blog", "https://blog.example", "--captcha", "never")
    file = tmp_path / "data/commentsvc.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'comment'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as raw:
        raw.seek((root - 1) * size)
        raw.write(b"\xff" * size)
    assert f"✗ Database: {file} is damaged" in command("doctor")[1]
    client = create_app().test_client()
    sent = {"author": "Bob", "body": "Is this kept?"}
    assert client.post("/api/v1/threads/blog/x/comments", json=sent).status_code == 503
    assert client.get("/health").json["reasons"] == ["the database is damaged"]


def test_an_email_that_nobody_sends(
    command: Command, monkeypatch: pytest.MonkeyPatch, post_office: MailServer, time: FrozenClock
) -> None:
    command("site", "add", "blog", "https://blog.example")
    command("moderator", "add", "ada@blog.example")
    monkeypatch.setenv("COMMENTSVC_MAIL_URL", post_office.url)
    with create_app().app_context():
        db.begin_write()
        enqueue.add_email(EmailKind.TEST, Recipient.get_or_create("ada@blog.example", "en"))
        db.session.commit()
    time.pass_(hours=3)
    assert "✗ Email: reachable, but an email has waited for 3 hours." in command("doctor")[1]


def test_a_database_that_is_damaged(command: Command, tmp_path: Path) -> None:
    command("site", "add", "blog", "https://blog.example")
    (tmp_path / "data/commentsvc.sqlite3").write_bytes(b"not a database " * 1000)
    out = command("doctor")[1]
    assert "is damaged (file is not a database). Restore the most recent intact backup." in out
    assert "commentsvc upgrade" not in out
    assert " Disk: " in out


def test_a_database_without_a_schema(command: Command, tmp_path: Path) -> None:
    command("site", "add", "blog", "https://blog.example")
    (tmp_path / "data/commentsvc.sqlite3").write_bytes(b"")
    assert "✗ Schema: does not match this version." in command("doctor")[1]


def test_half_a_copy_is_told(command: Command, tmp_path: Path) -> None:
    command("site", "add", "blog", "https://blog.example")
    with closing(sqlite3.connect(tmp_path / "data/commentsvc.sqlite3")) as database:
        database.execute("CREATE TABLE commentsvc_move (source TEXT)")
        database.execute("INSERT INTO commentsvc_move VALUES ('the old database')")
        database.commit()
    assert "is only a part of the old database" in command("doctor")[1]
    assert "is only a part of the old database" in command("site", "list")[2]


def test_it_leaves_an_older_schema_as_it_is(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks what is wrong has not asked for an upgrade."""
    asked: list[str] = []
    monkeypatch.setattr("commentsvc.schema.upgrade", asked.append)
    command("doctor")
    assert not asked


class TestSecret:
    """Another one than before is noticed: nothing that was signed with the former is worth anything."""

    def test_of_another_node(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_SECRET_KEY", "the one phrase that all nodes have")
        with create_app().app_context():
            db.run_in_transaction(secret_mark.remember)
        assert "✓ Secret: set" in command("doctor")[1]
        monkeypatch.setenv("COMMENTSVC_SECRET_KEY", "somebody typed another one on this node")
        assert "✗ Secret: is not the one that the service last started with" in command("doctor")[1]

    def test_a_file_that_others_can_read(
        self, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        file = tmp_path / "secret"
        file.write_text("copper lantern orbit, and seven pickled herons")
        monkeypatch.delenv("COMMENTSVC_SECRET_KEY", raising=False)
        monkeypatch.setenv("COMMENTSVC_SECRET_KEY_FILE", str(file))
        file.chmod(0o644)
        assert f"✗ Secret: other users can read {file}. Run: chmod o= {file}" in command("doctor")[1]
        file.chmod(0o640)
        assert "✓ Secret: set" in command("doctor")[1]

    def test_settings_that_others_can_read(
        self, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        file = tmp_path / "commentsvc.toml"
        file.write_text('secret_key = "copper lantern orbit, and seven pickled herons"\n')
        file.chmod(0o644)
        monkeypatch.delenv("COMMENTSVC_SECRET_KEY", raising=False)
        monkeypatch.setenv("COMMENTSVC_CONFIG", str(file))
        assert f"✗ Secret: other users can read {file}. Run: chmod o= {file}" in command("doctor")[1]

    def test_a_start_with_another_one_is_logged(
        self, command: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for secret, warnings in (("the first phrase that there was", 0), ("the second phrase that there was", 1)):
            monkeypatch.setenv("COMMENTSVC_SECRET_KEY", f"{secret}, long enough")
            for _ in range(2):
                with create_app().app_context():
                    db.run_in_transaction(secret_mark.remember)
            assert len([one for one in caplog.records if "the secret has changed" in one.message]) == warnings


def test_the_folder_of_the_database_is_full(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It need not be the data folder."""
    put_database(tmp_path / "small")
    monkeypatch.setenv("COMMENTSVC_DATABASE_URL", f"sqlite:///{tmp_path}/small/commentsvc.sqlite3")
    left = {tmp_path / "small": 1000}
    monkeypatch.setattr("commentsvc.files.free_space", lambda folder: left.get(folder, 10**12))
    out = command("doctor")[1]
    assert f"✗ Disk: only 0.0 GB free for {tmp_path}/small" in out
    assert f"✗ Database: cannot grow, because the disk that holds {tmp_path}/small is full." in out
    assert "✓ Writing: allowed" in out
    response = create_app().test_client().get("/health")
    assert response.status_code == 503
    assert response.json["reasons"] == ["the disk is almost full"]


class TestWithoutASecret:
    """Asking what is wrong makes none: the service would start with it, and what the former signed is lost."""

    def test_one_that_is_missing(self, command: Command, tmp_path: Path) -> None:
        command("site", "add", "blog", "https://blog.example")
        command("moderator", "add", "ada@blog.example")
        (tmp_path / "data/secret_key").unlink()
        out = command("doctor")[1]
        assert "✗ Secret: " in out
        assert "is missing, but the database needs it. Restore it from a backup" in out
        assert "– Proxy: not checked, because there is no secret yet" in out
        assert not (tmp_path / "data/secret_key").exists()

    @pytest.mark.parametrize("kept", [b"", b"short", b"\0" * 64])
    def test_one_that_is_damaged(self, command: Command, tmp_path: Path, kept: bytes) -> None:
        command("site", "add", "blog", "https://blog.example")
        (tmp_path / "data/secret_key").write_bytes(kept)
        out = command("doctor")[1]
        assert "✗ Secret: " in out
        assert "– Proxy: not checked, because the secret cannot be used" in out

    def test_one_that_is_still_to_be_made(self, command: Command, tmp_path: Path) -> None:
        assert "– Secret: none yet" in command("doctor")[1]
        assert not (tmp_path / "data/secret_key").exists()


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_without_the_service(command: Command, front: Web, status: int) -> None:
    front.page("/health", "<h1>Bad Gateway</h1>", status=status)
    assert f"✗ Address: a proxy answers at {front.url}, but not the service behind it" in command("doctor")[1]


def test_a_redis_that_counts_nothing(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMENTSVC_REDIS_URL", "redis://127.0.0.1:1")
    assert "✗ Limits: Redis is not counting" in command("doctor")[1]


def test_the_database_of_before_a_move(command: Command, tmp_path: Path) -> None:
    """Whoever ended read-only mode there would write to the wrong one."""
    command("read-only", "on", "--why", database_move.WHY)
    out = command("doctor")[1]
    assert "✗ Writing: read-only since a move. If it said “the same as here”, set COMMENTSVC_DATABASE_URL" in out


class TestBackups:
    """Daily backups that cannot work are said before the first is late."""

    def test_a_folder_that_is_full(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_BACKUP_DIR", str(tmp_path / "backups"))
        monkeypatch.setattr("commentsvc.backups.daily.files.free_space", lambda folder: 0)
        assert f"✗ Backups: There is no space left in {tmp_path}/backups." in command("doctor")[1]

    def test_a_folder_that_cannot_be_entered(
        self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As of somebody else, or on a disk that does not answer: a problem of backups alone."""

        def exists(path: Path) -> bool:
            if path.is_relative_to(folder):
                raise PermissionError(13, "Permission denied", str(path))
            return True

        folder = tmp_path / "backups"
        monkeypatch.setenv("COMMENTSVC_BACKUP_DIR", str(folder))
        with create_app().app_context():
            db.begin_write()
            db.session.add(Backup(name="commentsvc-1.backup", ended_at=clock.now(), size=1))
            db.session.commit()
            monkeypatch.setattr(Path, "exists", exists)
            assert daily.is_due()
            assert (status := daily.status())
            assert status.is_late
        monkeypatch.setattr("commentsvc.backups.daily.os.access", lambda *_: False)
        assert f"✗ Backups: {folder} cannot be written to." in command("doctor")[1]

    def test_a_folder_of_somebody_else(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_BACKUP_DIR", str(tmp_path / "backups" / "of" / "blog"))
        monkeypatch.setattr("commentsvc.backups.daily.os.access", lambda place, _: place != tmp_path)
        assert f"✗ Backups: {tmp_path}/backups/of/blog cannot be written to." in command("doctor")[1]
