"""What is stored about an email address: show, export, erase."""

import json

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import settings
from commentsvc.accounts import sessions
from commentsvc.errors import InvalidFields, Refusal
from commentsvc.fields import checked_email
from commentsvc.moderation import authors
from commentsvc.privacy import personal_data
from commentsvc.web.admin import session

blueprint = Blueprint("people", __name__, url_prefix="/admin/people")
session.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str | tuple[str, int]:
    """Show who wrote lately, a field for an address, and what is stored about it."""
    typed = request.args.get("email", "").strip()
    try:
        email = checked_email(typed) if typed else ""
    except InvalidFields as wrong:
        return _page(typed, wrong.fields["email"]), wrong.status
    return _page(email)


@blueprint.get("/export")
def export() -> Response:
    """Return everything about an address as a file."""
    return as_file(checked_email(request.args.get("email", "")))


@blueprint.post("/erasure")
def erase() -> AnyResponse:
    """Erase somebody's data; that cannot be undone."""
    session.require_recent_confirmation()
    erased = personal_data.erase(checked_email(request.form.get("email", "")), session.current_moderator())
    return redirect(url_for("people.show", erased=erased), code=303)


def as_file(email: str) -> Response:
    """Return what is stored as readable JSON."""
    text = json.dumps(personal_data.collect(email), ensure_ascii=False, indent=2)
    response = Response(text, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="what-is-stored.json"'
    return response


def _page(email: str, wrong: Refusal | None = None) -> str:
    own = session.of_request()
    return render_template(
        "admin/people.html",
        email=email,
        has_mail_server=bool(settings.current().mail_url),
        wrong=wrong,
        stored=personal_data.collect(email) if email and wrong is None else None,
        erased=request.args.get("erased"),
        authors=authors.lately(session.current_moderator()) if not email else [],
        is_recently_confirmed=own is not None and sessions.is_recently_confirmed(own),
    )
