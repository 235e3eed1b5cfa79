"""Whether the service is well."""

from datetime import timedelta

from flask import Blueprint, Response, jsonify, make_response, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import __version__, files, schema, settings, storage_errors, tokens
from commentsvc.db import db
from commentsvc.errors import LinkInvalid
from commentsvc.notifications import outbox
from commentsvc.web import current, snapshots

EMAIL_LATE_AFTER = 3600  # seconds
DOCTOR_TOKEN_LIFETIME = timedelta(minutes=1)
MIN_FREE_SPACE = 50_000_000  # bytes

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    """Return 200 if all is well, or was within the last second; else 503 with reasons. Nothing secret."""
    reasons = _reasons()
    report: dict[str, object] = {"status": "unwell" if reasons else "well", "reasons": reasons}
    if _asks_as_doctor():
        report |= {"unknown_proxy": current.has_unknown_proxy(), "your_address": current.address()}
        report |= {"version": __version__, "settings": tokens.settings_marks()}
    response = make_response(jsonify(report), 503 if reasons else 200)
    response.headers["Cache-Control"] = "no-store"
    # Whoever asks as doctor is never answered from memory, nor do invented tokens fill it.
    return response if "doctor" in request.args else snapshots.cache_of_no_site(response, snapshots.REVALIDATE_AFTER)


def _reasons() -> list[str]:
    try:
        db.session.execute(text("SELECT 1"))
        waiting = outbox.oldest_waiting()
    except SQLAlchemyError as error:
        db.session.rollback()
        return ["the database is damaged" if storage_errors.is_damage(error) else "the database does not answer"]
    reasons = ["the database is damaged"] if storage_errors.damage_found.is_set() else []
    if settings.current().mail_url and waiting and waiting.total_seconds() > EMAIL_LATE_AFTER:
        reasons.append("an email has been waiting for more than an hour")
    try:
        if min(map(files.free_space, schema.folders(settings.current()))) < MIN_FREE_SPACE:
            reasons.append("the disk is almost full")
    except OSError:
        reasons.append("the data folder is gone")
    return reasons


def _asks_as_doctor() -> bool:
    try:
        return bool(tokens.read(tokens.DOCTOR, request.args.get("doctor", ""), DOCTOR_TOKEN_LIFETIME))
    except LinkInvalid:
        return False
