"""The letters: sent, waiting and failed, with the mail server's own words."""

from flask import Blueprint, render_template

from commentsvc import settings
from commentsvc.notifications import outbox
from commentsvc.web.admin import signed_in

blueprint = Blueprint("letters", __name__, url_prefix="/admin")
signed_in.guard(blueprint)


@blueprint.get("/letters")
def show() -> str:
    """The last letters, newest first."""
    return render_template(
        "admin/letters.html",
        letters=outbox.latest(),
        has_mail_server=bool(settings.current().mail_url),
        moderator=signed_in.moderator(),
    )
