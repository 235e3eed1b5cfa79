"""``spam``: what the filter learned from moderators' decisions."""

import csv
import sys

import click

from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import site_named
from commentsvc.db import db
from commentsvc.moderation import training

SITE = click.option("--site", "key", required=True, help="The blog's key.")


@click.group()
def spam() -> None:
    """What the spam filter learned from moderators' decisions."""


@spam.command(name="export")
@SITE
@with_application
def export_lessons(key: str) -> None:
    """Write every word with the number of spam and of approved texts it stood in, as CSV."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("word", "spam", "approved"))
    for lesson in training.export_words(site_named(key)):
        table.writerow((lesson.word, lesson.spam, lesson.ham))


@spam.command()
@SITE
@click.confirmation_option(prompt="The filter begins anew on this site. Go on?")
@with_application
def forget(key: str) -> None:
    """Forget everything that was learned on one site; the comments stay as they are."""
    count = db.run_in_transaction(lambda: training.forget(site_named(key)))
    click.echo(f"Forgot what {count} comments taught.")
