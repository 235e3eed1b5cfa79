"""Sixteen at once, on two real processes: one challenge is one comment, one page is one linkback."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import altcha
import pytest

from tests.running import Running
from tests.servers import Web, web
from tests.visitors import answer_to, digits_of

BATCH_SIZE = 16
PAGE = "/t/blog/2020/05/phone.html"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Two workers, and a site where nobody is ever known."""
    one = Running(tmp_path)
    one.run(
        *("site", "add", "blog", "https://blog.example", "--moderation", "all"),
        *("--captcha", "always", "--comments-per-minute", "1000"),
    )
    one.know_its_secret()
    one.start("--workers", "2")
    yield one
    one.kill()


def by_eye(posed: dict[str, object]) -> str:
    return answer_to(str(posed["token"]))


def by_ear(posed: dict[str, object]) -> str:
    return digits_of(str(posed["token"]))


def by_computing(posed: dict[str, object]) -> str:
    problem = altcha.Challenge.from_dict(posed["work"])  # type: ignore[arg-type]
    solution = altcha.solve_challenge(problem)
    assert solution is not None
    return altcha.Payload(problem, solution).to_base64()


@pytest.mark.slow
@pytest.mark.parametrize("solved", [by_eye, by_ear, by_computing])
def test_one_challenge_is_one_comment(server: Running, solved: Callable[[dict[str, object]], str]) -> None:
    asked = json.dumps({"site": "blog", "key": "2020/05/phone.html"}).encode()
    with urlopen(Request(f"{server.url}/api/v1/challenges", asked, {"Content-Type": "application/json"})) as answer:
        posed = json.load(answer)
    answer_given = solved(posed)
    sleep(3)  # as long as a person takes

    def send(number: int) -> int:
        form = {"author": "Mallory", "body": f"number {number}", "challenge_token": posed["token"]}
        form |= {"challenge_work" if len(answer_given) > 100 else "challenge_answer": answer_given}
        form |= {"visitor": posed["visitor"]}
        try:
            with urlopen(Request(f"{server.url}/embed{PAGE[2:]}", urlencode(form).encode()), timeout=30) as answer:
                return int(answer.status)
        except HTTPError as refusal:
            with refusal:
                return refusal.code

    with ThreadPoolExecutor(BATCH_SIZE) as pool:
        statuses = sorted(pool.map(send, range(BATCH_SIZE)))
    assert statuses.count(202) == 1
    assert set(statuses[1:]) <= {403, 429}


@pytest.fixture
def neighbour() -> Iterator[Web]:
    """Another blog, with a page that links to the article."""
    with web() as one:
        one.page("/post", '<title>Why</title><p><a href="https://blog.example/2020/05/phone.html">x</a></p>')
        yield one


def at_once(send: Callable[[int], tuple[int, str]]) -> list[tuple[int, str]]:
    with ThreadPoolExecutor(BATCH_SIZE) as pool:
        return list(pool.map(send, range(BATCH_SIZE)))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["trackback", "webmention"])
def test_one_page_is_one_linkback(tmp_path: Path, neighbour: Web, protocol: str) -> None:
    """However many say so at once, and however many workers verify it: it is fetched once and stands there once."""
    server = Running(tmp_path, {"COMMENTSVC_FETCH_ALLOW": neighbour.address})
    server.run("site", "add", "blog", "https://blog.example", "--moderation", "none")
    server.start("--workers", "2")
    source, target = f"{neighbour.url}/post", "https://blog.example/2020/05/phone.html"

    def send(_: int) -> tuple[int, str]:
        fields = {"url": source} if protocol == "trackback" else {"source": source, "target": target}
        address = "/webmention" if protocol == "webmention" else f"/trackback{PAGE[2:]}"
        with urlopen(Request(server.url + address, urlencode(fields).encode()), timeout=30) as answer:
            return answer.status, answer.headers["Location"] or answer.read().decode()

    try:
        answers = at_once(send)
        deadline = monotonic() + 20
        while not (shown := linkbacks(server)):
            assert monotonic() < deadline, "waited in vain"
            sleep(0.2)
        sleep(2)  # as long as a second worker would take
        assert len(linkbacks(server)) == len(shown) == 1
        assert [path for path, _ in neighbour.asked] == ["/post"]
    finally:
        server.kill()
    if protocol == "trackback":
        assert sum("<error>0</error>" in said for _, said in answers) == 1
    else:
        assert {status for status, _ in answers} == {201}
        assert len({location for _, location in answers}) == 1


def linkbacks(server: Running) -> list[object]:
    with urlopen(f"{server.url}/api/v1/threads/blog{PAGE[7:]}") as answer:
        return list(json.load(answer)["linkbacks"])
