"""``work``, ``upgrade``, ``rerender`` and ``read-only``."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

import click
from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import content_versions, schema, secret_mark, settings, signals
from commentsvc import read_only as mode
from commentsvc.cli.application import with_application
from commentsvc.db import db
from commentsvc.errors import StorageUnavailable
from commentsvc.fields import rendered
from commentsvc.jobs.schedule import Schedule
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread

BATCH = 200


@click.command()
@with_application
def work() -> None:
    """Send emails and verify pings until stopped; any number may run beside each other."""
    with suppress(SQLAlchemyError, StorageUnavailable):  # it may be away for now
        secret_mark.warn_if_changed()
    db.session.remove()
    jobs = Schedule(current_app._get_current_object().app_context)  # type: ignore[attr-defined]
    done = threading.Event()
    signals.end_by(lambda *_: done.set())
    click.echo("Working; stop with Ctrl+C.")
    done.wait()
    jobs.end()


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option(
    "--why", default="We are working on the server.", show_default=True, help="A full sentence that people see."
)
@with_application
def read_only(state: str, why: str) -> None:
    """Stop every write within a second, or allow them again. Readers are served as before, and jobs rest."""
    if not why.strip():
        raise click.UsageError("Give a reason with --why, or leave --why out.")
    with mode.ignored():
        db.run_in_transaction(lambda: mode.set_reason(why.strip() if state == "on" else ""))
    click.echo(f"Read-only: {why.strip()}" if state == "on" else "Comments can be written again.")


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
        for count in db.commit_each(partial(_render, ids) for ids in _batches()):
            bar.update(count)
    db.run_in_transaction(_tell_caches)
    click.echo(f"{total} comments rendered.")


def _tell_caches() -> None:
    db.session.execute(update(Thread).values(version=Thread.version + 1))
    for site_id in db.session.scalars(select(Site.id)).all():
        content_versions.bump_site(site_id)


def _render(ids: Sequence[int]) -> int:
    for comment in db.session.scalars(select(Comment).where(Comment.id.in_(ids))):
        comment.body_html = rendered(comment.body)
    return len(ids)


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
