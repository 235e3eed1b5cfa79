"""What a command says about a database that it cannot use."""

import os
import pwd
import sqlite3
from pathlib import Path

import pytest

from commentsvc import settings
from commentsvc.cli import failures
from commentsvc.models.ban import Ban
from commentsvc.moderation import bans
from commentsvc.moderation.actions import Operator
from tests.cli.conftest import Command
from tests.postgres import Deadlock


def test_one_that_is_damaged(command: Command, tmp_path: Path) -> None:
    command("site", "add", "blog", "https://blog.example")
    file = tmp_path / "data/commentsvc.sqlite3"
    file.write_bytes(b"not a database " * 1000)
    status, _, err = command("site", "list")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(
        f"The database {file} is damaged (file is not a database). Restore the most recent intact backup"
    )


@pytest.mark.parametrize(("conflicts", "status"), [(1, 0), (2, 1)])
def test_a_command_that_met_a_conflict_is_tried_once_more(
    command: Command, monkeypatch: pytest.MonkeyPatch, conflicts: int, status: int
) -> None:
    left, impose = [Deadlock()] * conflicts, bans.impose

    def with_conflicts(ban: Ban, by: Operator) -> Ban:
        imposed = impose(ban, by)
        if left:
            raise left.pop()
        return imposed

    monkeypatch.setattr("commentsvc.cli.bans.bans.impose", with_conflicts)
    ended, _, err = command("ban", "add", "domain", "casino.example")
    assert ended == status
    assert ("Run the command again." in err) == bool(status)
    assert len(command("ban", "list")[1].splitlines()) == 1 - status


def test_one_of_somebody_else(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a command that was run as root."""
    file = tmp_path / "data/commentsvc.sqlite3"
    settings.use(settings.read(os.environ))
    monkeypatch.setattr("commentsvc.cli.failures.os.access", lambda path, _: path != file)
    monkeypatch.setattr("commentsvc.cli.failures.os.geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    owner = file.owner()
    said = failures.sentence(sqlite3.OperationalError("unable to open database file"))
    assert said == f"The database {file} belongs to {owner}. Run this as {owner}, not as nobody."
