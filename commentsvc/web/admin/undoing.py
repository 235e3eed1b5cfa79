"""Undo an action: from the queue, the log, or a page that offers it."""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments import undoing
from commentsvc.db import db
from commentsvc.errors import NotFound, or_404
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.moderation import bans
from commentsvc.web.admin import session
from commentsvc.web.admin.listing import Listing
from commentsvc.web.admin.queue import FRAGMENT, fragment

blueprint = Blueprint("undoing", __name__, url_prefix="/admin/actions")
session.guard(blueprint)


@blueprint.post("/<id:action_id>/reversal")
def undo(action_id: int) -> AnyResponse | str:
    """Undo an action, except what was decided since."""
    db.begin_write()
    action = or_404(db.locked(ModeratorAction, action_id))
    if not undoing.is_allowed(action, session.current_moderator()):
        raise NotFound
    undone = undoing.undo(action, session.current_moderator())
    db.session.commit()
    if undone.ban is not None:
        bans.restore_trashed(undone.ban, session.current_moderator())
    listing = Listing.of_form()
    if request.headers.get(FRAGMENT):
        return fragment(listing, undone=action, shown=undone.comments)
    if request.form.get("next"):
        return redirect(f"{session.next_url()}?undone={action_id}", code=303)
    return redirect(listing.url(undone=action_id), code=303)
