"""One file of settings, which every command finds; and no command works on a database that nobody made."""

import os
import re
import stat
from pathlib import Path

import pytest

from commentsvc import settings, settings_file
from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Path:
    """A folder in which nothing is, and an environment that says nothing."""
    monkeypatch.delenv("COMMENTSVC_DATA_DIR")
    (tmp_path / "srv").mkdir()
    monkeypatch.chdir(tmp_path / "srv")
    return tmp_path / "srv"


def test_from_a_new_folder_to_a_second_shell(
    command: Command, somewhere: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, out, err = command("init", "--base-url", "https://comments.example")
    assert (status, "commentsvc.toml" in out) == (0, True)
    assert f"The database is {somewhere}/data/commentsvc.sqlite3." in out
    file = somewhere / "commentsvc.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert 'base_url = "https://comments.example"' in file.read_text()
    for name in settings.Settings.model_fields:
        assert f"{name} = " in file.read_text()
    assert 'src="https://comments.example/embed.js"' in command("site", "add", "blog", "https://blog.example")[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMMENTSVC_CONFIG", str(file))
    status, out, err = command("site", "list")
    assert out.startswith("blog: ")
    assert err == f"Database: {somewhere}/data/commentsvc.sqlite3, as {somewhere}/commentsvc.toml says.\n"


def test_doctor_names_the_environment_only_if_it_says_anything(
    command: Command, somewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("init", "--base-url", "https://comments.example")
    for variable in settings.variables(os.environ):
        monkeypatch.delenv(variable)
    said = "and from the environment"
    assert said not in command("doctor")[1]
    monkeypatch.setenv("COMMENTSVC_LOG_FORMAT", "text")
    assert said in command("doctor")[1]


def test_what_it_shows_as_defaults_are_the_defaults(command: Command, somewhere: Path) -> None:
    command("init")
    file = somewhere / "commentsvc.toml"
    written = file.read_text()
    usual = settings.read({})
    file.write_text(re.sub(r"^# (\w+ = )", r"\1", written, flags=re.M))
    assert file.read_text() != written
    assert settings.read({}) == usual


@pytest.mark.parametrize(
    "words", [["site", "list"], ["site", "add", "b", "https://b.example"], ["moderator", "list"], ["doctor"]]
)
def test_in_another_folder_nothing_is_made(command: Command, somewhere: Path, words: list[str]) -> None:
    status, _, err = command(*words)
    assert (status, err.count("\n")) == (1, 1)
    assert f"There is no database at {somewhere}/data/commentsvc.sqlite3." in err
    assert "COMMENTSVC_CONFIG" in err
    assert list(somewhere.iterdir()) == []


def test_the_environment_wins(somewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (somewhere / "commentsvc.toml").write_text('base_url = "https://file.example"\nfetch_allow = ["a:1", "b:2"]\n')
    read = settings.read({"COMMENTSVC_BASE_URL": "https://variable.example"})
    assert read.base_url == "https://variable.example"
    assert read.fetch_allow == {"a:1", "b:2"}
    assert settings.read({}).base_url == "https://file.example"
    assert settings.read({"COMMENTSVC_CONFIG": ""}).base_url == "http://localhost:8000"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('base_url = "nonsense"', "base_url in {file}: must be an http or https address"),
        ("base_url = 5", "base_url in {file}"),
        ('colour = "red"', "colour in {file} is not a setting of commentsvc"),
        ("base_url = ", "{file} is no TOML"),
    ],
)
def test_what_is_wrong_in_it_is_named_with_its_place(
    command: Command, somewhere: Path, said: str, sentence: str
) -> None:
    (somewhere / "commentsvc.toml").write_text(said + "\n")
    status, _, err = command("site", "list")
    assert (status, err.count("\n")) == (1, 1)
    assert sentence.format(file=somewhere / "commentsvc.toml") in err


def test_a_named_file_must_be_there(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMENTSVC_CONFIG", "/nowhere/x.toml")
    assert "COMMENTSVC_CONFIG: there is no file /nowhere/x.toml." in command("site", "list")[2]


@pytest.mark.parametrize("kind", ["folder", "dangling link"])
def test_what_has_its_name_and_is_no_file_stops_everything(command: Command, somewhere: Path, kind: str) -> None:
    """Docker makes a folder of a file that is to be mounted and is missing."""
    if kind == "folder":
        (somewhere / "commentsvc.toml").mkdir()
    else:
        (somewhere / "commentsvc.toml").symlink_to("/nowhere")
    status, _, err = command("site", "list")
    assert (status, err) == (1, "commentsvc.toml is no file. Remove it, or write the settings there.\n")


def test_the_file_of_the_machine_is_found(
    command: Command, somewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one in /etc, from any folder without one of its own."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "commentsvc.toml").write_text(f'data_dir = "{tmp_path}/theirs"\n')
    monkeypatch.setattr(settings_file, "SYSTEM_WIDE", tmp_path / "etc" / "commentsvc.toml")
    assert "There is no database" in command("site", "list")[2]
    assert f"{tmp_path}/theirs" in command("site", "list")[2]


def test_init_overwrites_nothing_and_writes_nothing_wrong(command: Command, somewhere: Path) -> None:
    status, _, err = command("init", "--base-url", "nonsense")
    assert (status, "COMMENTSVC_BASE_URL" in err) == (1, True)
    assert list(somewhere.iterdir()) == []
    (somewhere / "commentsvc.toml").write_text("# mine\n")
    assert "is there already" in command("init")[2]
    assert (somewhere / "commentsvc.toml").read_text() == "# mine\n"
