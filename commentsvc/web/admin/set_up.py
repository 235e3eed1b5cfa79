"""The first start: whoever has the link that the server printed becomes the owner."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, throttle
from commentsvc.accounts import one_time_links
from commentsvc.db import db
from commentsvc.errors import InvalidFields, Refusal
from commentsvc.fields import checked_email
from commentsvc.markup.render import one_line
from commentsvc.web import current
from commentsvc.web.admin import session
from commentsvc.web.admin.account import MAX_NAME_LENGTH

blueprint = Blueprint("set_up", __name__, url_prefix="/admin/set-up")
session.guard(blueprint, anonymous=True)


@dataclass(frozen=True)
class SetUpForm:
    """What was typed, except the password, and what is wrong with it."""

    email: str = ""
    name: str = ""
    errors: Mapping[str, Refusal] = field(default_factory=dict)


@blueprint.get("/<token>")
def show(token: str) -> str:
    """Show the form; raises ``LinkExpired`` once there is a moderator."""
    one_time_links.check_set_up_link(token)
    return _page(SetUpForm())


@blueprint.post("/<token>")
def set_up(token: str) -> AnyResponse | tuple[str, int]:
    """Create the owner and sign them in."""
    throttle.hit(throttle.SIGN_INS, current.source())
    name = one_line(request.form.get("name", ""))[:MAX_NAME_LENGTH]
    db.begin_write()
    try:
        email = checked_email(request.form.get("email", ""))
        owner = one_time_links.set_up(token, email, name, request.form.get("password", ""), i18n.language())
    except InvalidFields as wrong:
        db.session.rollback()
        return _page(SetUpForm(request.form.get("email", ""), name, wrong.fields)), wrong.status
    return session.begin(owner, url_for("queue.show"))


def _page(form: SetUpForm) -> str:
    return render_template("admin/set_up.html", form=form)
