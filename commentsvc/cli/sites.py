"""``site``: blogs that may use this server, and their rules."""

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import select

from commentsvc import links
from commentsvc.cli.application import MAY_BE_PRIVATE, mail_address, site_named, spoken_language, with_application
from commentsvc.db import db
from commentsvc.linkbacks import watching
from commentsvc.linkbacks.watching import Watch
from commentsvc.models.site import KEY, Captcha, Composer, Linkbacks, Moderation, Network, Site, View
from commentsvc.safe_http import FetchFailed, FetchRefused


def _choices(kind: Any) -> click.Choice[str]:
    return click.Choice([str(one) for one in kind])


RULES = (
    click.option("--name", help="What the blog is called."),
    click.option("--language", help="Language of its readers, such as en or de."),
    click.option("--email", help="Where news of held comments goes; default: every moderator."),
    click.option("--captcha", type=_choices(Captcha), help="Who must solve a challenge."),
    click.option("--moderation", type=_choices(Moderation), help="Whose comments wait for a moderator."),
    click.option("--view", type=_choices(View), help="How threads are laid out at first."),
    click.option("--hold-links", type=click.IntRange(0), help="Hold comments with at least this many links."),
    click.option("--hold-words", help="Hold comments with one of these words; separate them with commas."),
    click.option("--disallowed-words", help="Put comments with one of these words with the spam."),
    click.option("--akismet-key", help="Have held comments looked at by Akismet with this key; empty for not."),
    click.option("--akismet-url", help="The address of another checker that speaks Akismet's protocol."),
    click.option(
        "--same-text-hours", type=click.IntRange(0, 87_600), help="Refuse the same text in a thread for so long."
    ),
    click.option("--close-after-days", type=click.IntRange(0), help="Close threads this old; 0 for never."),
    click.option("--comments-per-minute", type=click.IntRange(1), help="Limit for one address."),
    click.option("--page-size", type=click.IntRange(1, 500), help="Top-level comments on a page."),
    click.option("--edit-minutes", type=click.IntRange(0, 1440), help="How long writers may change a comment."),
    click.option("--composer", type=_choices(Composer), help="Whether the form comes first or last."),
    click.option("--share", help="Where readers may share, such as mastodon,email,copy; none for nowhere."),
    click.option("--feed", help="Watch this feed, and tell the pages that new articles link to; none to stop."),
    click.option("--trackbacks", type=_choices(Linkbacks), help="What becomes of verified trackbacks."),
    click.option("--pingbacks", type=_choices(Linkbacks), help="What becomes of verified pingbacks."),
    click.option("--webmentions", type=_choices(Linkbacks), help="What becomes of verified webmentions."),
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
    if not KEY.fullmatch(key):
        raise click.UsageError("KEY is made of letters, digits and hyphens, at most 64 of them.")
    db.begin_write()
    if db.session.scalar(select(Site).where(Site.key == key)):
        raise click.ClickException(f"There is a site {key} already; see `commentsvc site set {key}`.")
    new = Site(key=key, name=key, origins=_origins(origins))
    db.session.add(new)
    _apply(new, rules)
    db.session.commit()
    click.echo(f"Added {key}. Paste this where the comments shall stand:\n\n{two_lines(new)}")


@site.command(name="list")
@with_application
def list_sites() -> None:
    """Show the sites and their rules."""
    for one in db.session.scalars(select(Site).order_by(Site.key)):
        click.echo(
            f"{one.key}: {one.name}, {' '.join(one.origins)}, language {one.language}, captcha {one.captcha}, "
            f"moderation {one.moderation}, hold with {one.hold_links} links, "
            + ", ".join(f"{protocol}s {rule}" for protocol, rule in one.linkbacks.items())
            + (f", feed {feed.url}" if (feed := watching.of_site(one)) else "")
        )


@site.command(name="set")
@click.argument("key")
@click.argument("origins", nargs=-1, metavar="[ORIGIN…]")
@_with_rules
@with_application
def set_rules(key: str, origins: tuple[str, ...], **rules: Any) -> None:
    """Change rules of the blog KEY; with ORIGINs, where its pages live."""
    if not origins and all(value is None for value in rules.values()):
        raise click.UsageError("Nothing to change; `commentsvc site set --help` shows the rules.")
    rules_feed = rules["feed"]
    db.begin_write()
    changed = site_named(key)
    if origins:
        changed.origins = _origins(origins)
    _apply(changed, rules)
    changed.version += 1  # what threads show may depend on any rule
    db.session.commit()
    click.echo(f"Changed {key}.")
    if rules_feed:
        _try_feed(rules_feed)


@site.command()
@click.argument("key")
@click.confirmation_option(prompt="This deletes the site with all its comments. Go on?")
@with_application
def remove(key: str) -> None:
    """Delete the blog KEY with all its threads and comments."""
    db.begin_write()
    db.session.delete(site_named(key))
    db.session.commit()
    click.echo(f"Removed {key}.")


def _try_feed(url: str) -> None:
    """Say at once where something is wrong with it; the worker tries again anyway."""
    if url == "none":
        return
    try:
        watching.entries(watching.look(Watch(0, url, {})))
    except (FetchRefused, FetchFailed) as failure:
        click.echo(f"The feed cannot be read at the moment: {failure}. {MAY_BE_PRIVATE}", err=True)


def two_lines(one: Site) -> str:
    """What a blogger pastes into the article template."""
    return (
        f'<script type="module" src="{links.absolute("/embed.js")}"></script>\n'
        f'<comment-thread site="{one.key}"><a href="{links.absolute(f"/t/{one.key}/")}">Comments</a></comment-thread>'
    )


def _origins(given: tuple[str, ...]) -> list[str]:
    origins = [links.origin_of(one) for one in given]
    for text, origin in zip(given, origins, strict=True):
        if origin is None:
            raise click.UsageError(f"{text} is no origin; write it like https://blog.example.")
    return [origin for origin in origins if origin]


def _networks(typed: str) -> list[str]:
    chosen = [] if typed == "none" else [one.strip() for one in typed.split(",")]
    known = [str(one) for one in Network]
    if unknown := [one for one in chosen if one not in known]:
        raise click.UsageError(f"{unknown[0]} is none of {', '.join(known)}.")
    return chosen


def _one_a_line(typed: str) -> str:
    return "\n".join(word.strip() for word in typed.replace(",", "\n").splitlines() if word.strip())


def _web_address(typed: str) -> str:
    if links.origin_of(typed) is None:
        raise click.UsageError(f"{typed} is no web address; write it whole, with https:// in front.")
    return typed


def _feed(typed: str) -> str:
    return "" if typed == "none" else _web_address(typed)


CHECKED: dict[str, Callable[[str], Any]] = {
    "language": spoken_language,
    "email": mail_address,
    "share": _networks,
    "hold_words": _one_a_line,
    "disallowed_words": _one_a_line,
    "akismet_url": _web_address,
    "feed": _feed,
}


def _apply(changed: Site, rules: dict[str, Any]) -> None:
    for name, checked in CHECKED.items():
        if rules.get(name):
            rules[name] = checked(rules[name])
    if (feed := rules.pop("feed", None)) is not None:
        db.session.flush()
        watching.watch(changed, feed)
    for name, value in rules.items():
        if value is not None:
            setattr(changed, name, value)
    if changed.close_after_days == 0:
        changed.close_after_days = None
