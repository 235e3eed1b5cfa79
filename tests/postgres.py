"""A private PostgreSQL cluster for the tests: made in a temporary folder, listening on a socket there only."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from commentsvc import schema

MISSING = "initdb and postgres were not found (Debian: apt-get install postgresql)"
USER = "tests"


def binaries() -> Path | None:
    """The folder with ``initdb``, or None."""
    known = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    known += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in known if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@dataclass
class Cluster:
    """A running cluster; ``sockets`` is the folder its socket lies in."""

    sockets: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)
    is_migrated: bool = False

    def new_database(self) -> str:
        """The address of a new database with the schema as the migrations make it: a copy of one that was migrated."""
        if not self.is_migrated:
            schema.upgrade(self._created("migrated"))
            self.is_migrated = True
        return self._created(f"tests{next(self.numbers)}", "--template=migrated")

    def empty_database(self) -> str:
        """The address of a new database without tables."""
        return self._created(f"tests{next(self.numbers)}")

    def _created(self, name: str, *options: str) -> str:
        run = [str(binaries() / "createdb"), "-h", str(self.sockets), "-U", USER, *options, name]  # type: ignore[operator]
        subprocess.run(run, check=True, capture_output=True)
        return f"postgresql+psycopg://{USER}@/{name}?host={self.sockets}"


@contextmanager
def running(_folder: Path) -> Iterator[Cluster]:
    """Start a cluster and stop it afterwards. The server refuses to be root, so root lends it another user."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path may have 107 bytes
    data = folder / "data"
    as_user = _unprivileged(folder)
    tools = binaries()
    assert tools
    _run(as_user, [tools / "initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"])
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    _run(as_user, [tools / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"])
    try:
        yield Cluster(folder)
    finally:
        _run(as_user, [tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


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
