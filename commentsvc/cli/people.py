"""``forget``: erase what is stored about somebody."""

import click

from commentsvc.cli.application import mail_address, with_application
from commentsvc.comments import personal_data
from commentsvc.db import db


@click.command()
@click.argument("email")
@click.confirmation_option(prompt="This empties their comments and deletes their letters, for good. Go on?")
@with_application
def forget(email: str) -> None:
    """Erase everything that is stored about EMAIL: comments are emptied, letters and subscriptions deleted."""
    address = mail_address(email)
    db.begin_write()
    threads = personal_data.erase(address)
    db.session.commit()
    click.echo(f"Erased {address}: {len(threads)} comments.")
