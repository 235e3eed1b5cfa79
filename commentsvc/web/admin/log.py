"""Every decision: who, what, why."""

from flask import Blueprint, render_template

from commentsvc.moderation import queue
from commentsvc.web.admin import signed_in
from commentsvc.web.options import number

blueprint = Blueprint("log", __name__, url_prefix="/admin")
signed_in.guard(blueprint)


@blueprint.get("/log")
def show() -> str:
    """The last decisions, newest first."""
    return render_template("admin/log.html", decisions=queue.log(number("before")), moderator=signed_in.moderator())
