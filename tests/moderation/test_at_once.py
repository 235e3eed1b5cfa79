"""Many who decide about one comment at once: each in turn, and nobody is told that the database is away."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from flask import Flask

from commentsvc.db import db
from commentsvc.models import Comment
from tests.postgres import Deadlock
from tests.visitors import Visitor, row

ROUNDS = 12


def test_approving_trashing_rewriting_and_a_bulk_decision_at_once(
    app: Flask, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor]
) -> None:
    comments = [bob.comment(body=f"number {number} of some comments that many look at") for number in range(3)]
    adas = [visit() for _ in range(4)]
    for other in adas:
        other.client._cookies.update(ada.client._cookies)
        other.tokens["/admin/queue"] = ""
        other.admin_post("/admin/queue")  # takes its token from a page
        other.tokens.clear()
        other.decide(comments[0], "approval")
    db.session.rollback()

    def approve(by: Visitor, number: int) -> int:
        return by.admin_post(f"/admin/comments/{comments[number % 3]}/approval").status_code

    def trash(by: Visitor, number: int) -> int:
        return by.admin_post(f"/admin/comments/{comments[number % 3]}/trash").status_code

    def rewrite(by: Visitor, number: int) -> int:
        fields = {"author": "Bob", "body": f"rewritten {number}", "website": ""}
        return by.admin_post(f"/admin/comments/{comments[number % 3]}/text", **fields).status_code

    def all_of_them(by: Visitor, number: int) -> int:
        chosen = [str(one) for one in reversed(comments)]
        verb = "approval" if number % 2 else "trash"
        return by.admin_post("/admin/comments/decisions", verb=verb, chosen=chosen).status_code  # type: ignore[arg-type]

    def often(by: Visitor, action: Callable[[Visitor, int], int]) -> list[int]:
        return [action(by, number) for number in range(ROUNDS)]

    with ThreadPoolExecutor(4) as pool:
        met = Counter(chain.from_iterable(pool.map(often, adas, (approve, trash, rewrite, all_of_them))))
    assert set(met) <= {303, 409, 422}, met
    assert met[303] > ROUNDS


def test_who_met_a_conflict_is_served_the_second_time(ada: Visitor, bob: Visitor) -> None:
    """A deadlock ends one of two transactions: the whole of it runs once more, and nobody hears of it."""
    comment = bob.comment()
    real, failures = Comment.locked.__func__, [1]  # type: ignore[attr-defined]

    def once(cls: type[Comment], number: int) -> Comment | None:
        if failures:
            failures.pop()
            raise Deadlock
        found: Comment | None = real(cls, number)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Comment, "locked", classmethod(once))
        assert ada.admin_post(f"/admin/comments/{comment}/trash").status_code == 303
        assert row(comment).state == "trashed"
        failures.extend([1, 1])
        assert ada.admin_post(f"/admin/comments/{comment}/approval").status_code == 503
