"""How much CPU each kind of write costs, and how many statements: in one process, without a server around it.

And what the first reader after it costs, for whom the thread is rendered. ``python -m bench.writers``. What counts is
the ratio to a comment: machines differ and this one may be busy. Where valgrind is installed, it counts the
instructions of one comment, which are the same on a busy machine.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from bench.admin import BASE, EMAIL, PASSWORD, signed_in
from commentsvc import schema, throttle
from commentsvc.accounts import moderators, passwords
from commentsvc.app import create_app
from commentsvc.db import db
from commentsvc.models import Site
from commentsvc.models.site import Captcha, Moderation
from commentsvc.settings import Settings
from tests.running import SECRET
from tests.visitors import hidden_fields

ROUNDS, EACH = 5, 40
COMMENTS = 250  # to be edited, and as many to be decided about
READ = (10, 100)  # comments of the threads that are rendered
COUNTED = (60, 260)  # comments, whose difference is counted
TEXT = "Some words about the phone *and* its cord, and what the neighbours think of it. " * 3


def main() -> None:
    """Build a small blog, then write in every way."""
    if len(sys.argv) > 1:
        _post(int(sys.argv[1]))
        return
    with _blog() as app:
        _measure(app)
    if shutil.which("valgrind"):
        print(f"\ninstructions of a comment, as valgrind counts them: {_instructions() / 1e6:.2f} million")


@contextmanager
def _blog() -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        schema.upgrade(url)
        app = create_app(Settings(data_dir=Path(folder), database_url=url, secret_key=SECRET, base_url=BASE))
        with app.app_context():
            db.begin_write()
            passwords.set_password(moderators.add(EMAIL, "Ada"), PASSWORD)
            rules = {"captcha": Captcha.NEVER, "moderation": Moderation.NONE, "comments_per_minute": 1_000_000}
            db.session.add(
                Site(key="blog", name="Blog", origins=["https://blog.example"], edit_minutes=60, page_size=100, **rules)
            )
            db.session.commit()
        yield app


def _post(total: int) -> None:
    """Post so many comments, to be watched by valgrind."""
    with _blog() as app:
        client, numbers = app.test_client(), iter(range(total))
        for _ in range(total):
            _posted(client, numbers)


def _instructions() -> float:
    few, many = COUNTED
    return (_instructions_of(many) - _instructions_of(few)) / (many - few)


def _instructions_of(count: int) -> int:
    """Return the instructions of a process that posts so many comments, its start included."""
    counting = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    command = (*counting, sys.executable, "-m", "bench.writers", str(count))
    done = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True)
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        sys.exit(done.stderr)
    return int(found[1].replace(",", ""))


def _measure(app: Flask) -> None:
    ways = _ways(app.test_client(), _signed_in(app))
    print("| written | statements | ms of CPU | to a comment |\n| --- | ---: | ---: | ---: |")
    taken = {what: _taken(write) for what, write in ways.items()}
    for what, milliseconds in sorted(taken.items(), key=lambda one: -one[1]):
        statements = _statements(app, ways[what])
        print(f"| {what} | {statements} | {milliseconds:.1f} | {milliseconds / taken['a comment']:.2f} |")


def _ways(client: FlaskClient, moderator: tuple[FlaskClient, str]) -> dict[str, Callable[[], object]]:
    numbers, decided = count(), count()
    own = [_posted(client, numbers) for _ in range(COMMENTS)]
    judged = [_posted(client, numbers) for _ in range(COMMENTS)]
    ada, token = moderator
    for size in READ:
        for _ in range(size):
            _posted(client, numbers, f"of-{size}")

    def edit() -> None:
        mine = own[next(numbers) % COMMENTS]
        headers = {"Authorization": f"Bearer {mine['edit_token']}"}
        _send(client, "PATCH", f"/api/v1/comments/{mine['id']}", {"body": f"{next(numbers)} {TEXT}"}, headers=headers)

    def decide() -> None:
        turn, place = divmod(next(decided), COMMENTS)
        verb = "approval" if turn % 2 else "spam"  # each time something else
        _check(ada.post(f"/admin/comments/{judged[place]['id']}/{verb}", base_url=BASE, data={"csrf_token": token}))

    def ping() -> None:
        number = next(numbers)
        said = {"url": f"https://blog{number}.example/", "title": "x"}
        sender = {"REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        answer = client.post(f"/trackback/blog/{number % 50}", base_url=BASE, data=said, environ_base=sender)
        if "<error>0</error>" not in answer.text:
            raise RuntimeError(answer.text)

    return {
        "a comment": lambda: _posted(client, numbers),
        "an edit": edit,
        "a decision": decide,
        "a ping": ping,
        "a preview": lambda: _send(
            client, "POST", "/api/v1/preview", {"site": "blog", "body": f"{next(numbers)} {TEXT}"}
        ),
        "a challenge": lambda: _send(client, "POST", "/api/v1/challenges", {"site": "blog", "key": "5"}),
        **{f"rendering a thread of {size} comments": partial(_read, client, f"of-{size}") for size in READ},
    }


def _posted(client: FlaskClient, numbers: Iterator[int], thread: str = "") -> dict[str, Any]:
    number = next(numbers)
    said = {"author": "Bob", "body": f"{number} {TEXT}"}
    return _send(client, "POST", f"/api/v1/threads/blog/{thread or number % 50}/comments", said)


def _read(client: FlaskClient, thread: str) -> None:
    """Read a thread that was just written to."""
    client.application.extensions["snapshots"].drop_site(1)
    _check(client.get(f"/embed/blog/{thread}?lang=en", base_url=BASE))


def _send(client: FlaskClient, method: str, path: str, said: dict[str, str], **named: Any) -> dict[str, Any]:
    throttle.forget()
    answer = client.open(path, base_url=BASE, method=method, json=said, **named)
    _check(answer)
    return dict(answer.get_json())


def _check(answer: Any) -> None:
    if answer.status_code >= 400:
        raise RuntimeError(f"{answer.request.path} was answered with {answer.status_code}")


def _signed_in(app: Flask) -> tuple[FlaskClient, str]:
    ada = signed_in(app, EMAIL)
    return ada, hidden_fields(ada.get("/admin/queue?state=any", base_url=BASE))["csrf_token"]


def _taken(write: Callable[[], object]) -> float:
    """Milliseconds of CPU for one, the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(EACH):
            write()
        rounds.append((time.process_time() - began) / EACH * 1000)
    return statistics.median(rounds)


def _statements(app: Flask, write: Callable[[], object]) -> int:
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    write()
    return len(asked)


if __name__ == "__main__":
    main()
