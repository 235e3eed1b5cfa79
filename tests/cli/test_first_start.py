"""The first start: the server prints where its owner names themselves, until there is one."""

from pathlib import Path

import pytest

from commentsvc.app import create_app
from commentsvc.settings import Settings, WrongSetting
from tests.running import Running
from tests.visitors import Visitor


def test_the_link_is_printed_while_nobody_can_sign_in(tmp_path: Path, time: object) -> None:
    server = Running(tmp_path, starts_anew=True)
    server.run("upgrade")
    server.run("site", "add", "blog", "https://blog.example")
    log = tmp_path / "server.log"
    try:
        server.start()
        assert f"{server.url}/admin/set-up/" in log.read_text()
        server.kill()
        server.run("moderator", "add", "ada@blog.example")
        log.write_text("")
        server.start()
        assert "set-up" not in log.read_text()
    finally:
        server.kill()


def test_no_new_secret_is_made_where_comments_need_the_old_one(bob: Visitor, tmp_path: Path, database_url: str) -> None:
    """Moved to another machine without the file: their writers could not edit them, and bans would not hold."""
    bob.comment()
    with pytest.raises(WrongSetting, match=r"secret_key is missing.*Put it back from a backup"):
        create_app(Settings(data_dir=tmp_path, database_url=database_url))
    assert not (tmp_path / "secret_key").exists()
