"""Bans: list, impose, lift."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import links
from commentsvc.db import db
from commentsvc.errors import InvalidFields, NotFound, OwnersOnly, Refusal
from commentsvc.fields import row_id
from commentsvc.models.ban import Ban, BanKind
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site
from commentsvc.moderation import bans
from commentsvc.moderation.author_identity import NotToBeBanned
from commentsvc.web.admin import signed_in
from commentsvc.web.options import int_arg

SHOWN = 100  # bans on the page
BAN = "<id:ban_id>"

blueprint = Blueprint("bans", __name__, url_prefix="/admin/bans")
signed_in.guard(blueprint)


@dataclass(frozen=True)
class BanForm:
    """The form in ``templates/admin/bans.html``; about the author of ``comment``, if given."""

    comment: Comment | None
    refusal: Refusal | None = None

    @property
    def value(self) -> str:
        """What was typed, else the host of a linkback."""
        linkback = self.comment.website if self.comment and self.comment.is_linkback else None
        return request.form.get("value", links.host_of(linkback or ""))

    @property
    def site(self) -> str:
        """The id of the chosen site, else of the comment's."""
        return request.form.get("site", str(self.comment.thread.site_id) if self.comment else "")

    @property
    def takes_theirs(self) -> bool:
        """Whether everything they wrote is trashed, too."""
        return bool(request.form.get("theirs")) if request.form else self.comment is not None

    @property
    def errors(self) -> Mapping[str, Refusal]:
        """What is wrong with which field."""
        return self.refusal.fields if self.refusal else {}

    @property
    def kind(self) -> str:
        """What was chosen, else what is known of the comment's author."""
        if "kind" in request.form:
            return request.form["kind"]
        if self.comment and self.comment.is_linkback:
            return BanKind.DOMAIN
        return BanKind.ADDRESS if self.comment and self.comment.address_hash else BanKind.EMAIL


@blueprint.get("")
def show() -> AnyResponse | str:
    """Show all bans, and a form for a new one; with ``?comment=``, of its author."""
    return _page(BanForm(signed_in.own(db.session.get(Comment, int_arg("comment") or 0))))


@blueprint.post("")
def impose() -> AnyResponse | tuple[str, int]:
    """Ban an author; back to the list, which offers to undo it."""
    db.begin_write()
    comment = signed_in.own(db.session.get(Comment, row_id(request.form.get("comment")) or 0))
    try:
        ban = _imposed(comment)
    except InvalidFields as refusal:
        db.session.rollback()
        return _page(BanForm(db.session.get(Comment, comment.id) if comment else None, refusal)), refusal.status
    db.session.commit()
    if request.form.get("theirs"):
        bans.trash_theirs(ban)
    return _changed(ban)


@blueprint.post(f"/{BAN}/end")
def lift(ban_id: int) -> AnyResponse:
    """Lift a ban. What it trashed stays trashed."""
    db.begin_write()
    ban = _ban(ban_id)
    bans.lift(ban)
    db.session.commit()
    return _changed(ban)


@blueprint.post(f"/{BAN}/undo")
def undo(ban_id: int) -> AnyResponse:
    """Lift a ban and restore what it trashed."""
    db.begin_write()
    ban = _ban(ban_id)
    bans.undo(ban)
    db.session.commit()
    bans.give_back_theirs(ban, signed_in.moderator())
    return _changed(ban)


def _imposed(comment: Comment | None) -> Ban:
    form = request.form
    site, days = _site(), _days()
    if form.get("kind") not in set(BanKind):
        raise InvalidFields({"value": NotToBeBanned()})
    return bans.impose(
        BanKind(form["kind"]),
        form.get("value", ""),
        by=signed_in.person(),
        of=comment,
        site=site,
        reason=form.get("reason", ""),
        days=days,
    )


def _site() -> Site | None:
    """Return the chosen site; raises ``InvalidFields`` if it is gone, so that the ban does not cover all sites."""
    who, chosen = signed_in.person(), request.form.get("site", "")
    if not chosen and not who.is_owner:
        raise InvalidFields({"site": OwnersOnly()})
    site = db.session.get(Site, row_id(chosen) or 0)
    if chosen and (site is None or not who.moderates(site.id)):
        raise InvalidFields({"site": bans.SiteGone()})
    return site


def _days() -> int | None:
    if not (typed := request.form.get("days", "").strip()):
        return None
    if not (days := row_id(typed)) or days > bans.MAX_DAYS:
        raise InvalidFields({"days": bans.NotSoLong(most=bans.MAX_DAYS)})
    return days


def _changed(ban: Ban) -> AnyResponse:
    return redirect(url_for("bans.show", changed=ban.id), code=303)


def _ban(ban_id: int) -> Ban:
    ban = bans.locked(ban_id)
    if ban is None or not signed_in.person().moderates(ban.site_id):
        raise NotFound
    return ban


def _page(form: BanForm) -> str:
    who = signed_in.person()
    listed = bans.newest(who, SHOWN, int_arg("before"))
    return render_template(
        "admin/bans.html",
        bans=listed,
        before=listed[-1].id if len(listed) == SHOWN else None,
        taken=bans.taken_by(listed),
        longest_days=bans.MAX_DAYS,
        changed=next((ban for ban in listed if ban.id == int_arg("changed")), None),
        kinds=BanKind,
        form=form,
        sites=who.seen_sites(),
        moderator=who,
    )
