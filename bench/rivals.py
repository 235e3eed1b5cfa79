"""Whom we are measured beside: nginx with the same bytes, and Isso from PyPI in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import free_port

ISSO = "isso==0.14.0"
TIMEOUT = 60  # seconds until a server must answer

NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; gzip_static on; default_type text/html; open_file_cache max=100;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""
ISSO_SETTINGS = """
[general]
dbpath = {folder}/comments.db
host = http://blog.example
[server]
listen = http://127.0.0.1:{port}
[guard]
enabled = false
"""


@contextmanager
def nginx(folder: Path, plain: bytes, packed: bytes) -> Iterator[str]:
    """An nginx that has the answer as a file, packed beside it; its address."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    port, pages = free_port(), folder / "www"
    pages.mkdir(parents=True)
    (pages / "thread.html").write_bytes(plain)
    (pages / "thread.html.gz").write_bytes(packed)
    for one in (*folder.parents, folder, pages):
        if one.stat().st_uid == os.getuid() and one.is_relative_to("/tmp"):  # noqa: S108 - its worker is another user
            one.chmod(0o755)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    with _process([program, "-c", str(folder / "nginx.conf")], folder, f"http://127.0.0.1:{port}/thread.html") as url:
        yield url


def install_isso(folder: Path) -> Path:
    """An environment with Isso in it."""
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv/bin/pip", "install", "--quiet", ISSO, "gunicorn"], check=True)
    return folder / "venv"


@contextmanager
def isso(folder: Path, bodies: list[str], *, workers: int = 4, installed: Path | None = None) -> Iterator[str]:
    """An Isso behind gunicorn, by default with as many workers as its documents recommend, and a thread ``/a``.

    Its address.
    """
    programs = (installed or install_isso(folder)) / "bin"
    folder.mkdir(exist_ok=True)
    port = free_port()
    (folder / "isso.cfg").write_text(ISSO_SETTINGS.format(folder=folder, port=port))
    argv = [programs / "gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(workers), "--preload", "isso.run"]
    settings = {"ISSO_SETTINGS": str(folder / "isso.cfg")}
    with _process([str(word) for word in argv], folder, f"http://127.0.0.1:{port}/latest", settings) as url:
        root = url.removesuffix("/latest")
        for number, body in enumerate(bodies):
            post(f"{root}/new?uri=%2Fa", {"text": body, "author": f"Writer {number}", "title": "A"})
        yield root


@contextmanager
def _process(argv: list[str], folder: Path, url: str, settings: dict[str, str] | None = None) -> Iterator[str]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=os.environ | (settings or {}))
    try:
        deadline = time.monotonic() + TIMEOUT
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit((folder / "log").read_text())
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def post(url: str, content: dict[str, str]) -> None:
    """Send JSON and wait until it was taken."""
    body = json.dumps(content).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})) as answer:
        answer.read()
