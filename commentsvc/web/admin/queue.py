"""The list of what was written, and the decisions about it."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments.submission import LARGEST_ID
from commentsvc.db import db
from commentsvc.errors import ChangedMeanwhile, NotFound
from commentsvc.linkbacks import verifying
from commentsvc.models.comment import Comment, State
from commentsvc.moderation import decisions, queue
from commentsvc.web import snapshots
from commentsvc.web.admin import signed_in
from commentsvc.web.options import choice, number

UNDO = "undo"  # a field of the form
RESOURCES = {"approval": State.APPROVED, "hold": State.PENDING, "spam": State.SPAM, "trash": State.TRASHED}

blueprint = Blueprint("queue", __name__, url_prefix="/admin")
signed_in.guard(blueprint)


@blueprint.get("/queue")
def show() -> str:
    """Comments and linkbacks of all sites in one state; what waits comes first."""
    state = choice("state", State) or State.PENDING
    undo = db.session.get(Comment, number("decided") or 0)
    return render_template(
        "admin/queue.html",
        page=queue.page(state, number("before")),
        state=state,
        states=State,
        counts=queue.counts(),
        decided=undo,
        undo_to=choice("undo", State),
        moderator=signed_in.moderator(),
    )


@blueprint.post(f"/comments/<int(max={LARGEST_ID}):comment_id>/<resource>")
def decide(comment_id: int, resource: str) -> AnyResponse:
    """Approve, hold, mark as spam or trash; back to the list, which offers to undo it."""
    if resource not in RESOURCES:
        raise NotFound
    db.begin_write()
    comment = Comment.locked(comment_id)
    if comment is None:
        raise NotFound
    if request.form.get("seen", comment.seen_as) != comment.seen_as:
        raise ChangedMeanwhile
    before, thread = comment.state, (comment.thread.site_id, comment.thread.key)
    act = decisions.undo if request.form.get(UNDO) else decisions.decide
    act(comment, RESOURCES[resource], by=signed_in.moderator())
    if comment.is_linkback and comment.is_visible:
        verifying.look_soon(comment)
    db.session.commit()
    snapshots.drop(*thread)
    listed = request.form.get("listed", State.PENDING)
    state = listed if listed in set(State) else State.PENDING
    return redirect(url_for("queue.show", state=state, decided=comment_id, undo=before), code=303)
