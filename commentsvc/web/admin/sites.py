"""Sites: names, origins, rules, the two lines to paste, and a page check."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, settings
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal, or_404
from commentsvc.linkbacks import page_check_queue
from commentsvc.models.leased import QUEUED
from commentsvc.models.site import Site
from commentsvc.models.watched_feed import WatchedFeed
from commentsvc.moderation import queue
from commentsvc.sites import removal as site_removal
from commentsvc.sites import rules as site_rules
from commentsvc.sites import sites
from commentsvc.sites.rules import Group
from commentsvc.threads import listing as thread_list
from commentsvc.web.admin import session

blueprint = Blueprint("sites", __name__, url_prefix="/admin/sites")
session.guard(blueprint, owner=True)


class NotItsName(Refusal):
    """Dangerous actions require typing the key."""

    status = 422
    sentence = N_("Please type the blog’s key to confirm.")


@blueprint.get("")
def show() -> str:
    """Show all sites, and the form to add one."""
    return _list()


@blueprint.post("")
def add() -> AnyResponse | tuple[str, int]:
    """Add a site."""
    form = request.form
    db.begin_write()
    try:
        places = site_rules.origins(form.get("origins", "").split())
        name = form.get("name", "").strip()
        values = site_rules.validated({"language": i18n.language(), **({"name": name} if name else {})})
        site = sites.add(form.get("key", "").strip(), places, values)
    except InvalidFields as wrong:
        db.session.rollback()
        return _list(wrong), wrong.status
    key = site.key
    db.session.commit()
    return redirect(url_for("sites.show_one", key=key, _anchor="lines"), code=303)


@blueprint.get("/<key>")
def show_one(key: str) -> str:
    """Show everything about a site."""
    return _page(Site.named(key))


@blueprint.post("/<key>")
def change(key: str) -> AnyResponse | tuple[str, int]:
    """Change rules; nothing is changed if one of them is invalid."""
    db.begin_write()
    site = Site.named(key)
    try:
        values = site_rules.validated_form(_typed(), request.form.get("origins", ""), request.form.get("feed", ""))
        action = sites.change(site, values, session.current_moderator())
    except InvalidFields as wrong:
        db.session.rollback()
        return _page(Site.named(key), wrong), wrong.status
    action_id = action.id if action else None
    db.session.commit()
    return redirect(url_for("sites.show_one", key=key, action=action_id), code=303)


@blueprint.post("/<key>/page-check")
def check_page(key: str) -> AnyResponse | tuple[str, int]:
    """Enqueue a page check."""
    url = request.form.get("url", "").strip()
    db.begin_write()
    site = Site.named(key)
    try:
        site_rules.web_address(url)
    except Refusal as refusal:
        db.session.rollback()
        wrong = InvalidFields({"page_check": refusal})
        return _page(Site.named(key), wrong), wrong.status
    page_check_queue.enqueue(site, url)
    db.session.commit()
    return redirect(url_for("sites.show_page_check", key=key), code=303)


@blueprint.get("/<key>/page-check")
def show_page_check(key: str) -> str:
    """Show the findings; a page of its own, as it reloads until the check is done."""
    site = Site.named(key)
    page_check = or_404(page_check_queue.last_of(site))
    is_waiting = page_check.state == QUEUED
    return render_template(
        "admin/page_check.html",
        site=site,
        page_check=page_check,
        is_waiting=is_waiting,
    )


@blueprint.post("/<key>/removal")
def remove(key: str) -> AnyResponse | tuple[str, int]:
    """Remove a site with all its comments; that cannot be undone."""
    session.require_recent_confirmation()
    db.begin_write()
    site = Site.named(key)
    if request.form.get("key", "").strip() != key:
        db.session.rollback()
        wrong = InvalidFields({"removed": NotItsName()})
        return _page(Site.named(key), wrong), wrong.status
    site_removal.begin(site, session.current_moderator())
    db.session.commit()  # a job deletes what was written there
    return redirect(url_for("sites.show"), code=303)


def _typed() -> dict[str, str]:
    """Return what was typed for each rule; of multiple choices, those that were ticked."""
    form = request.form
    return {
        rule.name: ",".join(form.getlist(rule.name)) if rule.several else form.get(rule.name, "")
        for rule in site_rules.RULES
    }


def _list(wrong: InvalidFields | None = None) -> str:
    who = session.current_moderator()
    return render_template(
        "admin/sites.html",
        sites=queue.waiting_by_site(who),
        errors=wrong.fields if wrong else {},
    )


def _page(site: Site, wrong: InvalidFields | None = None) -> str:
    who = session.current_moderator()
    feed, newest = WatchedFeed.of_site(site), thread_list.page(who, site.id, None, "", "").threads[:1]
    page_check = page_check_queue.last_of(site)
    rules = {group: [rule for rule in site_rules.RULES if rule.group == group] for group in Group}
    return render_template(
        "admin/site.html",
        site=site,
        rules=rules,
        typed=_typed() if wrong and "origins" in request.form else None,
        feed=feed.url if feed else "",
        errors=wrong.fields if wrong else {},
        two_lines=sites.two_lines(site),
        newest=newest[0] if newest else None,
        look="dark" if request.args.get("look") == "dark" else "light",
        page_check=page_check,
        base_url=settings.current().base_url,
        action=session.requested_action("action"),
        undone=session.requested_action("undone"),
        last=None,
    )
