"""Add a site, change its rules, undo a change."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from commentsvc import content_versions, i18n, links
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal, or_404
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.site import KEY, Site
from commentsvc.models.watched_feed import WatchedFeed
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person

FEED_FIELD = "feed"  # among a site's values; what is watched is a row of its own


class NotAKey(Refusal):
    """Not a possible key."""

    status = 422
    sentence = N_("A key may contain only letters, digits and hyphens, and at most 64 characters.")


class KeyTaken(Refusal):
    """Another site has this key."""

    status = 422
    sentence = N_("A blog with this key already exists.")


class OriginTaken(Refusal):
    """Another site has this origin, so nobody could tell whose a page there is."""

    status = 422
    sentence = N_("%(origin)s belongs to the blog %(key)s already.")


def add(key: str, places: list[str], values: Mapping[str, Any]) -> Site:
    """Add a site; raises ``InvalidFields``."""
    if not KEY.fullmatch(key):
        raise InvalidFields({"key": NotAKey()})
    if db.session.scalar(select(Site.id).where(Site.key == key)) is not None:
        raise InvalidFields({"key": KeyTaken()})
    _must_be_free(places)
    site = Site(key=key, origins=places, name=key)
    db.session.add(site)
    db.session.flush()
    _apply(site, values)
    return site


def _apply(site: Site, values: Mapping[str, Any]) -> None:
    """Change rules; any of them may affect how threads look."""
    if "origins" in values:
        _must_be_free(values["origins"], site)
    for name, value in values.items():
        if name == FEED_FIELD:
            watch(site, value)
        else:
            setattr(site, name, value)
    db.session.flush()
    content_versions.bump_site(site.id)


def _must_be_free(places: list[str], site: Site | None = None) -> None:
    with db.session.no_autoflush:
        others = [one for one in db.session.scalars(Site.in_service()) if one is not site]
    for other in others:
        if taken := next((place for place in places if place in other.origins), None):
            raise InvalidFields({"origins": OriginTaken(origin=taken, key=other.key)})


def watch(site: Site, url: str) -> None:
    """Watch this feed instead of the site's current one; none if empty."""
    known = WatchedFeed.of_site(site)
    if known is not None and known.url == url:
        return
    if known is not None:
        db.session.delete(known)
        db.session.flush()
    if url:
        db.session.add(WatchedFeed(site_id=site.id, site=site, url=url))


def change(site: Site, values: Mapping[str, Any], by: Person) -> ModeratorAction | None:
    """Change a site's rules, as an action; None if nothing differs."""
    undo_data = {name: now for name, value in values.items() if (now := _now(site, name)) != value}
    if not undo_data:
        return None
    _apply(site, {name: values[name] for name in undo_data})
    left = {name: _now(site, name) for name in undo_data}
    return actions.record(Verb.SITE, by, site=site, undo_data={"before": undo_data, "left": left})


def undo_change(action: ModeratorAction) -> list[Any]:
    """Restore the rules, except those that were changed again since."""
    site = or_404(db.session.get(Site, action.site_id or 0))
    before, left = action.undo_data["before"], action.undo_data["left"]
    _apply(site, {name: value for name, value in before.items() if _now(site, name) == left[name]})
    return []


def _now(site: Site, name: str) -> Any:
    if name != FEED_FIELD:
        return getattr(site, name)
    feed = WatchedFeed.of_site(site)
    return feed.url if feed else ""


def two_lines(site: Site) -> str:
    """Return what a blogger pastes into the article template, the same for all articles.

    Browsers without JavaScript say by which article the link was followed.
    """
    with i18n.using_language(site.language):
        text = i18n.gettext("Comments")
    address = links.absolute(f"/t/{site.key}/")
    link = f'<a href="{address}" referrerpolicy="no-referrer-when-downgrade">{text}</a>'
    return (
        f'<script type="module" src="{links.absolute("/embed.js")}"></script>\n'
        f'<comment-thread site="{site.key}">{link}</comment-thread>'
    )
