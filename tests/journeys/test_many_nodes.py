"""Two nodes, nginx, PgBouncer, a primary with a replica, Redis: each of them dies, and nothing is lost or doubled."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from commentsvc.web import visitor
from commentsvc.web.visitor import Visitor
from tests import postgres
from tests.edge import nginx
from tests.running import Running
from tests.servers import free_port, program

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not postgres.binaries(), reason=postgres.MISSING)]
TIMEOUT = 60  # seconds
RULES = ("--captcha", "never", "--moderation", "none", "--comments-per-minute", "100000")
MAX_OUTAGE = 10  # seconds from the promotion of a replica until writes are taken again
BOUNCER = """
[databases]
comments = host={sockets} dbname={name} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = 20
ignore_startup_parameters = extra_float_digits,options
server_login_retry = 1
server_connect_timeout = 2
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@dataclass
class Poster:
    """Posts one text after the other, each again until it is taken; ``said`` are those that were acknowledged."""

    url: str
    name: str
    token: str  # by which its key is known as its own, if an answer got lost and it asks again
    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    last: float = 0.0  # when something was taken
    latest: str = ""  # what came instead

    def post(self, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            text = f"{self.name}, text {number}"
            body = json.dumps({"author": self.name, "body": text}).encode()
            headers = {"Content-Type": "application/json", "Idempotency-Key": text, visitor.HEADER: self.token}
            request = urllib.request.Request(f"{self.url}/api/v1/threads/blog/x/comments", body, headers)
            while not self._taken(request):
                if stop.is_set():
                    return
                time.sleep(0.1)
            self.said.append(text)
            self.last = time.monotonic()

    def _taken(self, request: urllib.request.Request) -> bool:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status in (200, 201)
        except urllib.error.HTTPError as problem:
            self.latest = f"{problem.code} {problem.read()[:200]!r}"
            if problem.code not in (502, 503, 504):
                self.problems.append(self.latest)
        except OSError as problem:
            self.latest = str(problem)
        return False


def read(url: str, stop: threading.Event, problems: list[str]) -> None:
    """Read the thread over and over, as readers without the form do."""
    while not stop.wait(0.02):
        try:
            with urllib.request.urlopen(f"{url}/embed/blog/x", timeout=10) as answer:
                answer.read()
        except OSError as problem:
            problems.append(str(problem))


@dataclass
class Installation:
    """Everything that runs."""

    url: str
    nodes: Sequence[Running]
    primary: postgres.Cluster
    replica: postgres.Cluster
    redis: "subprocess.Popen[bytes]"
    bouncer: "Bouncer"


class Bouncer:
    """A PgBouncer, which leads to one cluster or another."""

    def __init__(self, folder: Path, to: postgres.Cluster, database: str) -> None:
        self._file, self._database, self.port = folder / "pgbouncer.ini", database, free_port()
        self._folder, self._user = folder, to.user
        self._write(to)
        self._process = start(program("pgbouncer"), self._file, user=to.user)

    def lead_to(self, cluster: postgres.Cluster) -> None:
        """Send what comes next to another cluster."""
        self._write(cluster)
        self._process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """End it in the middle of everything, and start it again."""
        self.stop()
        self._process = start(program("pgbouncer"), self._file, user=self._user)

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(timeout=TIMEOUT)
        (self._folder / "pgbouncer.pid").unlink(missing_ok=True)

    def _write(self, to: postgres.Cluster) -> None:
        names = {"name": self._database, "user": postgres.USER, "port": self.port, "folder": self._folder}
        self._file.write_text(BOUNCER.format(sockets=to.sockets, **names))


class AheadOfTime(Running):
    """A node whose clock is two minutes ahead."""

    @property
    def command(self) -> list[str]:
        """The same, with that clock."""
        return ["tests.journeys.ahead", "serve", "--port", str(self.port)]


def start(*words: object, user: str | None = None) -> "subprocess.Popen[bytes]":
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([str(word) for word in words], user=user, **quiet)  # type: ignore[call-overload]


def end(one: "subprocess.Popen[bytes]") -> None:
    one.kill()
    one.wait(timeout=TIMEOUT)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Two nodes; the clock of the second is two minutes ahead."""
    with ExitStack() as stack:
        primary = stack.enter_context(postgres.running(tmp_path))
        database = primary.new_database()
        second = stack.enter_context(postgres.replica(primary))
        name = database.partition("@/")[2].partition("?")[0]
        bouncer = Bouncer(primary.sockets, primary, name)
        stack.callback(bouncer.stop)
        port = free_port()
        redis = start(program("redis-server"), "--port", port, "--save", "", "--dir", tmp_path)
        stack.callback(end, redis)
        shared = {
            "COMMENTSVC_DATABASE_URL": f"postgresql://{postgres.USER}@127.0.0.1:{bouncer.port}/comments",
            "COMMENTSVC_DATABASE_POOLER": "true",
            "COMMENTSVC_REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "COMMENTSVC_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        nodes = [Running(tmp_path / "a", dict(shared)), AheadOfTime(tmp_path / "b", dict(shared))]
        add = [sys.executable, "-m", "commentsvc", "site", "add", "blog", "https://blog.example", *RULES]
        subprocess.run(add, env=nodes[0].settings, check=True, stdout=subprocess.DEVNULL)
        for node in nodes:
            node.start()
            stack.callback(node.kill)
        url = stack.enter_context(nginx(tmp_path, nodes))
        yield Installation(url, nodes, primary, second, redis, bouncer)


def test_each_component_fails_in_turn_and_nothing_is_lost_or_doubled(installation: Installation) -> None:
    stop = threading.Event()
    installation.nodes[0].know_its_secret()
    names = [f"poster {number}" for number in range(4)]
    posters = [Poster(installation.url, name, Visitor(name, came_back=False).token) for name in names]
    unread: list[str] = []
    threads = [threading.Thread(target=one.post, args=(stop,)) for one in posters]
    threads += [threading.Thread(target=read, args=(installation.url, stop, unread))]
    for thread in threads:
        thread.start()
    try:
        goes_on(posters)

        installation.nodes[1].kill(signal.SIGKILL)  # a node, with a clock that is ahead
        goes_on(posters)
        installation.nodes[1].start()

        for node in installation.nodes:  # a rolling upgrade
            node.kill(signal.SIGTERM)
            goes_on(posters)
            node.start()

        end(installation.redis)  # limits are counted by each node for itself
        goes_on(posters)

        installation.bouncer.restart()
        goes_on(posters)

        installation.primary.kill()
        time.sleep(1)
        installation.replica.promote()
        installation.bouncer.lead_to(installation.replica)
        assert goes_on(posters) < MAX_OUTAGE

        for node in installation.nodes:  # all of them: readers are served from what nginx keeps
            node.kill(signal.SIGKILL)
        time.sleep(3)
        installation.nodes[0].start()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert unread == []
    assert [problem for one in posters for problem in one.problems] == []
    said = {text for one in posters for text in one.said}
    stored = installation.nodes[0].texts("x")
    assert said <= set(stored), "lost"
    assert len(stored) == len(set(stored)), "doubled"


def goes_on(posters: list[Poster]) -> float:
    """Wait until each of them gets something taken; the seconds it took."""
    began = time.monotonic()
    while min(one.last for one in posters) < began:
        late = [one for one in posters if one.last < began]
        assert time.monotonic() - began < TIMEOUT, [(one.name, one.said[-1:], one.latest) for one in late]
        time.sleep(0.05)
    return time.monotonic() - began
