"""``moderator``: who may sign in."""

import sys

import click

from commentsvc import i18n
from commentsvc.accounts import moderators, one_time_links, passkeys, passwords
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import mail_address, site_named, spoken_language
from commentsvc.db import db
from commentsvc.models.moderator import Moderator, Role
from commentsvc.models.site import Site
from commentsvc.moderation import team
from commentsvc.moderation.actions import Operator


@click.group()
def moderator() -> None:
    """Who may sign in and decide."""


@moderator.command()
@click.argument("email")
@click.option("--name", default="", help="Shown beside their comments.")
@click.option("--language", help="Language of the dashboard and of emails; default: the blog’s.")
@click.option("--site", "keys", multiple=True, help="Moderates this blog alone (and others named so); else an owner.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_application
def add(email: str, name: str, language: str | None, keys: tuple[str, ...], password_stdin: bool) -> None:
    """Add a moderator and show a link that signs them in once."""
    address = mail_address(email)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None

    def add_to_team() -> Moderator:
        if Moderator.with_email(address):
            raise click.ClickException(f"{address} is a moderator already; see `commentsvc moderator link {address}`.")
        role = Role.MODERATOR if keys else Role.OWNER
        sites = [site_named(key) for key in keys]
        spoken = spoken_language(language) if language else _language_of(sites)
        added = team.add(address, name, role, sites, spoken, by=Operator())
        if password is not None:
            passwords.set_password(added, password)
        return added

    added = db.run_in_transaction(add_to_team)
    click.echo(f"Added {address}.\nSign in once within three days: {one_time_links.invitation_url(added)}")


def _language_of(sites: list[Site]) -> str:
    """Return the language of the first of these blogs, else of the first there is."""
    first = sites[0] if sites else db.session.scalars(Site.in_service().order_by(Site.id)).first()
    return first.language if first else i18n.SOURCE


@moderator.command()
@click.argument("email")
@with_application
def link(email: str) -> None:
    """Show a link that signs EMAIL in once, within the hour."""
    click.echo(one_time_links.sign_in_url(_known(email)))


@moderator.command(name="list")
@with_application
def list_moderators() -> None:
    """Show who may sign in."""
    for one in moderators.everybody():
        keys = len(passkeys.of(one))
        ways = ["password"] * bool(one.password_hash) + [f"passkeys: {keys}"] * bool(keys)
        place = "owner" if one.is_owner else f"moderates {' '.join(site.key for site in one.sites) or 'nothing'}"
        click.echo(f"{one.email}  {one.name}  {place}  {', '.join(ways) or 'links only'}")


@moderator.command()
@click.argument("email")
@with_application
def remove(email: str) -> None:
    """Take the right to sign in away from EMAIL; their decisions stay in the log."""
    db.run_in_transaction(lambda: team.remove(_known(email), Operator()))
    click.echo(f"Removed {email}.")


def _known(email: str) -> Moderator:
    found = Moderator.with_email(email)
    if found is None:
        raise click.ClickException(f"{email} is no moderator; `commentsvc moderator list` shows them.")
    return found
