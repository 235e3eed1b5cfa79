"""A private PostgreSQL cluster for the tests: made in a temporary folder, listening on a socket there only."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy.exc import OperationalError

from commentsvc import schema

MISSING = "initdb and postgres were not found (Debian: apt-get install postgresql)"
USER = "tests"


def binaries() -> Path | None:
    """The folder with ``initdb``, or None."""
    known = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    known += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in known if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


class Deadlock(OperationalError):
    """As when PostgreSQL ended this transaction because another one waited for it, too."""

    def __init__(self) -> None:
        super().__init__("", {}, psycopg.errors.DeadlockDetected())


@dataclass
class Cluster:
    """A running cluster; ``sockets`` is the folder its socket lies in."""

    sockets: Path
    user: str | None = None  # who runs it, unless we do
    numbers: Iterator[int] = field(default_factory=itertools.count)
    is_migrated: bool = False

    def new_database(self) -> str:
        """The address of a new database with the schema as the migrations make it: a copy of one that was migrated."""
        if not self.is_migrated:
            schema.upgrade(self._created("migrated"))
            self.is_migrated = True
        return self._created(f"tests{next(self.numbers)}", "--template=migrated")

    def empty_database(self, *options: str) -> str:
        """The address of a new database without tables."""
        return self._created(f"tests{next(self.numbers)}", *options)

    def _created(self, name: str, *options: str) -> str:
        run = [str(_tool("createdb")), "-h", str(self.sockets), "-U", USER, *options, name]
        subprocess.run(run, check=True, capture_output=True)
        return f"postgresql+psycopg://{USER}@/{name}?host={self.sockets}"

    def kill(self) -> None:
        """End it as a power cut does."""
        _run(self.user, [_tool("pg_ctl"), "-D", self.data, "-m", "immediate", "stop"])

    def promote(self) -> None:
        """Let a replica take writes."""
        _run(self.user, [_tool("pg_ctl"), "-D", self.data, "-w", "promote"])

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.sockets / "data"


@contextmanager
def running(_folder: Path, *, is_durable: bool = False) -> Iterator[Cluster]:
    """Start a cluster and stop it afterwards. The server refuses to be root, so root lends it another user.

    Only a durable one waits for the disk.
    """
    with _made() as cluster:
        options = ["-D", cluster.data, "-U", USER, *["-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"]]
        _run(cluster.user, [_tool("initdb"), *options])
        _start(cluster, is_durable=is_durable)
        yield cluster


@contextmanager
def replica(primary: Cluster) -> Iterator[Cluster]:
    """A hot standby; from then on, a commit on the primary waits until it is there, too."""
    with _made() as cluster:
        options = ["-D", cluster.data, "-h", primary.sockets, "-U", USER, "-R", "-X", "stream", "--no-sync"]
        _run(cluster.user, [_tool("pg_basebackup"), *options, "-c", "fast"])
        _start(cluster)
        for statement in ("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"):
            _run(primary.user, [_tool("psql"), "-h", primary.sockets, "-U", USER, "-d", "postgres", "-c", statement])
        yield cluster


@contextmanager
def _made() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path may have 107 bytes
    cluster = Cluster(folder, _unprivileged(folder))
    try:
        yield cluster
    finally:
        with suppress(subprocess.CalledProcessError):  # killed already
            cluster.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _start(cluster: Cluster, *, is_durable: bool = False) -> None:
    listen = f"-c listen_addresses='' -c unix_socket_directories={cluster.sockets}"
    options = f"{listen} -c fsync={'on' if is_durable else 'off'} -c max_connections=200"
    words = [_tool("pg_ctl"), "-D", cluster.data, "-w", "-l", cluster.sockets / "log", "-o", options, "start"]
    _run(cluster.user, words)


def _tool(name: str) -> Path:
    tools = binaries()
    assert tools
    return tools / name


def _unprivileged(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    user = next(name for name in ("postgres", "nobody") if _exists(name))
    shutil.chown(folder, user)
    return user


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _run(user: str | None, words: list[str | Path]) -> None:
    subprocess.run(
        [str(word) for word in words], check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
