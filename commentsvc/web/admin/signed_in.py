"""Who is signed in, and the rules of every page of the desk."""

from flask import Blueprint, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import accounts, i18n, settings
from commentsvc.db import db
from commentsvc.models.moderator import Moderator
from commentsvc.web import current, security

csrf = CSRFProtect()


def cookie_name() -> str:
    """The moderators' own cookie; it has nothing to do with the visitors'."""
    return "__Host-moderator" if settings.current().is_https else "moderator"


def moderator() -> Moderator | None:
    """The moderator whose live session this request's cookie belongs to."""
    if "moderator" not in g:
        token = request.cookies.get(cookie_name())
        session = accounts.session_of(token) if token else None
        g.moderator = session.moderator if session else None
        g.session_id = session.id if session else None
        g.touch = session is not None and accounts.needs_a_touch(session)
    found: Moderator | None = g.moderator
    return found


def guard(blueprint: Blueprint, *, anonymous: bool = False) -> None:
    """Every page of ``blueprint``: never kept, form token checked, and a moderator only, unless ``anonymous``."""
    blueprint.before_request(_speak)
    blueprint.before_request(_check_form)
    if not anonymous:
        blueprint.before_request(_require_moderator)
    blueprint.after_request(security.never_keep)


def set_cookie(response: AnyResponse, token: str) -> AnyResponse:
    """Let the browser stay signed in."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(accounts.ABSOLUTE.total_seconds()),
        secure=settings.current().is_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def _speak() -> None:
    person = moderator()
    preferred = person.language if person else current.reader_language()
    i18n.speak(request.args.get("lang") or preferred)


def _check_form() -> None:
    if request.method == "POST":
        security.check_own_page()
        csrf.protect()


def _require_moderator() -> AnyResponse | None:
    if moderator() is None:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("sign_in.show", next=wanted), code=303)
    if g.touch:
        _note_use()
    return None


def _note_use() -> None:
    db.begin_write()
    accounts.touch(g.session_id)
    db.session.commit()


__all__ = ["CSRFError", "cookie_name", "csrf", "guard", "moderator", "set_cookie"]
