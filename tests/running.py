"""The real server as a process of its own, with real mail and a real blog beside it."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from commentsvc import cli, clock, schema, settings
from commentsvc.settings import PREFIX, Settings
from tests.servers import free_port

SECRET = "only the tests know this text, 0123456789"
TIMEOUT = 30  # seconds until a server must answer
DATABASE = "commentsvc.sqlite3"


@cache
def _migrated() -> bytes:
    """A database with the schema as the migrations make it, which take their time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / DATABASE
        schema.upgrade(f"sqlite:///{file}")
        return file.read_bytes()


def put_database(folder: Path) -> None:
    """Put a migrated, empty database where a service looks for its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATABASE).write_bytes(_migrated())


def limit_files(size: int) -> None:
    """Let this process write no file of more than ``size`` bytes: what a full disk is to a program."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@dataclass
class Running:
    """A ``commentsvc serve``; ``environment`` holds its settings, ``url`` its address.

    Its database is there and migrated, unless it ``starts_anew``.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    starts_anew: bool = False
    path: str = ""  # below which it answers

    def __post_init__(self) -> None:
        if not self.starts_anew and not (self.folder / DATABASE).exists():
            put_database(self.folder)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://localhost:{self.port}{self.path}"

    @property
    def settings(self) -> dict[str, str]:
        """Its environment."""
        return os.environ | {
            f"{PREFIX}DATA_DIR": str(self.folder),
            f"{PREFIX}SECRET_KEY": SECRET,
            f"{PREFIX}BASE_URL": self.url,
            **self.environment,
        }

    def know_its_secret(self) -> None:
        """Let this test process derive what pictures show and what links hold."""
        settings.use(Settings(data_dir=self.folder, secret_key=SECRET, base_url=self.url))

    def run(self, *words: str, stdin: str = "") -> str:
        """Run a command on its data, in this process, as a start takes its time; its output."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.settings.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            with clock.override(lambda: datetime.now(UTC)):  # as its server has it
                status = cli.run([*words])
        assert status == 0, err.getvalue()
        return out.getvalue()

    @property
    def command(self) -> list[str]:
        """What is run to start it."""
        return ["commentsvc", "serve", "--port", str(self.port)]

    def start(self, *options: str, largest_file: int | None = None, before: Callable[[], None] = lambda: None) -> None:
        """Start it, in a process group of its own, and wait until it answers; ``before`` runs in the new process."""

        def limit() -> None:
            before()
            if largest_file is not None:
                limit_files(largest_file)

        run = [sys.executable, "-m", *self.command, *options]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                run, env=self.settings, stdout=log, stderr=log, process_group=0, preexec_fn=limit
            )
        deadline = time.monotonic() + TIMEOUT
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def texts(self, key: str) -> list[str]:
        """All comments of a thread of the blog, page after page."""
        found: list[str] = []
        page, pages = 1, 1
        while page <= pages:
            address = f"{self.url}/api/v1/threads/blog/{key}?page={page}"
            with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
                thread = json.load(answer)
            found += [comment["body"] for comment in thread["comments"]]
            page, pages = page + 1, thread["pages"]
        return found

    def reload(self) -> None:
        """Let new workers take over."""
        assert self.process
        self.process.send_signal(signal.SIGHUP)

    def workers(self) -> list[int]:
        """The processes that answer."""
        assert self.process
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(number) for task in tasks for number in task.read_text().split()]

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the server and its workers, which have process groups of their own."""
        if self.process is not None:
            for one in [*self.workers(), self.process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(one, number)
            self.process.wait(timeout=20)
            self.process = None


@contextmanager
def running(folder: Path, *options: str, **environment: str) -> Iterator[Running]:
    """A server, started and stopped."""
    server = Running(folder, {f"{PREFIX}{name}": value for name, value in environment.items()})
    server.start(*options)
    try:
        yield server
    finally:
        server.kill()
