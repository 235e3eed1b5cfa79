"""Saved replies; those of owners are everybody's."""

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db
from commentsvc.errors import InvalidFields, NotFound, or_404
from commentsvc.models.saved_reply import SavedReply
from commentsvc.moderation import notes
from commentsvc.web.admin import session
from commentsvc.web.options import int_arg

blueprint = Blueprint("saved_replies", __name__, url_prefix="/admin/saved-replies")
session.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """Show all, and the form for another one, or with ``?edit=`` for one's own."""
    reply = db.session.get(SavedReply, int_arg("edit") or 0)
    if reply is None or reply.moderator_id != session.current_moderator().id:
        return _page()
    return _page(typed={"title": reply.title, "body": reply.body})


@blueprint.post("")
def save() -> AnyResponse | tuple[str, int]:
    """Save one; it replaces one of the same name."""
    db.begin_write()
    try:
        notes.save_reply(request.form.get("title", ""), request.form.get("body", ""), session.current_moderator())
    except InvalidFields as wrong:
        db.session.rollback()
        return _page(wrong), wrong.status
    db.session.commit()
    return redirect(url_for("saved_replies.show"), code=303)


@blueprint.post("/<id:reply_id>/removal")
def remove(reply_id: int) -> str:
    """Delete one's own; the form contains it, so it can be saved again."""
    db.begin_write()
    reply = or_404(db.session.get(SavedReply, reply_id))
    if reply.moderator_id != session.current_moderator().id:
        raise NotFound
    typed = {"title": reply.title, "body": reply.body}
    db.session.delete(reply)
    db.session.commit()
    return _page(typed=typed)


def _page(wrong: InvalidFields | None = None, typed: Mapping[str, str] = MappingProxyType({})) -> str:
    who = session.current_moderator()
    return render_template(
        "admin/saved_replies.html",
        saved=notes.saved_replies(who),
        typed=request.form if wrong else typed,
        errors=wrong.fields if wrong else {},
    )
