"""``channel``: webhooks and push services that hear of comments."""

import click

from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import site_named
from commentsvc.db import db
from commentsvc.models.channel import Channel, ChannelKind
from commentsvc.notifications import channels


@click.group()
def channel() -> None:
    """Webhooks and push services that hear of comments."""


@channel.command()
@click.argument("kind", type=click.Choice([str(one) for one in ChannelKind]))
@click.argument("url")
@click.option("--site", help="Only of this blog; otherwise of all.")
@with_application
def add(kind: str, url: str, site: str | None) -> None:
    """Tell URL of comments: a webhook (https://…), or a push service as Apprise writes it (ntfy://…)."""
    added = db.run_in_transaction(
        lambda: channels.open_channel(ChannelKind(kind), url, site_named(site) if site else None)
    )
    click.echo(f"Added channel {added.id}.")
    if added.secret:
        click.echo(f"It signs with {channels.shown_secret(added)}")


@channel.command(name="list")
@with_application
def list_channels() -> None:
    """Show the channels."""
    for one in channels.all_channels():
        ended = ", its receiver says that it is gone" if one.ended_at else ""
        click.echo(f"{one.id}: {one.kind} {one.url}, {one.site.key if one.site else 'every blog'}{ended}")


@channel.command()
@click.argument("channel_id", type=int)
@with_application
def rotate(channel_id: int) -> None:
    """Sign with a new secret, and with the old one for another day."""
    db.run_in_transaction(lambda: channels.rotate(_known(channel_id)))
    click.echo(f"It signs with {channels.shown_secret(_known(channel_id))}")


@channel.command()
@click.argument("channel_id", type=int)
@with_application
def test(channel_id: int) -> None:
    """Send something harmless; the worker does it."""
    db.run_in_transaction(lambda: channels.test(_known(channel_id)))
    click.echo("Queued. The admin pages show the result.")


@channel.command()
@click.argument("channel_id", type=int)
@with_application
def remove(channel_id: int) -> None:
    """Tell it nothing more, and forget what was told."""
    db.run_in_transaction(lambda: db.session.delete(_known(channel_id)))
    click.echo(f"Removed channel {channel_id}.")


def _known(channel_id: int) -> Channel:
    found = db.session.get(Channel, channel_id)
    if found is None:
        raise click.ClickException(f"There is no channel {channel_id}; `commentsvc channel list` shows them.")
    return found
