"""A checked backup each day, without anybody asking; and everybody who should know says how old the last one is."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc import i18n, settings
from commentsvc.backups import daily, making
from commentsvc.backups.archive import BackupFailed
from commentsvc.cli import checks
from commentsvc.db import db
from commentsvc.linkbacks.page_check import CheckFailed, OptionalMissing
from commentsvc.models import Backup
from commentsvc.settings import Settings
from tests.jobs import run_job
from tests.time import FrozenClock
from tests.visitors import Visitor

CHECK = dict(checks.CHECKS)["Backups"]
BANNER = "The last daily backup"


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """Where backups go; it does not exist so far."""
    there = tmp_path / "backups"
    settings.use(Settings(**settings.current().model_dump() | {"backup_dir": str(there), "backup_keep": 3}))
    yield there
    assert not list(there.glob(".*")), "nothing half is left"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_none_without_a_folder(app: Flask) -> None:
    run_job("back up")
    assert db.session.scalars(select(Backup)).all() == []
    assert daily.status() is None


def test_one_from_a_clock_that_was_ahead_does_not_count(folder: Path, time: FrozenClock) -> None:
    """It would put off all others for as long as the clock was ahead, and every check would say well."""
    time.pass_(days=365)
    run_job("back up")
    time.pass_(days=-365)
    run_job("back up")
    assert len(names(folder)) == 2
    time.pass_(hours=2)
    assert "2 hours old" in str(CHECK())


def test_one_a_day_and_the_oldest_go(folder: Path, time: FrozenClock) -> None:
    for _ in range(5):
        run_job("back up")
        run_job("back up")
        time.pass_(hours=25)
    assert len(names(folder)) == 3
    assert all(making.check(folder / name) for name in names(folder))
    db.session.rollback()
    newest = Backup.last_good()
    assert newest
    assert newest.name == names(folder)[-1]
    assert newest.size == (folder / newest.name).stat().st_size


def test_only_one_node_does_it(folder: Path) -> None:
    db.begin_write()
    assert daily.claim()
    db.session.commit()
    run_job("back up")
    assert not folder.exists()


def test_one_whose_file_is_gone_is_missed_and_made_again(folder: Path) -> None:
    """With PostgreSQL, several nodes may each have a folder of their own."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("about SQLite")
    run_job("back up")
    (folder / names(folder)[0]).unlink()
    status = daily.status()
    assert status
    assert status.is_late
    assert "is no longer in" in i18n.stored_reason(status.problem)
    run_job("back up")
    assert len(names(folder)) == 1
    status = daily.status()
    assert status
    assert not status.is_late


def test_nobody_who_makes_any_is_noticed(folder: Path, time: FrozenClock) -> None:
    """Perhaps no worker runs; the blog is there for longer than a backup may take."""
    time.pass_(hours=48)
    status = daily.status()
    assert status
    assert status.is_late


def test_old_ones_stay_while_new_ones_fail(folder: Path, time: FrozenClock) -> None:
    run_job("back up")
    good = names(folder)
    with patch.object(making, "check", side_effect=BackupFailed("damaged")):
        for _ in range(4):
            time.pass_(hours=25)
            run_job("back up")
    assert names(folder) == good, "no damaged one stays, and no good one goes"
    status = daily.status()
    assert status
    assert status.problem == "damaged"
    assert status.is_late
    time.pass_(hours=2)
    run_job("back up")
    status = daily.status()
    assert status
    assert not status.problem
    assert not status.is_late


def test_what_others_keep_there_stays(folder: Path, time: FrozenClock) -> None:
    folder.mkdir()
    others = [
        ".restic-backup-password",
        ".backup-password",
        "commentsvc-2020-beforeT.backup",
        "commentsvc-20200101T000000.backup",
    ]
    for name in others:
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    left = folder / f"{making.PREFIX}abcd1234"
    left.touch()
    os.utime(left, (0, 0))
    for _ in range(5):
        run_job("back up")
        time.pass_(hours=25)
    assert set(others) <= {path.name for path in folder.iterdir()}
    assert not left.exists()
    for name in others:
        (folder / name).unlink()


def test_any_failure_is_stored(folder: Path) -> None:
    with patch.object(making, "make", side_effect=ZeroDivisionError("unforeseen")):
        run_job("back up")
    status = daily.status()
    assert status
    assert status.problem == "unforeseen"


def test_a_long_one_is_not_begun_twice(folder: Path, time: FrozenClock) -> None:
    db.begin_write()
    assert daily.claim()
    db.session.commit()
    time.pass_(hours=2)
    assert not daily.is_due()
    time.pass_(hours=5)
    assert daily.is_due()


def test_a_folder_that_cannot_be_written_to(folder: Path) -> None:
    folder.write_text("a file")
    run_job("back up")
    status = daily.status()
    assert status
    assert "File exists" in status.problem
    folder.unlink()
    folder.mkdir()


def test_owners_see_a_banner_when_it_is_late(folder: Path, ada: Visitor, time: FrozenClock) -> None:
    run_job("back up")
    for _ in range(4):
        assert BANNER not in ada.client.get("/admin/queue").text
        time.pass_(hours=10)
    assert BANNER in ada.client.get("/admin/queue").text


def test_owners_see_a_banner_when_there_never_was_one(folder: Path, ada: Visitor, time: FrozenClock) -> None:
    with patch.object(making, "make", side_effect=BackupFailed("pg_dump is missing.")):
        for _ in range(4):
            run_job("back up")
            time.pass_(hours=10)
            page = ada.client.get("/admin/queue").text
    assert "No daily backup has been made yet." in page
    assert "pg_dump is missing." in page


def test_metrics_say_how_old_it_is(folder: Path, client: FlaskClient, time: FrozenClock) -> None:
    client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    assert "commentsvc_backup_age_seconds" not in client.get("/metrics").text
    run_job("back up")
    time.pass_(minutes=5)
    assert "commentsvc_backup_age_seconds 300" in client.get("/metrics").text


def test_doctor_says_how_old_it_is(folder: Path, time: FrozenClock) -> None:
    run_job("back up")
    time.pass_(hours=2)
    assert "2 hours" in str(CHECK())
    time.pass_(hours=48)
    with pytest.raises(CheckFailed) as failure:
        CHECK()
    assert "50 hours" in i18n.reason(failure.value.reason)


def test_doctor_recommends_it(app: Flask) -> None:
    with pytest.raises(OptionalMissing):
        CHECK()
