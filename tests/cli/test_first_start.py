"""The first start: the server prints where its owner names themselves, until there is one."""

from pathlib import Path

import pytest
from sqlalchemy import delete

from commentsvc.app import create_app
from commentsvc.db import db
from commentsvc.models import Comment
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
    with pytest.raises(WrongSetting, match=r"secret_key is missing.*Restore it from a backup"):
        create_app(Settings(data_dir=tmp_path, database_url=database_url))
    assert not (tmp_path / "secret_key").exists()


def test_none_is_made_where_somebody_asked_for_emails(subscribed: int, tmp_path: Path, database_url: str) -> None:
    """Their links to unsubscribe would end."""
    db.begin_write()
    db.session.execute(delete(Comment))
    db.session.commit()
    with pytest.raises(WrongSetting, match="secret_key is missing"):
        create_app(Settings(data_dir=tmp_path, database_url=database_url))


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody:x@127.0.0.1:9/x", "sqlite:///{folder}/bad.sqlite3"], ids=["away", "bad"]
)
def test_a_database_that_cannot_be_asked_is_not_an_empty_one(tmp_path: Path, url: str) -> None:
    (tmp_path / "bad.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(WrongSetting, match="does not say whether it needs it"):
        create_app(Settings(data_dir=tmp_path, database_url=url.format(folder=tmp_path)))
    assert not (tmp_path / "secret_key").exists()
