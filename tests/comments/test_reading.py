"""Reading: trees, pages, depth, and how many questions the database is asked."""

import time as wall

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from commentsvc.comments import reading
from commentsvc.comments.reading import MAX_DEPTH, Order
from commentsvc.db import db
from commentsvc.models import Comment, Site, Thread
from commentsvc.models.site import View
from commentsvc.threads.articles import Article
from tests.cast import ARTICLE, ARTICLE_URL


@pytest.fixture
def thread(app: Flask, site: Site) -> Thread:
    """An empty thread."""
    db.begin_write()
    db.session.add(made := Thread(site_id=site.id, key=ARTICLE, url=ARTICLE_URL, title="The phone"))
    db.session.commit()
    return made


def write(thread: Thread, parents: list[int | None], state: str = "approved") -> list[int]:
    """Comments, each answering the one with the given place in this list; their ids."""
    first = 1000
    roots: list[int] = []
    rows = []
    for place, parent in enumerate(parents):
        roots.append(first + place if parent is None else roots[parent])
        rows.append(
            {
                "id": first + place, "thread_id": thread.id, "site_id": thread.site_id,
                "parent_id": None if parent is None else first + parent,
                "root_id": None if parent is None else roots[place], "kind": "comment", "state": state, "reasons": [],
                "author": f"Writer {place}", "title": "", "body": str(place), "body_html": f"<p>{place}</p>",
                "body_hash": str(place), "language": "en", "seed": "x",
            }
        )  # fmt: skip
    db.begin_write()
    db.session.execute(insert(Comment), rows)
    db.session.get_one(Thread, thread.id).comment_count = len(rows)
    db.session.commit()
    return [first + place for place in range(len(parents))]


def shape(page: reading.ThreadPage) -> list[tuple[str, int]]:
    return [(item.comment.body, item.depth) for item in page.items]


def test_branches_follow_their_roots(thread: Thread, site: Site) -> None:
    write(thread, [None, None, 0, 1, 2, 0])
    assert shape(reading.read(Article.at(site, ARTICLE), View.THREADED)) == [
        ("0", 0),
        ("2", 1),
        ("4", 2),
        ("5", 1),
        ("1", 0),
        ("3", 1),
    ]
    newest = reading.read(Article.at(site, ARTICLE), View.THREADED, Order.NEWEST)
    assert shape(newest) == [("1", 0), ("3", 1), ("0", 0), ("2", 1), ("4", 2), ("5", 1)]
    assert shape(reading.read(Article.at(site, ARTICLE), View.LINEAR)) == [(str(number), 0) for number in range(6)]


def test_a_chat_five_hundred_deep_is_flattened_and_named(thread: Thread, site: Site, client: FlaskClient) -> None:
    write(thread, [None, *range(499)])
    items = reading.read(Article.at(site, ARTICLE), View.THREADED).items
    assert len(items) == 500
    assert max(item.depth for item in items) == MAX_DEPTH
    assert items[-1].visible_parent is not None
    assert items[-1].visible_parent.author == "Writer 498"
    assert "to Writer 498" in client.get(f"/t/blog/{ARTICLE}").text


def test_pages_are_cut_between_branches(thread: Thread, site: Site) -> None:
    write(thread, [None] * 120 + [0] * 30)
    first = reading.read(Article.at(site, ARTICLE), View.THREADED)
    assert (first.page, first.pages, len(first.items)) == (1, 3, 80)
    assert [item.comment.body for item in reading.read(Article.at(site, ARTICLE), View.THREADED, page=3).items][
        -1
    ] == "119"
    assert reading.read(Article.at(site, ARTICLE), View.THREADED, page=99).page == 3
    comment = db.session.get_one(Comment, 1060)
    assert reading.page_of(site, comment, View.THREADED) == 2


@pytest.mark.every_value
@pytest.mark.parametrize("size", [10, 1000])
def test_the_database_is_asked_the_same_few_questions(
    thread: Thread, client: FlaskClient, questions: list[str], size: int
) -> None:
    write(thread, [None if number % 3 == 0 else number - 1 for number in range(size)])
    client.get("/embed/blog/another.html")  # from here on sites and bans are known
    questions.clear()
    client.get(f"/embed/blog/{ARTICLE}")
    assert len(questions) <= 4, questions


def test_a_long_thread_costs_its_page_only(thread: Thread, site: Site) -> None:
    write(thread, [None] * 10_000)
    started = wall.process_time()
    page = reading.read(Article.at(site, ARTICLE), View.THREADED)
    assert wall.process_time() - started < 2
    assert (len(page.items), page.pages) == (50, 200)


def test_held_ones_are_not_there(thread: Thread, site: Site, client: FlaskClient) -> None:
    ids = write(thread, [None, None], state="pending")
    assert reading.read(Article.at(site, ARTICLE)).items == []
    assert reading.visible(thread, ids[0]) is None
    assert client.get(f"/api/v1/threads/blog/{ARTICLE}").json["comments"] == []


@pytest.mark.every_value
@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=9223372036854775807",
        "page=99999999999999999999",
        "page=x",
        "view=x",
        "sort=x",
        "lang=xx",
    ],
)
def test_odd_questions_get_the_ordinary_answer(thread: Thread, client: FlaskClient, query: str) -> None:
    write(thread, [None])
    assert client.get(f"/embed/blog/{ARTICLE}?{query}").status_code == 200
    assert client.get(f"/t/blog/{ARTICLE}?{query}&reply_to=99999999999999").status_code == 200
