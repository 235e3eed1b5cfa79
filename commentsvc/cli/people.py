"""``forget``: erase what is stored about somebody."""

import click

from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import mail_address
from commentsvc.moderation.actions import Operator
from commentsvc.privacy import personal_data


@click.command()
@click.argument("email")
@click.confirmation_option(prompt="This empties their comments and deletes their emails, for good. Go on?")
@with_application
def forget(email: str) -> None:
    """Erase everything that is stored about EMAIL: comments are emptied, emails and subscriptions deleted."""
    address = mail_address(email)
    erased = personal_data.erase(address, Operator())
    click.echo(f"Erased {address}: {erased} comments.")
