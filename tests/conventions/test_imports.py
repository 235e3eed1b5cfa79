"""What is loaded, and when: seconds differ from machine to machine, modules do not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import put_database

# Each is needed by some of what the service does, brings much along, and is loaded where that is done.
ONLY_WHERE_NEEDED = {
    "PIL": "a picture is drawn",
    "numpy": "a picture is drawn or a sound is made",
    "webauthn": "a passkey is made or used",
    "cryptography": "a passkey is made or used",
    "alembic": "the schema is not the newest",
    "mf2py": "a page that mentions us is read",
    "bs4": "a page that mentions us is read",
    "feedparser": "a feed is read",
    "yaml": "comments kept as files are imported",
    "lxml": "other people's HTML is read",
    "bleach": "somebody writes",
    "linkify_it": "somebody writes",
    "email_validator": "somebody gives an address",
    "limits": "something is counted",
    "altcha": "a challenge is shown",
    "zxcvbn": "a password is chosen",
    "apprise": "something is pushed",
    "redis": "there is a Redis",
    "psycopg": "there is a PostgreSQL",
}
OPTIONAL = ("psycopg", "redis")
OF_THE_WEB = {"commentsvc.web", "flask_wtf", "wtforms", "granian"}
REPORT = "import sys; print(*sorted(sys.modules), file=sys.stderr)"
RUN = "import sys; from commentsvc.cli import run; run(sys.argv[1:]); " + REPORT
SERVE = "import time; from commentsvc.app import create_serving_app; create_serving_app(); time.sleep(0.5); " + REPORT


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where a service was set up before."""
    put_database(tmp_path)
    return tmp_path


def loaded(data: Path, program: str, *words: str) -> set[str]:
    """The modules that a process loads."""
    run = [sys.executable, "-c", program, *words]
    environment = os.environ | {"COMMENTSVC_DATA_DIR": str(data)}
    done = subprocess.run(run, env=environment, input="", capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def packages(modules: set[str]) -> set[str]:
    """The packages they belong to, but those of Python itself."""
    return {name.partition(".")[0] for name in modules} - sys.stdlib_module_names


@pytest.mark.parametrize("words", ["--help", "--version", "doctor --help"])
def test_help_needs_nothing_but_click(data: Path, words: str) -> None:
    known = packages(loaded(data, REPORT))  # what this environment loads into every process
    assert packages(loaded(data, RUN, *words.split())) - known == {"click", "commentsvc"}


@pytest.mark.parametrize("words", ["receive", "site list", "moderator list"])
def test_a_command_loads_what_it_needs(data: Path, words: str) -> None:
    modules = loaded(data, RUN, *words.split())
    assert "sqlalchemy" in modules
    assert (modules | packages(modules)) & (ONLY_WHERE_NEEDED.keys() | OF_THE_WEB) == set()


def test_a_server_at_rest_has_loaded_no_library_of_what_nobody_did_yet(data: Path) -> None:
    modules = loaded(data, SERVE)
    assert "commentsvc.web.pages" in modules
    assert packages(modules) & ONLY_WHERE_NEEDED.keys() == set()


def test_without_optional_libraries_every_command_works_on_sqlite(data: Path, tmp_path: Path) -> None:
    """A plain installation has none of them."""
    without = f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL})); {RUN}"
    file, other = tmp_path / "one.backup", tmp_path / "other" / "new.sqlite3"
    for words in (
        ["backup", file],
        ["backup", "--check", file],
        ["restore", "--replace", file],
        ["move", f"sqlite:///{other}"],
        ["doctor"],
        ["upgrade"],
    ):
        loaded(data, without, *map(str, words))
    assert other.exists()
