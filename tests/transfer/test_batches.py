"""Batches: what goes into several threads at once, and what is written again after a conflict."""

import json
from unittest.mock import patch

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Comment, Imported, Site, Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.threads import moving
from tests.cast import BOB
from tests.postgres import Deadlock
from tests.transfer.conftest import Bring, exported
from tests.transfer.samples import disqus, post, wp, wxr
from tests.visitors import Visitor


@pytest.mark.parametrize(
    "file",
    [
        wxr(wp(1), wp(2, parent=1), wp(3, type="pingback", author_url="https://cats.example/1")),
        disqus(post(11, own="wp_id=1"), post(12, parent=11, own="wp_id=2")),
    ],
    ids=["WordPress", "Disqus"],
)
def test_a_batch_that_met_a_conflict_is_written_once(bring: Bring, file: str) -> None:
    def came() -> tuple[str, list[tuple[str, str]]]:
        names = db.session.execute(select(Imported.source, Imported.key).order_by(Imported.source, Imported.key))
        return exported(), [(source, key) for source, key in names]

    bring(file)
    smooth = came()
    db.begin_write()
    for row in db.session.scalars(select(Thread)):
        db.session.delete(row)
    for imported in db.session.scalars(select(Imported)):
        db.session.delete(imported)
    db.session.commit()
    with patch.object(moving, "recount", side_effect=[Deadlock(), None]):
        bring(file)
    lines = [json.loads(line) for line in came()[0].splitlines()]
    before = [json.loads(line) for line in smooth[0].splitlines()]
    for each in (lines, before):
        ids = {line["id"]: number for number, line in enumerate(each) if "id" in line}
        for line in each:
            line |= {name: ids.get(line[name]) for name in ("id", "parent_id") if name in line}
            line.pop("exported_at", None)
    assert lines[1:] == before[1:]
    assert came()[1] == smooth[1]


def test_a_thread_that_somebody_opens_at_the_same_moment(bring: Bring, bob: Visitor) -> None:
    bob.comment(BOB, key="2007/05/phone")
    find, unseen = Thread.all_at.__func__, [{}, {}]  # type: ignore[attr-defined]

    def too_early(cls: type[Thread], site_id: int, keys: list[str]) -> dict[str, Thread]:
        found: dict[str, Thread] = unseen.pop() if unseen else find(cls, site_id, keys)
        return found

    with patch.object(Thread, "all_at", classmethod(too_early)):
        bring(wxr(wp(1), wp(2, parent=1)))
    assert db.session.execute(select(Thread.key, Thread.comment_count)).all() == [("2007/05/phone", 3)]


def test_articles_that_name_the_same_former_address(bring: Bring, bob: Visitor) -> None:
    """The first of them has it, whether they come in one batch or not."""
    bob.comment(BOB, body="Mine was red.")
    head, thread, comment = (json.loads(line) for line in exported().splitlines())
    lines = [head]
    for number, key in enumerate(("first", "second", "old")):
        aliases = ["old", "shared", f"former-{key}"] if key != "old" else []
        lines.append(thread | {"key": key, "url": f"https://blog.example/{key}", "aliases": aliases})
        lines.append(
            comment | {"id": number + 100, "thread": key, "created_at": f"2020-01-0{number + 1}T10:00:00+00:00"}
        )
    bring("\n".join(map(json.dumps, lines)), site="other", origins=["https://blog.example"])
    other = Site.named("other")
    keys = {one.id: one.key for one in db.session.scalars(select(Thread).where(Thread.site_id == other.id))}
    assert set(keys.values()) == {"first", "second", "old"}, "an article's own address is its own"
    aliases = db.session.scalars(select(ThreadAlias).where(ThreadAlias.site_id == other.id))
    assert {one.key: keys[one.thread_id] for one in aliases} == {
        "shared": "first",
        "former-first": "first",
        "former-second": "second",
    }
    counts = select(Thread.key, Thread.comment_count).where(Thread.site_id == other.id)
    assert dict(map(tuple, db.session.execute(counts))) == {"first": 1, "second": 1, "old": 1}


def test_an_article_that_is_spelled_in_two_ways_is_one(bring: Bring) -> None:
    one, other = (wxr(wp(number, parent=number - 1)) for number in (1, 2))
    both = one.replace("</channel>", other.partition("<item>")[1] + other.partition("<item>")[2]).replace(
        "2007/05/phone/</link>", "2007/05/phone</link>", 1
    )
    bring(both[: both.rindex("</channel>")] + "</channel></rss>" if both.count("</rss>") > 1 else both)
    first, second = db.session.scalars(select(Comment).order_by(Comment.id))
    assert (second.parent_id, second.thread_id) == (first.id, first.thread_id)


def test_ids_for_rows_to_come_are_not_given_to_others(app: Flask, bob: Visitor) -> None:
    first = bob.comment(BOB)
    db.begin_write()
    ids = db.new_ids(Comment, 3)
    assert ids == sorted(set(ids))
    assert min(ids) > first
    db.session.rollback()
    assert bob.comment(BOB, body="another") > first
