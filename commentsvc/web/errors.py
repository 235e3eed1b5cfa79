"""Render every refusal and error in the reader's language.

As a page for people, as problem+json for programs, as XML for senders of trackbacks and pingbacks.
"""

import json
import logging
import secrets

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from commentsvc import i18n, storage_errors
from commentsvc.db import db
from commentsvc.errors import N_, NotFound, NotUnderstood, Refusal, StorageUnavailable, TooLarge
from commentsvc.linkbacks import pingback, trackback
from commentsvc.models.moderator import Moderator
from commentsvc.storage_errors import Meaning
from commentsvc.web import current, linkbacks, metrics, security, uploads

UNEXPECTED = N_("Something went wrong on our side. If you report it, please mention %(reference)s.")

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _unexpected)


def _refused(refusal: Refusal) -> Response:
    db.session.rollback()
    metrics.note(refusal)
    _set_language()
    if request.path.startswith("/trackback/"):
        return Response(trackback.failure(i18n.sentence(refusal)), content_type=trackback.CONTENT_TYPE)
    if request.path == "/pingback":
        return Response(pingback.fault(refusal.fault, i18n.sentence(refusal)), content_type=pingback.CONTENT_TYPE)
    response = problem(refusal) if _is_program() else _page(refusal.status, i18n.sentence(refusal))
    return set_retry_after(response, refusal)


def set_retry_after(response: Response, refusal: Refusal) -> Response:
    """Set Retry-After, if the refusal knows when."""
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        return _refused(TooLarge())
    if error.code == 404:
        return _refused(NotFound())
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    _set_language()
    response = (
        problem(NotUnderstood(), error.code)
        if _is_program()
        else _page(error.code or 500, i18n.gettext(NotUnderstood.sentence))
    )
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _database(error: SQLAlchemyError) -> Response:
    db.session.rollback()
    if may_try_again(error):
        g.tried_again = True
        return current_app.make_response(_once_more())
    if storage_errors.meaning(error) == Meaning.MISTAKE:
        return _unexpected(error)
    log.warning("the database is not available: %s", error)
    return _refused(StorageUnavailable())


def _system(error: OSError) -> Response:
    if not storage_errors.is_no_room(error):
        return _unexpected(error)
    log.warning("files cannot be written: %s", error)
    return _refused(StorageUnavailable())


def may_try_again(error: SQLAlchemyError) -> bool:
    """Return whether another transaction was in the way, for the first time: then the view runs again."""
    return storage_errors.meaning(error) == Meaning.CONFLICT and "tried_again" not in g


def _once_more() -> ResponseReturnValue:
    try:
        return current_app.dispatch_request()
    except Exception as error:
        return current_app.handle_user_exception(error)


def _unexpected(error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.error("%s %s: accident %s", request.method, request.path, reference, exc_info=error)
    db.session.rollback()
    _set_language()
    sentence = i18n.gettext(UNEXPECTED, reference=reference)
    if not _is_program():
        return _page(500, sentence)
    return _json({"type": "about:blank", "title": sentence, "status": 500})


def problem(refusal: Refusal, status: int | None = None) -> Response:
    """Return a refusal as RFC 9457 specifies."""
    body: dict[str, object] = {
        "type": f"urn:commentsvc:refusal:{refusal.name}",
        "title": i18n.sentence(refusal),
        "status": status or refusal.status,
    }
    if refusal.fields:
        body["errors"] = {name: i18n.sentence(one) for name, one in refusal.fields.items()}
    if refusal.challenge_pass:
        body["challenge"] = {"token": refusal.challenge_pass, "solved": True}
    return _json(body)


def _json(body: dict[str, object]) -> Response:
    response = make_response(json.dumps(body, ensure_ascii=False), body["status"])
    response.headers["Content-Type"] = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    return security.allow_site(response, current.site_asked_for())


def _page(status: int, sentence: str) -> Response:
    who = _moderator() if status < 500 else None
    template = "errors/admin.html" if who else "errors/error.html"
    page = render_template(template, sentence=sentence, typed=_typed_text(), moderator=who)
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return security.allow_site(response, current.site_asked_for()) if request.path.startswith("/embed/") else response


def _moderator() -> Moderator | None:
    """Return who is signed in, on an admin page: they keep its menu, and so a way back."""
    found = g.get("moderator_session") if request.path.startswith("/admin/") else None
    return found.moderator if found else None


def _typed_text() -> str:
    """Return what a person typed, to show it again; nothing of a request too large to parse, or of a file."""
    if request.endpoint == uploads.ENDPOINT:
        return ""
    try:
        return request.form.get("body", "")
    except HTTPException:
        return ""


def _is_program() -> bool:
    is_webmention = request.path.startswith("/webmention")
    return request.path.startswith("/api/") or (is_webmention and not linkbacks.wants_page())


def _set_language() -> None:
    if not g.get("moderator_session"):  # else their language is spoken already
        i18n.set_language(current.reader_language())
