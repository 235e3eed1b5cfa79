"""What a container build runs, in a fresh Debian: the script installs everything, and the server answers."""

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.all_values]
ROOT = Path(__file__).parents[2]
TIMEOUT = 60  # seconds
MADE_HERE = ("/etc/pip.conf", "/etc/xdg/pip", "/etc/resolv.conf")  # how this machine reaches packages
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # whom it trusts, which Debian's own would replace


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The smallest Debian, with the source in ``/src``, and this machine's way to packages."""
    if os.geteuid() or not shutil.which("mmdebstrap"):
        pytest.skip("only root can make a Debian, with the package mmdebstrap")
    root = tmp_path_factory.mktemp("debian") / "root"
    subprocess.run(["mmdebstrap", "--variant=minbase", "--quiet", "bookworm", str(root)], check=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        target = root / "src" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    for name in MADE_HERE:
        there = root / name.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        if Path(name).is_dir():
            shutil.copytree(name, there, dirs_exist_ok=True)
        elif Path(name).exists():
            with suppress(FileNotFoundError):
                there.unlink()
            shutil.copy(name, there)
    shutil.copy(CERTIFICATES, root / "trusted.crt")
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_the_image_would_serve(debian: Path) -> None:
    trusting = os.environ | dict.fromkeys(("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), "/trusted.crt")
    subprocess.run(["chroot", str(debian), "sh", "/src/packaging/container/install.sh"], check=True, env=trusting)
    shutil.rmtree(debian / "src")  # as the Dockerfile does
    port = free_port()
    command = ["chroot", "--userspec=10001:10001", str(debian), "/opt/commentsvc/bin/commentsvc"]
    environment = {"COMMENTSVC_DATA_DIR": "/data", "COMMENTSVC_BACKUP_DIR": "/backups", "PATH": os.environ["PATH"]}
    with subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, cwd="/") as server:
        try:
            assert b"well" in _answer(f"http://127.0.0.1:{port}/health")
            assert b"comment-thread" in _answer(f"http://127.0.0.1:{port}/embed.js")
        finally:
            server.terminate()
            server.wait(timeout=TIMEOUT)
    assert (debian / "data" / "commentsvc.sqlite3").stat().st_uid == 10001
    backup = [*command, "backup", "/backups/one.backup"]
    subprocess.run(backup, env=environment, check=True, cwd="/")
    assert (debian / "backups" / "one.backup").exists()


def _answer(url: str) -> bytes:
    deadline = time.monotonic() + TIMEOUT
    while True:
        with suppress(OSError), urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return bytes(answer.read())
        assert time.monotonic() < deadline, "it does not answer"
        time.sleep(0.2)
