"""Commands are run in this process, as a start takes its time."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from commentsvc.cli import run
from tests.running import put_database

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run ``commentsvc …`` on an empty folder; exit status, output, errors."""
    put_database(tmp_path / "data")
    monkeypatch.setenv("COMMENTSVC_DATA_DIR", str(tmp_path / "data"))

    def type_(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = run(list(words))
        out, err = capsys.readouterr()
        return status, out, err

    with patch.dict(os.environ):  # in which some commands put what their processes shall find
        yield type_
