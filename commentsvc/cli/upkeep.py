"""``work``, ``upgrade``, ``rerender`` and ``doctor``: keeping it well."""

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import click
from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import clock, links, mail, safe_http, schema, settings, throttle, worker
from commentsvc.cli import application
from commentsvc.cli.application import with_application
from commentsvc.comments.submission import rendered
from commentsvc.db import db
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread

BATCH = 200
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)


@click.command()
@with_application
def work() -> None:
    """Send letters and verify pings until stopped; any number may run beside each other."""
    stop = worker.start(current_app._get_current_object().app_context)  # type: ignore[attr-defined]
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    click.echo("Working; stop with Ctrl+C.")
    done.wait()
    stop.set()


@click.command()
def upgrade() -> None:
    """Bring the database schema up to date; a copy of an SQLite file is kept beside it."""
    config = settings.read(os.environ)
    settings.use(config)
    schema.upgrade(config.database)
    click.echo("The database is up to date.")


@click.command()
@with_application
def rerender() -> None:
    """Make the HTML of every comment anew from what was typed, for instance after BASE_URL changed."""
    total = db.session.scalar(select(func.count(Comment.id)).where(Comment.kind == Kind.COMMENT)) or 0
    with click.progressbar(length=total, label="Rendering") as bar:
        for ids in _batches():
            db.begin_write()
            for comment in db.session.scalars(select(Comment).where(Comment.id.in_(ids))):
                comment.body_html = rendered(comment.body)
            db.session.commit()
            bar.update(len(ids))
    db.begin_write()
    db.session.execute(update(Thread).values(version=Thread.version + 1))
    db.session.commit()
    click.echo(f"{total} comments rendered.")


def _batches() -> Iterator[list[int]]:
    last = 0
    while True:
        rows = (
            select(Comment.id).where(Comment.id > last, Comment.kind == Kind.COMMENT).order_by(Comment.id).limit(BATCH)
        )
        ids = list(db.session.scalars(rows))
        if not ids:
            return
        yield ids
        last = ids[-1]


@click.command()
def doctor() -> None:
    """Check database, address, mail, secret and clock, and say in words what to mend."""
    app = application.make()
    with app.app_context():
        results = [_checked(name, check) for name, check in CHECKS]
    if not all(results):
        raise click.ClickException(f"{results.count(False)} of {len(results)} checks found something to mend.")


class Ailment(Exception):
    """What is wrong, and what to do."""


def _checked(name: str, check: Callable[[], str]) -> bool:
    try:
        click.echo(f"✓ {name}: {check()}")
    except Ailment as wrong:
        click.echo(f"✗ {name}: {wrong}")
        return False
    return True


def _database() -> str:
    try:
        schema.upgrade(settings.current().database)
        db.begin_write()
        db.session.add(Site(key="doctor-was-here", name="", origins=["https://doctor.invalid"]))
        db.session.flush()
    except (SQLAlchemyError, OSError) as problem:
        words = getattr(problem, "orig", problem)
        raise Ailment(
            f"cannot be written to ({words}). Check COMMENTSVC_DATABASE_URL, rights and free space."
        ) from None
    finally:
        db.session.rollback()
    return f"can be written to ({db.engine.dialect.name})"


def _base_url() -> str:
    config = settings.current()
    try:
        page = safe_http.fetch_own(links.absolute("/health"))
    except safe_http.FetchFailed as failure:
        advice = "Start `commentsvc serve`, or mend COMMENTSVC_BASE_URL or the proxy."
        raise Ailment(f"{config.base_url} does not answer ({failure}). {advice}") from None
    if b'"status"' not in page.body:
        raise Ailment(f"somebody else answers at {config.base_url}. Mend COMMENTSVC_BASE_URL or the proxy.")
    if not config.is_https and config.host not in ("localhost", "127.0.0.1"):
        raise Ailment(
            "readers reach it without https, so browsers keep no cookie on your blog. Put a proxy with https in front."
        )
    return f"{config.base_url} answers"


def _mail() -> str:
    if not settings.current().mail_url:
        raise Ailment("no server is set, so letters wait in the outbox. Set COMMENTSVC_MAIL_URL.")
    try:
        with mail.connect():
            return f"reachable, letters come from {settings.current().sender}"
    except mail.DeliveryFailed as failure:
        raise Ailment(f"the server does not take letters ({failure.answer}). Check COMMENTSVC_MAIL_URL.") from None


def _secret() -> str:
    config = settings.current()
    if config.secret_key:
        return "set"
    mode = stat.S_IMODE((config.data_dir / "secret_key").stat().st_mode)
    if mode & 0o077:
        raise Ailment(
            f"others may read {config.data_dir / 'secret_key'}. Run: chmod 600 {config.data_dir / 'secret_key'}"
        )
    return f"kept in {config.data_dir / 'secret_key'}, readable by its owner only"


def _limits() -> str:
    if not settings.current().redis_url:
        return "counted in each process"
    if not throttle.is_shared():
        raise Ailment("Redis does not answer, so each process counts for itself. Check COMMENTSVC_REDIS_URL.")
    return "shared through Redis"


def _clock() -> str:
    now = clock.now()
    try:
        newest = db.session.scalar(select(func.max(Comment.created_at)))
    except SQLAlchemyError:  # the database was examined above
        db.session.rollback()
        newest = None
    if now < RELEASED:
        raise Ailment(f"it says {now:%Y-%m-%d %H:%M} UTC, which is before this program was made. Set the clock.")
    if newest and newest > now + timedelta(minutes=5):
        raise Ailment(f"it says {now:%Y-%m-%d %H:%M} UTC, but a comment was written later than that. Set the clock.")
    return f"{now:%Y-%m-%d %H:%M} UTC"


CHECKS = (
    ("Database", _database),
    ("Address", _base_url),
    ("Mail", _mail),
    ("Secret", _secret),
    ("Limits", _limits),
    ("Clock", _clock),
)
