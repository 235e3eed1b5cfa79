"""``receive`` and ``bounce``: a mail server pipes an email in."""

import sys

import click

from commentsvc.cli.application import with_application
from commentsvc.jobs import email
from commentsvc.mailbox import MAX_MAIL_SIZE


@click.command()
@with_application
def receive() -> None:
    """Take the mail on standard input: an answer, a moderator's decision, or an email that came back."""
    click.echo(email.receive(sys.stdin.buffer.read(MAX_MAIL_SIZE)))


@click.command()
@with_application
def bounce() -> None:
    """Take a mail on standard input, for mail servers that keep apart what comes back; the same as `receive`."""
    click.echo(email.receive(sys.stdin.buffer.read(MAX_MAIL_SIZE)))
