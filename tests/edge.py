"""nginx as ``packaging/`` configures it, in front of servers of the tests."""

import getpass
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.running import Running
from tests.servers import free_port, program

CONFIGURATION = Path(__file__).parents[1] / "packaging" / "nginx" / "commentsvc.conf"
TIMEOUT = 20  # seconds
AROUND = """
user {user}; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format outcome "$upstream_cache_status"; access_log {folder}/access.log outcome buffer=1m; default_type text/html;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/commentsvc.conf;
}}
"""


@contextmanager
def nginx(folder: Path, nodes: Sequence[Running]) -> Iterator[str]:
    """Its address; ``access.log`` in the folder says afterwards what the cache did with each request."""
    port = free_port()
    text = CONFIGURATION.read_text().replace("/var/lib/nginx/commentsvc", str(folder / "cache"))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("listen [::]:80;", "")
    servers = [f"server 127.0.0.1:{node.port} fail_timeout=2s;" for node in nodes]
    (folder / "commentsvc.conf").write_text(text.replace("server 127.0.0.1:8000;", " ".join(servers)))
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=getpass.getuser()))
    with subprocess.Popen([program("nginx"), "-c", folder / "nginx.conf", "-e", folder / "error.log"]) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=TIMEOUT).close()
        except urllib.error.HTTPError:  # somebody answers
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("nginx does not answer")
