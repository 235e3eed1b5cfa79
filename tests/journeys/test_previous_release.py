"""The previous release goes on serving while this one upgrades the database: changes of the schema expand first."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.running import Running

ROOT = Path(__file__).parents[2]
KEY = "2026/11/phone.html"


def git(*argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the last tag; before the first one, what was committed last."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no history here")
    tags = git("tag", "--list", "v*", "--sort=-version:refname").splitlines()
    folder = tmp_path_factory.mktemp("previous")
    archive = folder / "code.tar"
    git("archive", "--output", str(archive), tags[0] if tags else "HEAD")
    subprocess.run(["tar", "-x", "-f", str(archive), "-C", str(folder)], check=True)
    return folder


def post(server: Running, text: str) -> None:
    body = json.dumps({"author": "Bob", "body": text}).encode()
    path = f"{server.url}/api/v1/threads/blog/{KEY}/comments"
    asked = urllib.request.Request(path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 201


def texts(server: Running) -> list[str]:
    with urllib.request.urlopen(f"{server.url}/api/v1/threads/blog/{KEY}", timeout=30) as answer:
        return [one["body_html"] for one in json.load(answer)["comments"]]


@pytest.mark.slow
def test_it_reads_and_writes_in_the_new_schema(tmp_path: Path, previous: Path) -> None:
    old = Running(tmp_path, {"PYTHONPATH": str(previous)}, starts_anew=True)
    assert str(previous) in subprocess.run(
        [sys.executable, "-c", "import commentsvc; print(commentsvc.__file__)"],
        env=os.environ | {"PYTHONPATH": str(previous)}, cwd=tmp_path, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    old.start()
    new = Running(tmp_path)
    try:
        old.run("site", "add", "blog", "https://blog.example", "--captcha", "never", "--moderation", "none")
        post(old, "before")
        new.run("upgrade")
        post(old, "while both are there")
        assert texts(old) == ["<p>before</p>", "<p>while both are there</p>"]
        new.start()
        assert texts(new) == texts(old)
        post(new, "from the new one")
        post(old, "from the old one")
        assert texts(new)[-2:] == ["<p>from the new one</p>", "<p>from the old one</p>"]
    finally:
        old.kill()
        new.kill()
