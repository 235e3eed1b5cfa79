"""``import`` and ``export`` as an operator types them."""

import gzip
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commentsvc.transfer.formats.own_out import OwnWriter
from tests.cli.conftest import Command
from tests.transfer.samples import wp, wxr


@pytest.fixture
def file(command: Command, tmp_path: Path) -> str:
    """An export of WordPress with one comment that cannot be taken, and a blog here."""
    command("site", "add", "blog", "https://old.example")
    path = tmp_path / "export.xml"
    path.write_text(wxr(wp(1, "First!"), wp(2, "Second", parent=1), wp(3, type="note")))
    return str(path)


def test_a_strict_import_is_whole_or_nothing(command: Command, file: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    status, out, err = command("import", "auto", file, "--site", "blog", "--strict", "--report", str(report))
    assert status == 1
    assert "unknown kind of comment: note" in out
    assert "Nothing was imported" in err
    assert json.loads(report.read_text())["left_out"][0]["count"] == 1
    assert "First!" not in command("export", "--site", "blog")[1]
    assert command("import", "auto", file, "--site", "blog")[0] == 0
    assert "First!" in command("export", "--site", "blog")[1]


def test_a_strict_import_of_everything(command: Command, file: str, tmp_path: Path) -> None:
    Path(file).write_text(wxr(wp(1, "First!")))
    assert command("import", "auto", file, "--site", "blog", "--strict")[0] == 0
    assert "First!" in command("export", "--site", "blog")[1]


def test_a_moderators_former_address(command: Command, file: str) -> None:
    command("moderator", "add", "ada@blog.example", "--name", "Ada")
    words = ("import", "auto", file, "--site", "blog", "--mine")
    status, _, err = command(*words, "grace@mail.example=nobody@mail.example")
    assert (status, err.count("\n")) == (1, 1)
    assert command(*words, "grace@mail.example=ada@blog.example")[0] == 0


def test_several_files(command: Command, file: str, tmp_path: Path) -> None:
    command("import", "auto", file, "--site", "blog")
    out = tmp_path / "out.xml.gz"
    words = ("export", "--site", "blog", "--format", "wxr", "--output", str(out), "--split", "1K")
    assert command(*words)[0] == 0
    assert [path.name for path in tmp_path.glob("out*")] == ["out-1.xml.gz"]
    assert b"First!" in gzip.decompress((tmp_path / "out-1.xml.gz").read_bytes())
    assert stat.S_IMODE((tmp_path / "out-1.xml.gz").stat().st_mode) == 0o600, "it may hold addresses"


def test_an_export_that_is_stopped_leaves_no_file_that_looks_whole(
    command: Command, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: OwnWriter) -> str:
        raise KeyboardInterrupt

    command("import", "auto", file, "--site", "blog")
    out = tmp_path / "out.jsonl"
    words = ("export", "--site", "blog", "--output", str(out))
    assert command(*words)[0] == 0
    before = out.read_bytes()
    monkeypatch.setattr(OwnWriter, "foot", stopped)
    assert command(*words)[0] == 1
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out.jsonl"]


def test_an_export_into_a_pipe(command: Command, file: str, tmp_path: Path) -> None:
    command("import", "auto", file, "--site", "blog")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as reader:
        text = reader.submit(pipe.read_text)
        assert command("export", "--site", "blog", "--output", str(pipe))[0] == 0
    assert "First!" in text.result()
    assert pipe.is_fifo()


def test_what_a_format_cannot_hold_is_reported(command: Command, file: str, tmp_path: Path) -> None:
    command("import", "auto", file, "--site", "blog", "--pending-as", "approved")
    out = str(tmp_path / "out.xml")
    Path(file).write_text(wxr(wp(9, "ok")))
    command("import", "auto", file, "--site", "blog")
    _, _, err = command("export", "--site", "blog", "--format", "disqus", "--output", out)
    assert "Not in this file: 1 comments with fewer than three characters" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--split", "10M"), "--split needs --output"),
        (("--split", "much", "--output", "x"), "write it like 10M"),
        (("--articles", __file__), "--articles is for wxr"),
        (("--articles", __file__, "--format", "wxr"), "cannot be read"),
        (("--thread", "nowhere"), "There is no thread nowhere"),
        (("--since", "yesterday"), "does not match"),
    ],
)
def test_what_cannot_be_exported(command: Command, file: str, words: tuple[str, ...], sentence: str) -> None:
    status, _, err = command("export", "--site", "blog", *words)
    assert status in (1, 2)
    assert sentence in err
