"""What one person does costs the same among thousands of comments as among a few: nothing looks through all of them.

Counted in steps of SQLite's machine, so that a slow computer gives the same answer as a fast one.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select

from commentsvc import clock
from commentsvc.comments import posting
from commentsvc.db import db
from commentsvc.models import Comment, Decision, Site, Thread
from commentsvc.models.comment import State, search_tags_of, search_text_of
from commentsvc.moderation import policy
from tests.cast import ARTICLE, BOB, GRACE
from tests.visitors import Visitor

CROWD = 2000
THREADS = 200
STEP = 20  # of SQLite's operations
FEW = 150  # steps more or less are the depth of an index, and how full the newest hundred of each kind are
PAGED = ("read", "read in lines", "read a page", "read as JSON", "post as somebody new")
COUNTING = 2 * CROWD * 10 // STEP  # how many pages there are, and before which one: ten operations for each comment
COMMON = "Thank you, that was what I looked for."


@pytest.fixture
def steps(app: Flask) -> Iterator[Callable[[Callable[[], object]], int]]:
    """How many steps the database takes while something is done."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("about SQLite, which has no statistics of its rows")
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    def watch(connection: Any, *_: object) -> None:
        connection.connection.driver_connection.set_progress_handler(count, STEP)

    def of(what: Callable[[], object]) -> int:
        nonlocal taken
        taken = 0
        what()
        return taken

    event.listen(db.engine, "before_cursor_execute", watch)
    yield of
    event.remove(db.engine, "before_cursor_execute", watch)
    db.engine.dispose()  # no connection goes on counting


def add_crowd(prefix: str, *, elsewhere: bool) -> None:
    """Comments in 200 other threads, or in the one that is written to.

    Half are Bob's own or in his name, a tenth is spam, few of it called so, a tenth waits. Four in ten say what
    all say, of each state more than are looked at.
    """
    db.begin_write()
    bob = db.session.scalars(select(Comment).where(Comment.author == BOB.name).order_by(Comment.id)).first()
    assert bob
    bobs = {"author": BOB.name, "visitor": bob.visitor, "address_hash": bob.address_hash, "email": BOB.email}
    site, now = Site.named("blog"), clock.now() - timedelta(days=1)
    db.session.execute(
        insert(Thread),
        [{"site_id": site.id, "key": f"{prefix}/{n}", "url": f"https://blog.example/{n}"} for n in range(THREADS)],
    )
    written_to = Thread.key.startswith(prefix) if elsewhere else Thread.key == ARTICLE
    threads = db.session.scalars(select(Thread.id).where(written_to)).all()
    state_of = {0: State.SPAM, 1: State.PENDING}
    rows = []
    for number in range(CROWD):
        state, thread = state_of.get(number % 10, State.APPROVED), threads[number % len(threads)]
        body = COMMON if number % 10 < 4 else f"The words of {number} {prefix}"
        somebody = {"author": f"Person {number}", "visitor": f"visitor {number}", "address_hash": f"{number % 7}"}
        said = {"body": body, "body_html": f"<p>{body}</p>", "body_hash": posting.body_hash(body)}
        found = {"marks": search_tags_of(state, "comment", site.id, thread, now, []), "said": search_text_of(body)}
        place = {"site_id": site.id, "thread_id": thread, "kind": "comment", "state": state, "created_at": now}
        writer = bobs if number % 20 < 10 else somebody | {"email": None}
        rows.append({**place, **said, **found, **writer, "seed": f"{prefix} {number}", "reasons": []})
    db.session.execute(insert(Comment), rows)
    theirs = select(Comment.id, Comment.state).where(Comment.seed.startswith(prefix))
    db.session.execute(
        insert(Decision),
        [
            {"comment_id": number, "site_id": site.id, "after": state, "reasons": [], "is_by_mailbox": number % 50 == 0}
            for number, state in db.session.execute(theirs)
        ],
    )
    db.session.commit()


class TestAmongThousands:
    """The same is done when a crowd has written, and when a second one has, too."""

    @pytest.fixture(autouse=True)
    def _blog(self, rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
        rules("blog", captcha="never", edit_minutes=60)
        # Everything is looked at and nothing is held: with spam in Bob's name about, that is a matter of a hair's
        # breadth, and what is held takes another way.
        judged = policy.judge
        monkeypatch.setattr(policy, "judge", lambda *given: replace(judged(*given), state=State.APPROVED))

    @pytest.fixture
    def things(self, bob: Visitor, ada: Visitor, visit: Callable[[], Visitor]) -> dict[str, Callable[[], object]]:
        """What people do, each time with another text."""
        first = bob.comment(BOB)
        numbers = iter(range(10_000))

        def said() -> str:
            return f"{BOB.says} {next(numbers)} times, as I said to everybody."

        def post(key: str = ARTICLE, **fields: str) -> dict[str, Any]:
            path = f"/api/v1/threads/blog/{key}/comments"
            answer = bob.client.post(path, json={"author": BOB.name, "body": said(), **fields})
            assert answer.status_code in {201, 202}, answer.text
            return dict(answer.get_json())

        def edit() -> None:
            own = post()
            may = {"Authorization": f"Bearer {own['edit_token']}"}
            answer = bob.client.patch(f"/api/v1/comments/{own['id']}", json={"body": said()}, headers=may)
            assert answer.status_code == 200, answer.text

        def decide() -> None:
            number = post()["id"]
            for resource in ("spam", "approval", "trash"):
                ada.decide(number, resource)
            ada.undo_last()

        def ping() -> None:
            page = f"https://cats.example/{next(numbers)}"
            assert "<error>0" in bob.client.post(f"/trackback/blog/{ARTICLE}", data={"url": page}).text

        return {
            "post": post,
            "answer": lambda: post(parent_id=first),
            "post as somebody new": lambda: visit().comment(GRACE, body=said()),
            "post what all say": lambda: post(f"thanks/{next(numbers)}", body=COMMON),
            "post with a mail address": lambda: post(email=BOB.email, notify=True),
            "post with a website": lambda: post(website="https://bob.example/"),
            "edit": edit,
            "decide": decide,
            "ping": ping,
            "read": lambda: (post(), bob.client.get(f"/embed/blog/{ARTICLE}?sort=newest")),
            "read in lines": lambda: (post(), bob.client.get(f"/embed/blog/{ARTICLE}?view=linear")),
            "read a page": lambda: (post(), bob.client.get(f"/t/blog/{ARTICLE}")),
            "read as JSON": lambda: (post(), bob.client.get(f"/api/v1/threads/blog/{ARTICLE}")),
            "follow a thread": lambda: (post(), bob.client.get(f"/feed/blog/{ARTICLE}")),
            "follow a blog": lambda: (post(), bob.client.get("/feed/blog")),
            "count": lambda: bob.client.get(f"/api/v1/counts?site=blog&key={ARTICLE}&key={next(numbers)}"),
        }

    @pytest.mark.parametrize("elsewhere", [True, False], ids=["elsewhere", "here"])
    def test_nothing_costs_more(
        self,
        things: dict[str, Callable[[], object]],
        steps: Callable[[Callable[[], object]], int],
        *,
        elsewhere: bool,
    ) -> None:
        for do in things.values():
            do()  # what is made ready once
        add_crowd("first", elsewhere=elsewhere)
        before = {what: min(steps(do) for _ in range(3)) for what, do in things.items()}
        add_crowd("second", elsewhere=elsewhere)
        after = {what: min(steps(do) for _ in range(3)) for what, do in things.items()}
        allowed = {what: before[what] * 1.2 + FEW for what in things}
        if not elsewhere:
            allowed |= {what: before[what] + FEW + COUNTING for what in PAGED}
        dearer = {what: (before[what], after[what]) for what in things if after[what] > allowed[what]}
        assert dearer == {}, f"in steps, among {CROWD} comments and among twice as many"
