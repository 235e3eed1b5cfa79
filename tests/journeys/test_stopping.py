"""Stopping: whenever the signal comes, the server ends soon, and leaves one whole file behind."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from commentsvc.settings import PREFIX
from tests.running import DATABASE, SECRET, Running, put_database
from tests.servers import free_port

SOON = 12  # seconds


def start(folder: Path, *options: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
    settings = {"DATA_DIR": str(folder), "SECRET_KEY": SECRET} | environment
    run = [sys.executable, "-P", "-m", "commentsvc", "serve", "--port", str(free_port()), *options]
    return subprocess.Popen(
        run,
        env=os.environ | {f"{PREFIX}{name}": value for name, value in settings.items()},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("workers", ["1", "4"])
def test_a_signal_ends_it_whenever_it_comes(tmp_path: Path, number: signal.Signals, workers: str) -> None:
    """Also while its workers are being started, which know nothing of signals yet."""
    put_database(tmp_path)
    servers = []
    for tenth in range(5, 20, 4):
        server = start(tmp_path, "--workers", workers)
        servers.append(server)
        wait(tenth / 10)
        server.send_signal(number)
    for server in servers:
        try:
            server.wait(SOON)
        finally:
            kill_all(server)


def test_what_stood_in_the_log_is_in_the_file_afterwards(tmp_path: Path) -> None:
    """People copy the one file."""
    server = Running(tmp_path)
    server.start()
    server.run("site", "add", "blog", "https://blog.example")
    assert server.process
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(SOON)
    log = tmp_path / f"{DATABASE}-wal"
    assert not log.exists() or log.stat().st_size == 0
    (tmp_path / "copy.sqlite3").write_bytes((tmp_path / DATABASE).read_bytes())
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT key FROM site").fetchall() == [("blog",)]


def test_no_module_of_the_working_directory_is_run(tmp_path: Path) -> None:
    folder, data = tmp_path / "somewhere", tmp_path / "data"
    folder.mkdir()
    for name in ("http", "json", "commentsvc", "sqlalchemy", "logging"):
        (folder / f"{name}.py").write_text("from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n")
    server = start(data, cwd=folder)  # migrates in a process of its own besides
    try:
        assert server.stdout
        assert b"commentsvc answers" in server.stdout.readline()
        wait(3)
        server.send_signal(signal.SIGTERM)
        assert server.wait(SOON) == 0
    finally:
        kill_all(server)
    assert list(folder.glob("*.ran")) == []
    assert (data / DATABASE).stat().st_size


def wait(seconds: float) -> None:
    time.sleep(seconds)


def kill_all(server: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.communicate()
