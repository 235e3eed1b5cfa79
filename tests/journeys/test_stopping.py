"""Stopping: whenever the signal comes, the server ends soon, and leaves one whole file behind."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from commentsvc.server import STOP_TIMEOUT
from commentsvc.settings import PREFIX
from tests.running import DATABASE, SECRET, Running, put_database
from tests.servers import free_port, rude_mail_server
from tests.transfer.samples import disqus, post

SOON = 12  # seconds
ROOT = Path(__file__).parents[2]


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


def is_running(number: int) -> bool:
    """Whether a process goes on; who is dead may stay in the list where nobody asks for the last words."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


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
            assert number != signal.SIGTERM or server.returncode == 0  # to be told to end is no failure
        finally:
            kill_all(server)


def test_ctrl_c_ends_it_soon(tmp_path: Path) -> None:
    """A terminal sends the signal to every process in the foreground; workers must not be told twice."""
    for number in range(5):
        server = Running(tmp_path / str(number))
        server.start("--workers", "2")
        assert server.process
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(STOP_TIMEOUT / 2) == 0


def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    for number in range(4):
        server = Running(tmp_path / str(number))
        server.start()
        assert server.process
        server.process.send_signal(signal.SIGTERM)
        wait((number + 1) / 40)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SOON) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_command_that_is_ended_leaves_one_whole_file(tmp_path: Path, number: signal.Signals) -> None:
    """As Ctrl+C does: by a service manager, or when the connection to the machine is lost."""
    server = Running(tmp_path)
    server.run("site", "add", "blog", "https://blog.example")
    file = tmp_path / "export.xml"
    file.write_text(disqus(*map(post, range(4000))))
    run = [sys.executable, "-P", "-m", "commentsvc", "import", "auto", str(file), "--site", "blog"]
    command = subprocess.Popen(run, env=server.settings, stderr=subprocess.PIPE)
    log = tmp_path / "commentsvc.sqlite3-wal"
    while not log.exists() or log.stat().st_size < 200_000:  # bytes, so it writes comments
        assert command.poll() is None
        wait(0.01)
    command.send_signal(number)
    assert b"Stopped." in command.communicate(timeout=SOON)[1]
    assert command.returncode == 1
    assert not list(tmp_path.rglob("*-wal"))


def test_a_worker_with_another_secret_says_so(tmp_path: Path) -> None:
    server = Running(tmp_path)
    server.start()
    server.kill(signal.SIGTERM)
    run = [sys.executable, "-P", "-m", "commentsvc", "work"]
    other = {f"{PREFIX}SECRET_KEY": "copper lantern orbit, and seven pickled herons"}
    worker = subprocess.Popen(run, env=server.settings | other, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert worker.stdout
    assert b"Working" in worker.stdout.readline()
    worker.send_signal(signal.SIGTERM)
    assert b"the secret has changed" in worker.communicate(timeout=SOON)[1]


def test_a_worker_ignores_tools_that_rotate_logs(tmp_path: Path) -> None:
    server = Running(tmp_path)
    run = [sys.executable, "-P", "-m", "commentsvc", "work"]
    worker = subprocess.Popen(run, env=server.settings, stdout=subprocess.PIPE)
    assert worker.stdout
    assert b"Working" in worker.stdout.readline()
    worker.send_signal(signal.SIGUSR1)
    wait(0.5)
    assert worker.poll() is None
    worker.send_signal(signal.SIGQUIT)
    worker.communicate(timeout=SOON)
    assert worker.returncode == 0


def test_the_demo_ends_with_its_terminal(tmp_path: Path) -> None:
    ports = [str(free_port()) for _ in range(3)]
    options = [word for pair in zip(("--port", "--blog-port", "--neighbour-port"), ports, strict=True) for word in pair]
    run = [sys.executable, "-P", "-m", "commentsvc", "demo", *options]
    data = {f"{PREFIX}DATA_DIR": str(tmp_path / "data")}
    demo = subprocess.Popen(run, env=os.environ | data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert demo.stdout
    while b"Stop with Ctrl+C" not in demo.stdout.readline():
        assert demo.poll() is None
    wait(3)
    demo.send_signal(signal.SIGHUP)
    demo.communicate(timeout=SOON)
    assert demo.returncode == 0


def test_it_ends_while_it_reloads(tmp_path: Path) -> None:
    """Old and new workers end, and the file is whole."""
    server = Running(tmp_path)
    server.start("--workers", "2")
    assert server.process
    server.reload()
    wait(2)
    workers = server.workers()
    assert len(workers) == 3
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(STOP_TIMEOUT / 2) == 0
    assert not any(map(is_running, workers))
    assert not list(tmp_path.rglob("*-wal"))


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """Also if it is killed: they would go on to answer beside the next service, with its jobs done twice."""
    server = Running(tmp_path)
    server.start("--workers", "2")
    left = server.workers()
    assert len(left) == 2
    assert server.process
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(SOON)
    deadline = time.monotonic() + SOON
    while any(map(is_running, left)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_any_wsgi_server_may_serve_it(tmp_path: Path) -> None:
    port = free_port()
    run = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "wsgi:app"]
    environment = os.environ | {f"{PREFIX}DATA_DIR": str(tmp_path), f"{PREFIX}SECRET_KEY": SECRET}
    server = subprocess.Popen(run, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 2 * SOON
        while True:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                assert answer.status == 200
                break
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < deadline
            wait(0.1)
        server.terminate()
        assert server.wait(SOON) == 0
    finally:
        server.kill()
        server.communicate()


def test_a_mistake_in_the_settings_stops_no_service_that_runs(tmp_path: Path) -> None:
    """New workers could not start, and the old ones would be gone."""
    file = tmp_path / "commentsvc.toml"
    file.write_text(f'data_dir = "{tmp_path}/data"\nsecret_key = "{SECRET}"\n')
    (tmp_path / "data").mkdir()
    server = Running(tmp_path / "data", {f"{PREFIX}CONFIG": str(file)})
    server.start()
    try:
        before = server.workers()
        file.write_text(file.read_text() + 'mail_ulr = "smtp://mail.example"\n')
        server.reload()
        time.sleep(2)
        assert server.workers() == before
        with urlopen(f"{server.url}/health", timeout=SOON) as answer:
            assert answer.status == 200
        assert "Not reloaded, the service goes on as it was: mail_ulr in" in (server.folder / "server.log").read_text()
    finally:
        server.kill()


def test_what_stood_in_the_log_is_in_the_file_afterwards(tmp_path: Path) -> None:
    """People copy the one file."""
    server = Running(tmp_path)
    server.run("site", "add", "blog", "https://blog.example", "--moderation", "none", "--captcha", "never")
    server.start()
    body = json.dumps({"author": "Bob", "body": "in the log"}).encode()
    address = f"{server.url}/api/v1/threads/blog/x/comments"
    with urlopen(Request(address, body, {"Content-Type": "application/json"})) as answer:
        assert answer.status == 201
    assert server.process
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(SOON)
    log = tmp_path / f"{DATABASE}-wal"
    assert not log.exists() or log.stat().st_size == 0
    (tmp_path / "copy.sqlite3").write_bytes((tmp_path / DATABASE).read_bytes())
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT body FROM comment").fetchall() == [("in the log",)]


def test_what_is_not_done_is_left_to_others_at_once(tmp_path: Path) -> None:
    """A mail server keeps the worker waiting; whoever comes next need not wait for the lease to end."""
    with rude_mail_server() as rude:
        rude.answers["MAIL"] = "hang 60"
        server = Running(tmp_path, {f"{PREFIX}MAIL_URL": rude.url})
        server.run("site", "add", "blog", "https://blog.example", "--captcha", "never", "--moderation", "none")
        server.start()
        body = json.dumps({"author": "Bob", "body": "Hello", "email": "bob@mail.example", "notify": True}).encode()
        address = f"{server.url}/api/v1/threads/blog/x/comments"
        urlopen(Request(address, body, {"Content-Type": "application/json"})).close()
        deadline = time.monotonic() + SOON
        while not any(leases(tmp_path)):
            assert time.monotonic() < deadline, "no worker took the email"
            time.sleep(0.1)
        assert server.process
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(SOON)
    assert leases(tmp_path) == [None]


def leases(folder: Path) -> list[str | None]:
    """Until when each email that waits is somebody's."""
    with closing(sqlite3.connect(folder / DATABASE)) as file:
        return [until for (until,) in file.execute("SELECT leased_until FROM email WHERE state = 'queued'")]


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
        server.kill()  # its workers end with it
    server.communicate()
