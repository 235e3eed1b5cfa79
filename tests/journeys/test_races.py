"""Sixteen at once, on two real processes: one challenge lets one comment in, whichever answer it was given."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import altcha
import pytest

from tests.running import Running
from tests.visitors import answer_to, digits_of

AT_ONCE = 16
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

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = sorted(pool.map(send, range(AT_ONCE)))
    assert statuses.count(202) == 1
    assert set(statuses[1:]) <= {403, 429}
