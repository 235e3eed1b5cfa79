"""Files of the service, made by whoever runs a command: the service can use them."""

import os
import pwd
from pathlib import Path

import pytest

from commentsvc import files

IS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
NOBODY = pwd.getpwnam("nobody")


@IS_ROOT
@pytest.mark.parametrize(
    "make", [lambda path: files.write(path, b"x"), lambda path: files.write_once(path, b"x"), files.create]
)
def test_what_root_makes_in_somebodys_folder_is_theirs(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    os.chown(tmp_path, NOBODY.pw_uid, NOBODY.pw_gid)
    make(tmp_path / "new")
    made = (tmp_path / "new").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (NOBODY.pw_uid, NOBODY.pw_gid, 0o600)


@IS_ROOT
def test_what_is_there_keeps_its_owner(tmp_path: Path) -> None:
    """A link that somebody put there must not give them another's file."""
    (tmp_path / "theirs").write_text("something")
    folder = tmp_path / "folder"
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    (folder / "new").symlink_to(tmp_path / "theirs")
    with pytest.raises(FileExistsError):
        files.create(folder / "new")
    assert (tmp_path / "theirs").stat().st_uid == 0


def test_a_file_system_without_inodes_left_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = os.statvfs(tmp_path)
    assert files.free_space(tmp_path) > 0
    left = os.statvfs_result([*there[:5], 100, 0, 0, *there[8:]])
    monkeypatch.setattr(os, "statvfs", lambda _: left)
    assert files.free_space(tmp_path) == 0
