"""Bans: list, impose, lift."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db
from commentsvc.errors import InvalidFields, NotFound, OwnersOnly, Refusal
from commentsvc.fields import row_id
from commentsvc.models.ban import Ban, BanKind
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site
from commentsvc.moderation import bans
from commentsvc.moderation.author_identity import AuthorIdentity, NotToBeBanned
from commentsvc.moderation.bans import Affected
from commentsvc.web import current, visitor
from commentsvc.web.admin import session
from commentsvc.web.options import int_arg

PAGE_SIZE = 100  # bans on the page
BAN = "<id:ban_id>"

blueprint = Blueprint("bans", __name__, url_prefix="/admin/bans")
session.guard(blueprint)


@dataclass(frozen=True)
class BanForm:
    """The form in ``templates/admin/bans.html``; about the author of ``comment``, if given.

    ``affected`` is what a ban would move to the trash, where the moderator is asked whether that is meant.
    """

    comment: Comment | None
    refusal: Refusal | None = None
    affected: Affected | None = None

    @cached_property
    def choices(self) -> dict[str, tuple[Ban, Affected | None]]:
        """What a comment's author can be banned by, by what the form says for it.

        With what it would move, where an index finds it.
        """
        known = bans.preset_bans(self.comment) if self.comment else []
        return {_choice(ban): (ban, None if ban.kind == BanKind.DOMAIN else bans.affected(ban)) for ban in known}

    @property
    def site(self) -> str:
        """The id of the chosen site, else of the comment's."""
        return request.form.get("site", str(self.comment.thread.site_id) if self.comment else "")

    @property
    def trashes_comments(self) -> bool:
        """Whether everything they wrote is trashed, too; at first only if it is one person's."""
        if request.form:
            return bool(request.form.get("theirs"))
        _, first = next(iter(self.choices.values()), (None, None))
        return first is not None and len(first.names) <= 1

    @property
    def fingerprint(self) -> str:
        """What a confirmation is about: whoever then chooses something else is asked again."""
        return f"{self.kind} {request.form.get('value', '')} {self.site}"

    @property
    def errors(self) -> Mapping[str, Refusal]:
        """What is wrong with which field."""
        return self.refusal.fields if self.refusal else {}

    @property
    def kind(self) -> str:
        """What was chosen, else the narrowest that is known of the comment's author."""
        return request.form.get("kind") or next(iter(self.choices), BanKind.EMAIL)


@blueprint.get("")
def show() -> AnyResponse | str:
    """Show all bans, and a form for a new one; with ``?comment=``, of its author."""
    return _page(BanForm(session.moderated(db.session.get(Comment, int_arg("comment") or 0))))


@blueprint.post("")
def impose() -> AnyResponse | str | tuple[str, int]:
    """Ban an author; back to the list, which offers to undo it.

    If much or several people's would go to the trash with it, the form comes back once and asks.
    """
    form = request.form
    trashes_comments = bool(form.get("theirs"))
    comment = session.moderated(db.session.get(Comment, row_id(form.get("comment")) or 0))
    try:
        ban = _drafted(comment)
        who, person = session.current_moderator(), visitor.known()
        own = AuthorIdentity(current.address(), who.email, visitor=person.hash if person else "")
        bans.check_not_banning_self(ban, own)
    except InvalidFields as refusal:
        return _page(BanForm(comment, refusal)), refusal.status
    if (
        trashes_comments
        and form.get("confirmed") != BanForm(comment).fingerprint
        and (affected := bans.affected(ban)).is_wide
    ):
        return _page(BanForm(comment, affected=affected))
    db.begin_write()
    bans.impose(ban, session.current_moderator(), comment)
    db.session.commit()
    if trashes_comments:
        bans.trash_matching(ban)
    return _changed(ban)


@blueprint.post(f"/{BAN}/end")
def lift(ban_id: int) -> AnyResponse:
    """Lift a ban. What it trashed stays trashed."""
    db.begin_write()
    ban = _ban(ban_id)
    bans.lift(ban, session.current_moderator())
    db.session.commit()
    return _changed(ban)


@blueprint.post(f"/{BAN}/undo")
def undo(ban_id: int) -> AnyResponse:
    """Lift a ban and restore what it trashed."""
    db.begin_write()
    ban = _ban(ban_id)
    bans.undo(ban)
    db.session.commit()
    return _changed(ban, restored=bans.restore_trashed(ban, session.moderator()) or None)


def _choice(ban: Ban) -> str:
    """Return the kind, and which domain, as a comment may link to several."""
    return f"{ban.kind} {ban.value}" if ban.kind == BanKind.DOMAIN else ban.kind


def _drafted(comment: Comment | None) -> Ban:
    form = request.form
    site, days = _site(), _days()
    kind, _, domain = form.get("kind", "").partition(" ")
    if kind not in set(BanKind):
        raise InvalidFields({"value": NotToBeBanned()})
    typed = domain or form.get("value", "")
    return bans.draft(BanKind(kind), typed, of=comment, site=site, reason=form.get("reason", ""), days=days)


def _site() -> Site | None:
    """Return the chosen site; raises ``InvalidFields`` if it is gone, so that the ban does not cover all sites."""
    who, chosen = session.current_moderator(), request.form.get("site", "")
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


def _changed(ban: Ban, restored: int | None = None) -> AnyResponse:
    return redirect(url_for("bans.show", changed=ban.id, restored=restored), code=303)


def _ban(ban_id: int) -> Ban:
    ban = db.locked(Ban, ban_id)
    if ban is None or not session.current_moderator().moderates(ban.site_id):
        raise NotFound
    return ban


def _page(form: BanForm) -> str:
    who = session.current_moderator()
    found = bans.newest(who, PAGE_SIZE + 1, int_arg("before"))
    listed = found[:PAGE_SIZE]
    return render_template(
        "admin/bans.html",
        bans=listed,
        before=listed[-1].id if len(found) > PAGE_SIZE else None,
        taken=bans.trashed_counts(listed),
        longest_days=bans.MAX_DAYS,
        restored=int_arg("restored"),
        changed=next((ban for ban in listed if ban.id == int_arg("changed")), None),
        kinds=[kind for kind in BanKind if kind != BanKind.BROWSER],
        form=form,
        sites=who.visible_sites(),
    )
