"""The list of what was written, and the decisions about it."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments.submission import LARGEST_ID
from commentsvc.db import db
from commentsvc.errors import NotFound
from commentsvc.models.comment import Comment, State
from commentsvc.moderation import decisions, queue
from commentsvc.web import deciding
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
    before: list[str] = []

    def act(comment: Comment) -> None:
        before.append(comment.state)
        change = decisions.undo if request.form.get(UNDO) else decisions.decide
        change(comment, RESOURCES[resource], by=signed_in.moderator())

    deciding.decide(comment_id, request.form.get("seen"), act)
    listed = request.form.get("listed", State.PENDING)
    state = listed if listed in set(State) else State.PENDING
    return redirect(url_for("queue.show", state=state, decided=comment_id, undo=before[0]), code=303)
