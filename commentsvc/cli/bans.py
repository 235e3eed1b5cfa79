"""``ban``: ban people, list and lift bans."""

import click

from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import site_named
from commentsvc.db import db
from commentsvc.fields import MAX_ID
from commentsvc.models.ban import Ban, BanKind
from commentsvc.moderation import bans
from commentsvc.moderation.actions import Operator


@click.group()
def ban() -> None:
    """Ban people, list and lift bans."""


@ban.command()
@click.argument("kind", type=click.Choice([str(one) for one in BanKind if one != BanKind.BROWSER]))
@click.argument("value")
@click.option("--site", "key", help="Only on this blog; default: on all of them.")
@click.option("--days", type=click.IntRange(1, bans.MAX_DAYS), help="For so long; default: until it is lifted.")
@click.option("--reason", default="", help="Why; only moderators read it.")
@click.option("--trash", is_flag=True, help="Put all they wrote in the trash.")
@with_application
def add(kind: str, value: str, key: str | None, days: int | None, reason: str, trash: bool) -> None:
    """Refuse what comes from, links to or contains VALUE, such as `network 203.0.113.0/24` or `domain example.org`."""

    def impose() -> Ban:
        site = site_named(key) if key else None
        return bans.impose(bans.draft(BanKind(kind), value, site=site, reason=reason, days=days), Operator())

    imposed = db.run_in_transaction(impose)
    moved = f"; comments moved to the trash: {bans.trash_matching(imposed)}" if trash else ""
    click.echo(f"{imposed.label} is banned (ban {imposed.id}){moved}.")


@ban.command(name="list")
@with_application
def list_bans() -> None:
    """Show the bans that are in force."""
    for one in bans.newest():
        if one.is_in_force:
            place = one.site.key if one.site else "all sites"
            until = f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "lifted"
            click.echo(f"{one.id}: {one.kind} {one.label}, {place}, until {until}  {one.reason}".rstrip())


@ban.command()
@click.argument("ban_id", type=click.IntRange(1, MAX_ID))
@click.option("--undo", is_flag=True, help="Also give back what it moved to the trash.")
@with_application
def lift(ban_id: int, undo: bool) -> None:
    """Let them write again."""

    def end() -> Ban:
        found = db.session.get(Ban, ban_id)
        if found is None:
            raise click.ClickException(f"There is no ban {ban_id}; `commentsvc ban list` shows them.")
        if undo:
            bans.undo(found)
        else:
            bans.lift(found, Operator())
        return found

    found = db.run_in_transaction(end)
    back = f"; comments given back: {bans.restore_trashed(found)}" if undo else ""
    click.echo(f"{found.label} is banned no longer{back}.")
