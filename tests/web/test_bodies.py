"""Bodies that come slowly, in many, or not at all: only so many are waited for, and not for ever."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep

import pytest
from flask.testing import FlaskClient

from commentsvc.errors import Refusal, TooMany
from commentsvc.web import bodies, security
from commentsvc.web.bodies import Bodies, TooSlow
from tests.cast import ARTICLE


class Slow(io.BytesIO):
    """A body that comes piece by piece; ``wait`` is called before each."""

    def __init__(self, body: bytes, wait: Callable[[], object]) -> None:
        super().__init__(body)
        self.wait = wait

    def read(self, size: int | None = -1) -> bytes:
        """The next piece."""
        self.wait()
        return super().read(size)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How late it is, in one place."""
    now = [0.0]
    monkeypatch.setattr(bodies.time, "monotonic", lambda: now[0])
    return now


def collect(
    body: io.BytesIO, source: str = "203.0.113.7", within: Bodies | None = None, largest: int = 10_000
) -> bytes:
    environ = {"wsgi.input": body}
    (within or Bodies()).collect(environ, source, largest)
    return environ["wsgi.input"].read()


@pytest.mark.parametrize("body", [b"", b"x", b"y" * bodies.PIECE, b"z" * 9_999])
def test_a_body_is_there_whole(body: bytes) -> None:
    assert collect(io.BytesIO(body)) == body


def test_of_one_that_is_too_large_enough_is_read_to_see_that() -> None:
    assert 10_000 < len(collect(io.BytesIO(b"x" * 50_000))) <= 10_000 + bodies.PIECE


def test_dripping_ends_soon(clock: list[float]) -> None:
    def later() -> None:
        clock[0] += 6

    with pytest.raises(TooSlow):
        collect(Slow(b"x" * 5_000, later))
    assert clock[0] < 30


def test_a_slow_line_has_the_time_that_it_needs(clock: list[float]) -> None:
    def later() -> None:
        clock[0] += bodies.PIECE / bodies.MIN_SPEED

    assert len(collect(Slow(b"x" * 200_000, later), largest=250_000)) == 200_000


@pytest.mark.parametrize(("sources", "let_in"), [(1, bodies.MAX_OF_ONE), (400, bodies.MAX_COUNT)])
def test_only_so_many_are_waited_for(sources: int, let_in: int) -> None:
    """Of one address, and of all together; when they are through, the next ones are."""
    release, all_of_them = Event(), Bodies()

    def send(number: int) -> type[Refusal] | None:
        try:
            collect(Slow(b"x", release.wait), f"10.0.{number % sources}", all_of_them)
        except Refusal as refusal:
            return type(refusal)
        return None

    with ThreadPoolExecutor(let_in + 20) as pool:
        sent = [pool.submit(send, number) for number in range(let_in + 20)]
        while len(refused := [one for one in sent if one.done()]) < 20:
            sleep(0.01)
        assert {one.result() for one in refused} == {TooMany}
        release.set()
        assert sum(one.result() is None for one in sent) == let_in
    assert collect(io.BytesIO(b"y"), "10.0.0", all_of_them) == b"y"


def test_who_is_too_slow_is_told_in_words(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise TooSlow

    monkeypatch.setattr(security._bodies, "collect", slow)
    answer = client.post(f"/t/blog/{ARTICLE}", data={"body": "x"})
    assert answer.status_code == 408
    assert "did not understand the request" in answer.text
