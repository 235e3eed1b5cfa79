"""Each file in ``packaging/`` is checked by the program that reads it."""

import ctypes
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from flask.testing import FlaskClient

from tests.cast import BOB
from tests.running import Running, running
from tests.servers import program
from tests.visitors import Visitor

PACKAGING = Path(__file__).parents[2] / "packaging"
UNITS = sorted(path.name for path in (PACKAGING / "systemd").glob("*.service"))
MAX_EXPOSURE = 2.0
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1  # prctl(2), Linux 6.3; what MemoryDenyWriteExecute= asks for
METRIC = re.compile(r"commentsvc_[a-z_]+")
SUFFIXES = ("_bucket", "_sum", "_count")


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_may_do_little(unit: str) -> None:
    said = run(program("systemd-analyze"), "security", "--offline=true", "--no-pager", PACKAGING / "systemd" / unit)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure
    assert float(exposure[1]) <= MAX_EXPOSURE


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    for path in (PACKAGING / "systemd").glob("commentsvc*"):
        if path.suffix in (".service", ".timer"):
            text = path.read_text().replace("/opt/commentsvc/bin/commentsvc", "/bin/true")
            (tmp_path / path.name).write_text(re.sub(r"(After|Wants)=.*\n", "", text))
    said = run(program("systemd-analyze"), "verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert not [line for line in said.splitlines() if "Unknown" in line or "Failed to parse" in line]


def test_it_runs_without_memory_that_is_written_and_executed(tmp_path: Path) -> None:
    """As ``MemoryDenyWriteExecute`` has it: pictures, passwords, markup and the server itself need none."""
    libc = ctypes.CDLL(None)

    def deny() -> None:
        assert libc.prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0, "this kernel is older than 6.3"

    server = Running(tmp_path)
    server.run("site", "add", "blog", "https://blog.example")
    server.run("moderator", "add", "ada@blog.example", "--name", "Ada")
    server.start(before=deny)
    try:
        page = urlopen(f"{server.url}/t/blog/x").read().decode()
        picture = re.search(r'/captcha/[^"]+\.png', page)
        assert picture
        assert urlopen(f"{server.url}{picture[0]}").read().startswith(b"\x89PNG")
        assert b"comment-thread" in urlopen(f"{server.url}/embed.js").read()
    finally:
        server.kill()


def test_caddy_reads_its_file(tmp_path: Path) -> None:
    run(program("caddy"), "validate", "--adapter", "caddyfile", "--config", PACKAGING / "caddy" / "Caddyfile")


def test_alerts_ring_when_they_should() -> None:
    folder = PACKAGING / "prometheus"
    run(program("promtool"), "check", "rules", folder / "alerts.yaml")
    run(program("promtool"), "test", "rules", folder / "alerts_test.yaml")


@pytest.fixture
def names(client: FlaskClient, bob: Visitor, tmp_path: Path, set_up: Callable[..., None]) -> set[str]:
    """The names of all figures."""
    set_up(backup_dir=str(tmp_path))
    bob.comment(BOB, email=BOB.email)
    bob.client.get("/nowhere")
    said = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    return set(re.findall(r"# TYPE (\w+)", said)) | {"commentsvc_backup_age_seconds"}  # once there is a backup


@pytest.mark.parametrize("file", ["prometheus/alerts.yaml", "grafana/dashboard.json"])
def test_what_is_watched_is_there(file: str, names: set[str]) -> None:
    watched = set(METRIC.findall((PACKAGING / file).read_text()))
    bare = {next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name) for name in watched}
    assert bare - names == set()


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads((PACKAGING / "grafana" / "dashboard.json").read_text())
    assert all(panel["targets"] and panel["title"] for panel in dashboard["panels"])


def test_prometheus_reads_the_figures(tmp_path: Path) -> None:
    """Those of two processes, as the server sends them; promtool knows the customs, too."""
    with running(tmp_path, "--workers", "2") as server:
        figures = urlopen(f"{server.url}/metrics").read()
    checked = subprocess.run([program("promtool"), "check", "metrics"], input=figures, capture_output=True, check=False)
    assert checked.stderr.decode() == ""


def test_the_containers_know_each_other() -> None:
    folder = PACKAGING / "container"
    one, more = (yaml.safe_load((folder / name).read_text()) for name in ("compose.yaml", "scale.yaml"))
    services = {**one["services"], **more["services"]}
    assert set(services) == {"commentsvc", "worker", "postgres", "redis"}
    build = one["services"]["commentsvc"]["build"]
    assert ((folder / build["context"]).resolve() / build["dockerfile"]).samefile(folder / "Dockerfile")
    for service in services.values():
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in {**one["volumes"], **more["volumes"]}
