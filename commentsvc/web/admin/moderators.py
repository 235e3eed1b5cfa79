"""Moderators: invite, set roles and sites, remove, bring back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, settings
from commentsvc.accounts import moderators, one_time_links
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, NotUnderstood, Refusal, or_404
from commentsvc.fields import checked_email, row_id
from commentsvc.markup.render import one_line
from commentsvc.models.moderator import Badge, Moderator, Role
from commentsvc.models.site import Site
from commentsvc.moderation import team
from commentsvc.web.admin import session
from commentsvc.web.admin.account import MAX_NAME_LENGTH
from commentsvc.web.options import int_arg

MODERATOR = "<id:moderator_id>"

blueprint = Blueprint("moderators", __name__, url_prefix="/admin/moderators")
session.guard(blueprint, owner=True)
blueprint.before_request(session.require_recent_confirmation)


class NoBlog(Refusal):
    """Somebody who could decide about nothing."""

    status = 422
    sentence = N_("Please choose at least one blog.")


@dataclass(frozen=True)
class InvitationForm:
    """What was typed to invite somebody, and what is wrong with it."""

    email: str = ""
    name: str = ""
    language: str = ""
    role: str = Role.MODERATOR
    site_ids: frozenset[int] = frozenset()
    errors: Mapping[str, Refusal] = field(default_factory=dict)


@blueprint.get("")
def show() -> str:
    """Show everybody who may sign in, and the form to invite."""
    who = session.current_moderator()
    sites = who.visible_sites()
    site_ids = frozenset(one.id for one in sites) if len(sites) == 1 else frozenset()
    return _page(InvitationForm(language=who.language, site_ids=site_ids))


@blueprint.post("")
def invite() -> AnyResponse | tuple[str, int]:
    """Add somebody and mail them an invitation with a sign-in link."""
    typed, name = request.form.get("email", ""), one_line(request.form.get("name", ""))[:MAX_NAME_LENGTH]
    role, language = _role(), request.form.get("language", i18n.language())
    if language not in i18n.languages():
        raise NotUnderstood
    db.begin_write()
    sites, inviter = _sites(), session.current_moderator()
    try:
        if role == Role.MODERATOR and not sites:
            raise InvalidFields({"site": NoBlog()})
        added = team.add(checked_email(typed), name, role, sites, language, by=inviter)
    except InvalidFields as wrong:
        form = InvitationForm(typed, name, language, role, frozenset(site.id for site in sites), wrong.fields)
        db.session.rollback()
        return _page(form), wrong.status
    team.send_link(added, inviter.display_name)
    return _back(invited=added.id)


@blueprint.post(f"/{MODERATOR}")
def change(moderator_id: int) -> AnyResponse:
    """Change role, sites or badge."""
    role, badge = _role(), request.form.get("badge", "")
    db.begin_write()
    who = or_404(db.session.get(Moderator, moderator_id))
    badge = Badge(badge) if badge in set(Badge) else who.badge
    team.change(who, role, _sites(), badge, session.current_moderator())
    return _back(changed=moderator_id)


@blueprint.post(f"/{MODERATOR}/link")
def send_link(moderator_id: int) -> AnyResponse:
    """Mail a one-time sign-in link."""
    db.begin_write()
    team.send_link(or_404(db.session.get(Moderator, moderator_id)))
    return _back()


@blueprint.post(f"/{MODERATOR}/removal")
def remove(moderator_id: int) -> AnyResponse:
    """Remove a moderator and end their sessions; back to the list, which offers to undo it."""
    db.begin_write()
    team.remove(or_404(db.session.get(Moderator, moderator_id)), session.current_moderator())
    return _back(removed=moderator_id)


@blueprint.post(f"/{MODERATOR}/return")
def bring_back(moderator_id: int) -> AnyResponse:
    """Undo a removal."""
    db.begin_write()
    team.bring_back(or_404(db.session.get(Moderator, moderator_id)), session.current_moderator())
    return _back()


def _role() -> Role:
    """Return the chosen role; raises ``NotUnderstood``, so that nobody becomes an owner by mistake."""
    chosen = request.form.get("role", "")
    if chosen not in set(Role):
        raise NotUnderstood
    return Role(chosen)


def _sites() -> list[Site]:
    chosen = [row_id(one) or 0 for one in request.form.getlist("site")]
    return list(db.session.scalars(Site.in_service().where(Site.id.in_(chosen))))


def _back(**changed: Any) -> AnyResponse:
    db.session.commit()
    return redirect(url_for("moderators.show", **changed), code=303)


def _page(form: InvitationForm) -> str:
    removed = db.session.get(Moderator, int_arg("removed") or 0)
    invited = db.session.get(Moderator, int_arg("invited") or 0)
    is_new = invited is not None and invited.removed_at is None and invited.password_hash is None
    return render_template(
        "admin/moderators.html",
        form=form,
        moderators=moderators.everybody(),
        removed_ones=moderators.removed(),
        removed=removed if removed and removed.removed_at else None,
        invited=invited if is_new else None,
        changed=db.session.get(Moderator, int_arg("changed") or 0),
        link=one_time_links.invitation_url(invited) if invited and is_new else "",
        roles=Role,
        days=one_time_links.INVITATION_LIFETIME.days,
        badges=Badge,
        sites=session.current_moderator().visible_sites(),
        has_mail_server=bool(settings.current().mail_url),
    )
