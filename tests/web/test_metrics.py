"""``/metrics``: figures that an operator can watch; of all processes together, and readable for Prometheus."""

import os
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from commentsvc import telemetry
from commentsvc.web import metrics
from tests.cast import BOB
from tests.time import FrozenClock
from tests.visitors import Visitor

TYPE = r"# HELP commentsvc_\w+ [A-Z1].+\.|# TYPE commentsvc_\w+ (?:counter|gauge|histogram)"
SAMPLE = r"commentsvc_\w+(?:\{\w+=\"[^\"]*\"(?:,\w+=\"[^\"]*\")*\})? \S+"
LINE = re.compile(f"{TYPE}|{SAMPLE}")


@pytest.fixture
def figure(client: FlaskClient) -> Callable[[str], float]:
    """One figure as it stands there; 0 if it does not."""

    def figure(name: str) -> float:
        lines = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"commentsvc_{name} ")), 0)

    return figure


def test_every_line_is_one(client: FlaskClient, bob: Visitor) -> None:
    bob.comment(BOB, email=BOB.email)
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert [line for line in answer.text.splitlines() if not LINE.fullmatch(line)] == []


def test_requests_are_timed_by_kind(bob: Visitor, figure: Callable[[str], float]) -> None:
    bob.open_form()
    before = figure('request_seconds_count{kind="read"}')
    bob.open_form()
    assert figure('request_seconds_count{kind="read"}') > before
    assert figure('request_seconds_bucket{kind="read",le="+Inf"}') > before
    assert figure('request_seconds_sum{kind="read"}') > 0


def test_refusals_have_names(bob: Visitor, figure: Callable[[str], float]) -> None:
    before = [figure(f'refusals_total{{name="{name}"}}') for name in ("challenge-failed", "not-found")]
    bob.post(BOB, challenge_answer="wrong1")
    bob.client.get("/nowhere")
    after = [figure(f'refusals_total{{name="{name}"}}') for name in ("challenge-failed", "not-found")]
    assert after == [one + 1 for one in before]


def test_what_waits_and_since_when(bob: Visitor, figure: Callable[[str], float], time: FrozenClock) -> None:
    bob.comment(BOB, email=BOB.email, notify="on")
    time.pass_(minutes=5)
    assert figure('queue_rows{queue="send emails"}') == 1
    assert figure('queue_oldest_seconds{queue="send emails"}') == 300
    assert figure('emails{state="queued"}') == 1


def test_what_it_is(figure: Callable[[str], float], client: FlaskClient) -> None:
    assert figure("read_only") == 0
    assert figure("memory_bytes") > 1_000_000
    assert "commentsvc_info{version=" in client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text


def test_processes_count_together() -> None:
    before = metrics.responses.values()["2xx"]
    child = os.fork()
    if not child:
        metrics.responses.add("2xx", 5)
        os._exit(0)
    os.waitpid(child, 0)
    metrics.responses.add("2xx")
    assert metrics.responses.values()["2xx"] == before + 6


def test_an_unknown_label_is_the_last_one() -> None:
    before = metrics.refusals.values()["other"]
    metrics.refusals.add("never-heard-of")
    assert metrics.refusals.values()["other"] == before + 1


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, "0.005"), (0.005, "0.005"), (0.0051, "0.01"), (99, "+Inf")])
def test_buckets(seconds: float, bucket: str) -> None:
    def at_most() -> dict[str, float]:
        return next(buckets for kind, buckets, _ in metrics.requests.values() if kind == "other")

    before = at_most()
    metrics.requests.observe("other", seconds)
    grown = [bound for bound, count in at_most().items() if count > before[bound]]
    assert grown[0] == bucket
    assert grown[-1] == "+Inf"
    assert len(telemetry.BUCKETS) + 1 == len(before)
