"""How long each page takes with 1,000,000 comments in 50,000 threads, on SQLite and on PostgreSQL.

Moderators' pages, and readers' pages that are no snapshots yet, one of them of a thread of 10,000 comments.
``python -m bench.admin [COMMENTS]``; as whole answers of the application, with everything a browser would get.
"""

import contextvars
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import bindparam, insert, select, text
from werkzeug.test import TestResponse

from commentsvc import clock, schema, throttle
from commentsvc.accounts import moderators, passwords
from commentsvc.app import create_app
from commentsvc.db import db
from commentsvc.models import Comment, DailyCount, Decision, Site, Thread
from commentsvc.models.comment import Kind, State, reason_tag, search_tags_of, search_text_of
from commentsvc.models.daily_count import Event
from commentsvc.models.moderator import Moderator, Role
from commentsvc.models.site import Captcha, Moderation
from commentsvc.settings import Settings
from commentsvc.sites import removal as site_removal
from commentsvc.web.admin.queue import FRAGMENT
from tests import postgres
from tests.running import SECRET
from tests.visitors import hidden_fields

COMMENTS = 1_000_000
THREADS_FOR = 20  # comments
ANSWERED = 5  # every fifth comment of that one is answered by the next four
LONG = 10_000  # comments of one thread, which arrived in another order than they were written
SITES = 5
BATCH = 10_000
ROUNDS = 40
REMOVED = 60  # steps
WARM = 3  # times that a page is asked for before, as templates and statements are made ready once
DAYS = 1000
EMAIL, PASSWORD = "ada@blog.example", "analytical engine 1843"
REASONS = ["nothing from this browser was approved yet", ["links: %(count)d", {"count": 3}], "passed all rules"]
BASE = "https://comments.example"
MODERATOR = "hedy@blog.example"
MODERATORS_PAGES = {
    "moderator: waiting": "/admin/queue",
    "moderator: search": "/admin/queue?state=any&q=the",
    "moderator: one person": "/admin/queue?state=any&person={own}",
    "moderator: one name": "/admin/queue?state=any&author=Person+77",
    "moderator: a comment": "/admin/comments/{own}",
    "moderator: decisions": "/admin/log?of=decisions",
    "moderator: numbers": "/admin/stats",
}

READERS_PAGES = {
    "reader: a long thread": "/embed/blog0/long?lang=en",
    "reader: its last page": "/embed/blog0/long?lang=en&page={pages}",
    "reader: newest first": "/embed/blog0/long?lang=en&sort=newest",
    "reader: flat, the middle": "/embed/blog0/long?lang=en&view=linear&page={half}",
    "reader: a comment's page": "/embed/blog0/long?lang=en&comment={deep}",
    "reader: no JavaScript": "/t/blog0/long?lang=en&page={half}",
    "reader: as JSON": "/api/v1/threads/blog0/long?page={half}",
    "reader: feed of it": "/feed/blog0/long",
    "reader: feed of a blog": "/feed/blog0",
    "reader: latest comments": "/latest/blog0?count=10",
    "reader: list of articles": "/t/blog0/",
    "reader: counts": "/api/v1/counts?site=blog0&key=long&key=article-5.html",
}

PAGES = {
    "waiting": "/admin/queue",
    "approved": "/admin/queue?state=approved",
    "spam": "/admin/queue?state=spam",
    "any state": "/admin/queue?state=any",
    "deep in the approved": "/admin/queue?state=approved&before={middle}",
    "one blog, waiting": "/admin/queue?site={site}",
    "one thread": "/admin/queue?state=any&thread={thread}",
    "one person": "/admin/queue?state=any&person={middle}",
    "one address": "/admin/queue?state=any&address={address}",
    "one name": "/admin/queue?state=any&author=Person+77",
    "trackbacks": "/admin/queue?state=any&kind=trackback",
    "for a reason": "/admin/queue?state=any&reason={reason}",
    "a year": "/admin/queue?state=any&since=2025-01-01&until=2025-12-31",
    "search: everywhere": "/admin/queue?state=any&q=the",
    "search: often": "/admin/queue?state=any&q=word17",
    "search: seldom": "/admin/queue?state=any&q=needle",
    "search: two words": "/admin/queue?state=any&q=word17+word23",
    "search: a phrase": "/admin/queue?state=any&q=%22the+word5%22",
    "search: often, waiting": "/admin/queue?state=pending&q=the",
    "search: nothing": "/admin/queue?state=any&q=nowhereatall",
    "a comment": "/admin/comments/{middle}",
    "threads": "/admin/threads",
    "threads, searched": "/admin/threads?q=article-77",
    "a thread": "/admin/threads/{thread}",
    "blogs": "/admin/sites",
    "a blog": "/admin/sites/blog0",
    "people": "/admin/people?email=person77@mail.example",
    "numbers": "/admin/stats",
    "numbers of a year": "/admin/stats?days=364",
    "log": "/admin/log",
    "every decision": "/admin/log?of=decisions",
    "bans": "/admin/bans",
    "linkbacks": "/admin/linkbacks",
    "saved answers": "/admin/saved-replies",
    "emails": "/admin/email",
    "subscriptions": "/admin/subscriptions",
    "channels": "/admin/channels",
    "moderators": "/admin/moderators",
    "account": "/admin/account",
}


def main(comments: int = COMMENTS) -> None:
    """Build once for each database, then ask for every page in turn."""
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder) / "sqlite", f"sqlite:///{folder}/bench.sqlite3", comments)
        if not postgres.binaries():
            print(f"PostgreSQL: {postgres.MISSING}")
            return
        with postgres.running(Path(folder)) as cluster:
            _measure(Path(folder) / "postgres", cluster.new_database(), comments)


def _measure(folder: Path, url: str, comments: int) -> None:
    folder.mkdir()
    config = Settings(data_dir=folder, database_url=url, secret_key=SECRET, base_url=BASE)
    schema.upgrade(config.database)
    app = create_app(config)
    with app.app_context():
        started = time.perf_counter()
        places = build(comments)
        name = db.engine.dialect.name
        print(f"\n{name}: {comments:,} comments built in {time.perf_counter() - started:.0f} s")
        db.session.remove()
        client, moderator = signed_in(app, EMAIL), signed_in(app, MODERATOR)
        print(f"{'page':26} {'median ms':>10} {'p95 ms':>8} {'kB sent':>8} {'kB in all':>10}")
        for page, path in PAGES.items():
            _ask(client, page, path.format(**places))
        for page, path in MODERATORS_PAGES.items():
            _ask(moderator, page, path.format(**places))
        for page, path in READERS_PAGES.items():
            _ask(app.test_client(), page, path.format(**places))
        print(f"\n{'writing':26} {'median ms':>10} {'p95 ms':>8}")
        _decide(client)
        _tell("a comment, whole", _posting(app))
        _tell("reading a thread anew", _reading(app, comments // THREADS_FOR))
        _tell("a step of removing a blog", _removing())


def build(comments: int) -> dict[str, Any]:
    """Rows as a busy year makes them: one in a thousand waits, one in twenty is spam, names and words repeat."""
    draw, now = random.Random(7), clock.now()
    db.begin_write()
    passwords.set_password(moderators.add(EMAIL, "Ada"), PASSWORD)
    sites = [
        Site(key=f"blog{number}", name=f"Blog {number}", origins=[f"https://b{number}.example"])
        for number in range(SITES)
    ]
    db.session.add_all(sites)
    passwords.set_password(moderators.add(MODERATOR, "Hedy", Role.MODERATOR, sites[1:2]), PASSWORD)
    db.session.commit()
    site_ids = [site.id for site in sites]
    threads = max(comments // THREADS_FOR, 1)
    _insert(Thread, ({**_thread(number, site_ids, now), "id": number + 1} for number in range(threads)))
    _insert(Comment, (_comment(number + 1, threads, site_ids, comments, now, draw) for number in range(comments)))
    _insert(Decision, (_decision(number + 1, threads, site_ids) for number in range(comments)))
    long = {**_thread(0, site_ids, now), "id": threads + 1, "key": "long", "comment_count": LONG}
    _insert(Thread, iter([long]))
    _insert(Comment, (_of_long(number, comments, threads + 1, site_ids, now, draw) for number in range(1, LONG + 1)))
    days = (now.date() - timedelta(days=back) for back in range(DAYS))
    _insert(
        DailyCount,
        (
            {"day": day, "site_id": site, "event": event, "count": 9, "seconds": 0}
            for day in days
            for site in site_ids
            for event in Event
        ),
    )
    if db.engine.dialect.name == "postgresql":  # which does so by itself before long; nobody does it for SQLite
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as line:
            for table in ("thread", "comment"):  # whose ids were given
                last = f"SELECT max(id) FROM {table}"  # noqa: S608 - our own words
                line.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), ({last}))"))
            line.execute(text("ANALYZE"))
    middle = comments // 2 + 1
    return {
        "middle": middle,
        "own": next(number for number in range(middle, comments) if number * 7919 % threads % SITES == 1),
        "site": site_ids[1],
        "thread": threads // 2,
        "address": f"{77:032x}",
        "reason": reason_tag(REASONS[1]).replace("=", "%3D"),
        "deep": comments + LONG // 2,
        "pages": LONG // ANSWERED // Site.page_size.default.arg,
        "half": LONG // ANSWERED // Site.page_size.default.arg // 2,
    }


def _thread(number: int, site_ids: list[int], now: datetime) -> dict[str, Any]:
    return {
        "site_id": site_ids[number % SITES],
        "key": f"article-{number}.html",
        "url": f"https://b{number % SITES}.example/article-{number}.html",
        "title": f"Article {number}",
        "comment_count": THREADS_FOR,
        "created_at": now - timedelta(days=DAYS),
        "active_at": now - timedelta(minutes=number),
    }


def _comment(
    number: int, threads: int, site_ids: list[int], comments: int, now: datetime, draw: random.Random
) -> dict[str, Any]:
    thread = number * 7919 % threads
    person = draw.randrange(comments // 10 + 1)
    state = State.PENDING if number % 1000 == 0 else State.SPAM if number % 20 == 0 else State.APPROVED
    kind = Kind.TRACKBACK if number % 50 == 1 else Kind.COMMENT
    created = now - timedelta(days=DAYS) * ((comments - number) / comments)
    reasons = [REASONS[number % 3]]
    words = " ".join(f"the word{int(draw.paretovariate(0.6)) % 50_000}" for _ in range(12))
    body = words + (" needle" if number % 99_991 == 5 else "")
    author, email = f"Person {person}", f"person{person}@mail.example"
    return {
        "id": number,
        "site_id": site_ids[thread % SITES],
        "thread_id": thread + 1,
        "kind": kind,
        "state": state,
        "reasons": reasons,
        "author": author,
        "email": email,
        "website": None,
        "body": body,
        "body_html": f"<p>{body}</p>",
        "body_hash": f"{number:032x}",
        "visitor": f"{person:032x}",
        "address_hash": f"{person:032x}",
        "seed": f"{person:016x}",
        "created_at": created,
        "written_at": created,
        "search_tags": search_tags_of(state, kind, site_ids[thread % SITES], thread + 1, created, reasons),
        "search_text": search_text_of(author, email, None, "", body),
    }


def _of_long(
    number: int, before: int, thread: int, site_ids: list[int], now: datetime, draw: random.Random
) -> dict[str, Any]:
    root = before + (number - 1) // ANSWERED * ANSWERED + 1
    parent = None if root == before + number else root
    written = now - timedelta(days=DAYS) + timedelta(minutes=number * 7919 % LONG)
    marks = search_tags_of(State.APPROVED, Kind.COMMENT, site_ids[0], thread, now, [])
    return {
        **_comment(before + number, 1, site_ids, before + LONG, now, draw),
        "site_id": site_ids[0],
        "thread_id": thread,
        "parent_id": parent,
        "root_id": parent,
        "kind": Kind.COMMENT,
        "state": State.APPROVED,
        "reasons": [],
        "created_at": now,
        "written_at": written,
        "search_tags": marks,
    }


def _decision(number: int, threads: int, site_ids: list[int]) -> dict[str, Any]:
    site = site_ids[number * 7919 % threads % SITES]
    return {"comment_id": number, "site_id": site, "before": None, "after": State.APPROVED, "reasons": []}


def _insert(table: Any, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            _store(table, batch)
            batch = []
    if batch:
        _store(table, batch)


def _store(table: Any, batch: list[dict[str, Any]]) -> None:
    db.begin_write()
    db.session.execute(insert(table.__table__).values({name: bindparam(name) for name in batch[0]}), batch)
    db.session.commit()


def signed_in(app: Flask, email: str) -> FlaskClient:
    """The browser of somebody who signed in with ``PASSWORD``."""
    throttle.forget()
    client = app.test_client()
    fields = hidden_fields(_open(client, "/admin/sign-in"))
    sent = {"csrf_token": fields["csrf_token"], "email": email, "password": PASSWORD}
    if _open(client, "/admin/sign-in", method="POST", data=sent).status_code != 303:
        raise RuntimeError("could not sign in")
    return client


def _open(client: FlaskClient, path: str, **sent: Any) -> TestResponse:
    """One request, which must not see the context that this script stands in."""
    return contextvars.Context().run(client.open, path, base_url=BASE, **sent)


def _ask(client: FlaskClient, page: str, path: str) -> None:
    taken, sent = [], 0
    for _ in range(WARM):
        _open(client, path)
    for _ in range(ROUNDS):
        for number in range(1, SITES + 1):
            client.application.extensions["snapshots"].drop_site(number)
        started = time.perf_counter()
        answer = _open(client, path, headers={"Accept-Encoding": "gzip"})
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code not in (200, 302):
            raise RuntimeError(f"{path} was answered with {answer.status_code}")
        sent = len(answer.data)
    taken.sort()
    whole = sent + _assets(client)
    median, p95 = statistics.median(taken), taken[int(ROUNDS * 0.95)]
    print(f"{page:26} {median:10.1f} {p95:8.1f} {sent / 1000:8.1f} {whole / 1000:10.1f}", flush=True)


def _decide(client: FlaskClient) -> None:
    """Decisions one after the other, as the keys make them, with the answer that brings the list up to date."""
    page = _open(client, "/admin/queue")
    token = hidden_fields(page)["csrf_token"]
    waiting = [int(number) for number in re.findall(r'id="comment-(\d+)"', page.text)]
    taken = []
    for number in waiting:
        started = time.perf_counter()
        sent = {"csrf_token": token, "listed": ""}
        answer = _open(client, f"/admin/comments/{number}/approval", method="POST", data=sent, headers={FRAGMENT: "1"})
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"the decision was answered with {answer.status_code}")
    _tell("a decision, whole", taken)


def _posting(app: Flask) -> list[float]:
    """Milliseconds that comments take which a visitor of the first blog posts, each into another thread."""
    db.begin_write()
    site = Site.named("blog0")
    site.captcha, site.moderation, site.comments_per_minute = Captcha.NEVER, Moderation.NONE, 10 * ROUNDS
    db.session.commit()
    client = app.test_client()
    return [
        _timed(
            client,
            f"/api/v1/threads/blog0/article-{number * SITES}.html/comments",
            {"author": "Bob", "body": f"{number} times"},
        )
        for number in range(ROUNDS)
    ]


def _reading(app: Flask, threads: int) -> list[float]:
    """Milliseconds that threads take which nobody asked for before."""
    client = app.test_client()
    newest = range(threads - threads % SITES - SITES, 0, -SITES)
    return [_timed(client, f"/embed/blog0/article-{number}.html") for number in newest[:ROUNDS]]


def _timed(client: FlaskClient, path: str, said: dict[str, str] | None = None) -> float:
    sent: dict[str, Any] = {"method": "POST", "json": said} if said else {}
    started = time.perf_counter()
    answer = _open(client, path, **sent)
    taken = (time.perf_counter() - started) * 1000
    if answer.status_code not in {200, 201}:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")
    return taken


def _removing() -> list[float]:
    """Milliseconds of each of the first steps that take a blog away."""
    db.begin_write()
    site_removal.begin(Site.named(f"blog{SITES - 1}"), db.session.scalars(select(Moderator)).first())
    db.session.commit()
    taken = []
    for _ in range(REMOVED):
        db.begin_write()
        started = time.perf_counter()
        site_removal.delete_batch()
        db.session.commit()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def _tell(what: str, taken: list[float]) -> None:
    taken.sort()
    print(f"{what:26} {statistics.median(taken):10.1f} {taken[int(len(taken) * 0.95)]:8.1f}", flush=True)


def _assets(client: FlaskClient) -> int:
    """Bytes of styles and script, packed as they are sent; a browser keeps them."""
    names = ("thread.css", "page.css", "admin/admin.css", "admin/admin.js")
    return sum(len(_open(client, f"/static/{name}", headers={"Accept-Encoding": "gzip"}).data) for name in names)


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:]))
