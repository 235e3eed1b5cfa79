"""``site``: blogs that may use this server, and their rules."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click

from commentsvc import i18n
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import MAY_BE_PRIVATE, site_named
from commentsvc.db import db
from commentsvc.errors import InvalidFields
from commentsvc.hosts import readable
from commentsvc.linkbacks import watching
from commentsvc.linkbacks.watching import ClaimedFeed
from commentsvc.models.site import Site
from commentsvc.models.watched_feed import WatchedFeed
from commentsvc.moderation.actions import Operator
from commentsvc.safe_http import FetchFailed, FetchRefused
from commentsvc.sites import removal as site_removal
from commentsvc.sites import rules as site_rules
from commentsvc.sites import sites
from commentsvc.sites.rules import Rule


class WrongRule(click.ClickException):
    """A usage error that prints only its message."""

    exit_code = click.UsageError.exit_code


def _option(rule: Rule) -> Any:
    """Return a rule as an option; the rule itself checks what click does not."""
    kind: Any = str
    if rule.choices and not rule.several:
        kind = click.Choice([str(one) for one in rule.choices])
    elif rule.bounds:
        kind = click.IntRange(*rule.bounds)
    ways = f" Several with commas: {', '.join(rule.choices)}; `none` for none." if rule.several and rule.choices else ""
    return click.option(f"--{rule.name.replace('_', '-')}", type=kind, help=rule.sentence + ways)


RULES = (
    *map(_option, site_rules.RULES),
    click.option(
        "--feed", help="Watch this feed, and send linkbacks to the pages that new articles link to; `none` to stop."
    ),
)


def _with_rules(command: Any) -> Any:
    for rule in reversed(RULES):
        command = rule(command)
    return command


@click.group()
def site() -> None:
    """Blogs that may use this server, and their rules."""


@site.command()
@click.argument("key")
@click.argument("origins", nargs=-1, required=True, metavar="ORIGIN…")
@_with_rules
@with_application
def add(key: str, origins: tuple[str, ...], **rules: Any) -> None:
    """Add the blog KEY whose pages live at ORIGIN (https://blog.example), and show the two lines for its template."""

    def add_site() -> Site:
        if db.session.scalar(Site.in_service().where(Site.key == key)):
            raise click.ClickException(f"There is a site {key} already; see `commentsvc site set {key}`.")
        with _as_usage_error():
            return sites.add(key, site_rules.origins([*origins]), _validated(rules))

    new = db.run_in_transaction(add_site)
    _explain_origins(origins, new.origins)
    click.echo(f"Added {key}. Paste this where the comments should appear:\n\n{sites.two_lines(new)}")


@site.command(name="list")
@with_application
def list_sites() -> None:
    """Show the sites and their rules."""
    for one in db.session.scalars(Site.in_service().order_by(Site.key)):
        feed = WatchedFeed.of_site(one)
        click.echo(f"{one.key}: {one.name}")
        click.echo(f"  at         {' '.join(map(readable, one.origins))}")
        click.echo(f"  language   {one.language}")
        click.echo(f"  captcha    {one.captcha}")
        click.echo(f"  moderation {one.moderation}, hold with {one.hold_links} links")
        click.echo(f"  linkbacks  {', '.join(f'{protocol}s {rule}' for protocol, rule in one.linkbacks.items())}")
        click.echo(f"  feed       {feed.url if feed else 'none'}")


@site.command(name="set")
@click.argument("key")
@click.argument("origins", nargs=-1, metavar="[ORIGIN…]")
@_with_rules
@with_application
def set_rules(key: str, origins: tuple[str, ...], **rules: Any) -> None:
    """Change rules of the blog KEY; with ORIGINs, where its pages live."""
    if not origins and all(value is None for value in rules.values()):
        raise click.UsageError("Nothing to change; `commentsvc site set --help` shows the rules.")
    with _as_usage_error():
        values = _validated(rules)
        if origins:
            values["origins"] = site_rules.origins([*origins])
    db.run_in_transaction(lambda: sites.change(site_named(key), values, Operator()))
    click.echo(f"Changed {key}.")
    _explain_origins(origins, site_named(key).origins)
    if values.get(sites.FEED_FIELD):
        _try_feed(values[sites.FEED_FIELD])


@site.command()
@click.argument("key")
@click.confirmation_option(prompt="This deletes the site with all its comments. Go on?")
@with_application
def remove(key: str) -> None:
    """Delete the blog KEY with all its threads and comments."""
    db.run_in_transaction(lambda: site_removal.begin(site_named(key), Operator()))
    for _ in db.in_batches(site_removal.delete_batch):
        pass
    click.echo(f"Removed {key}.")


def _explain_origins(typed: Iterable[str], taken: list[str]) -> None:
    """Say that a path was left out: browsers tell only the origin of a page, so it cannot be checked."""
    if any(urlsplit(one).path.strip("/") for one in typed):
        click.echo(f"Of each address only the origin counts: {' '.join(map(readable, taken))}", err=True)


@contextmanager
def _as_usage_error() -> Iterator[None]:
    """Say in one sentence what is wrong with a rule; the status is that of a usage error."""
    try:
        yield
    except InvalidFields as wrong:
        raise WrongRule(" ".join(i18n.sentence(one) for one in wrong.fields.values())) from None


def _validated(rules: dict[str, Any]) -> dict[str, Any]:
    """Return typed rules as values; ``none`` as feed means that none is watched."""
    typed = {name: str(value) for name, value in rules.items() if value is not None}
    feed = typed.pop(sites.FEED_FIELD, None)
    values = site_rules.validated(typed)
    if feed is not None:
        values[sites.FEED_FIELD] = "" if feed == "none" else site_rules.checked_feed(feed)
    return values


def _try_feed(url: str) -> None:
    """Report at once if the feed cannot be read; a job tries again anyway."""
    try:
        watching.perform(ClaimedFeed(0, url, {}))
    except (FetchRefused, FetchFailed) as failure:
        click.echo(f"The feed cannot be read at the moment: {failure}. {MAY_BE_PRIVATE}", err=True)
