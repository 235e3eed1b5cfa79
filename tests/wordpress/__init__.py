"""A real WordPress with a real MariaDB, from Debian's packages, unpacked into a folder: nothing is installed."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PHP_EXTENSIONS = ("mysqlnd", "mysqli", "tokenizer", "ctype", "dom", "xml", "simplexml")
PACKAGES = ("mariadb-server-core", "libaio1", "liburing2", "wordpress")
PHP_PACKAGES = ("cli", "common", "mysql", "xml")
SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
TIMEOUT = 120  # seconds


@dataclass
class WordPress:
    """A blog at https://old.example, without a web server; its scripts are in this folder."""

    root: Path  # where the packages are unpacked
    files: Path
    socket: Path

    def run(self, script: str, **environment: str) -> bytes:
        """Run a script of ours within WordPress; what it prints."""
        php = next(self.root.glob("usr/bin/php8.*"))
        extensions = next(self.root.glob("usr/lib/php/20*"))
        options = [f"extension_dir={extensions}", *(f"extension={name}" for name in PHP_EXTENSIONS)]
        options += ["display_errors=stderr", "memory_limit=256M", "date.timezone=UTC"]
        given = [part for option in options for part in ("-d", option)]
        ran = subprocess.run(
            [php, "-n", *given, HERE / script],
            env=self._environment() | environment,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr.decode()
        return ran.stdout

    def _environment(self) -> dict[str, str]:
        return libraries(self.root) | {"WP": str(self.files), "WP_SOCKET": str(self.socket)}


def libraries(root: Path) -> dict[str, str]:
    """The environment in which programs find the libraries that were unpacked with them."""
    return os.environ | {"LD_LIBRARY_PATH": str(next(root.glob("usr/lib/*-linux-gnu")))}


@contextmanager
def running(folder: Path) -> Iterator[WordPress]:
    """A new blog, and its database as long as it is used. Skips where Debian's packages are out of reach."""
    root, data, run = folder / "root", folder / "data", folder / "run"
    for one in (root, data, run):
        one.mkdir()
    _unpack(folder, root)
    server = [*_mariadb(root, data, run)]
    system_tables = "".join((root / "usr/share/mysql" / name).read_text() for name in SYSTEM_TABLES)
    made = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n" + system_tables
    log = (run / "log").open("wb")
    environment = libraries(root)
    subprocess.run(
        [*server, "--bootstrap"], input=made.encode(), env=environment, stderr=log, timeout=TIMEOUT, check=True
    )
    socket = run / "s"
    options = ["--skip-grant-tables", f"--socket={socket}", "--character-set-server=utf8mb4"]
    process = subprocess.Popen([*server, *options], env=environment, stdout=log, stderr=log)
    try:
        _wait_for(socket, process)
        files = folder / "wordpress"
        shutil.copytree(root / "usr/share/wordpress", files, symlinks=True)
        (files / "wp-config.php").unlink()
        shutil.copy(HERE / "wp-config.php", files)
        blog = WordPress(root, files, socket)
        blog.run("install.php")
        yield blog
    finally:
        process.terminate()
        process.wait(TIMEOUT)
        log.close()


def _unpack(folder: Path, root: Path) -> None:
    """Download packages and unpack them; what they are made of stays out of the system."""
    if not shutil.which("apt-get"):
        pytest.skip("WordPress is taken from Debian's packages")
    version = _newest_php()
    names = [*PACKAGES, *(f"php{version}-{name}" for name in PHP_PACKAGES)]
    download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *names]
    got = subprocess.run(download, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if got.returncode:
        pytest.skip(f"Debian's packages are out of reach: {got.stderr.strip()[:200]}")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, root], timeout=TIMEOUT, check=True)


def _newest_php() -> str:
    listed = subprocess.run(["apt-cache", "depends", "php-cli"], capture_output=True, text=True, check=False).stdout
    found = [line.partition("php")[2].removesuffix("-cli") for line in listed.splitlines() if "Depends: php" in line]
    if not found:
        pytest.skip("PHP is not among Debian's packages")
    return found[0]


def _mariadb(root: Path, data: Path, run: Path) -> Iterator[str]:
    share = root / "usr/share/mysql"
    yield from (str(root / "usr/sbin/mariadbd"), "--no-defaults", "--skip-networking", "--skip-log-bin")
    if os.geteuid() == 0:  # which it refuses to run as
        for folder in (data, run):
            shutil.chown(folder, "nobody")
        yield "--user=nobody"
    yield from (f"--datadir={data}", f"--tmpdir={run}", f"--lc-messages-dir={share}")
    yield from (f"--character-sets-dir={share}/charsets", f"--plugin-dir={root}/usr/lib/mysql/plugin")
    yield from ("--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0")


def _wait_for(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not socket.exists():
        assert process.poll() is None, "MariaDB ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)
