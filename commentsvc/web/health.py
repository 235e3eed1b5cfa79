"""Health and metrics."""

import shutil

from flask import Blueprint, Response, jsonify, make_response, request
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import settings, tokens
from commentsvc.backups import daily
from commentsvc.db import db
from commentsvc.errors import NotFound
from commentsvc.models.comment import Comment
from commentsvc.models.email import Email
from commentsvc.models.ping import Ping
from commentsvc.notifications import outbox
from commentsvc.web import current, snapshots

EMAIL_IS_LATE = 3600  # seconds
MIN_FREE_SPACE = 50_000_000  # bytes

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    """Return 200 if all is well, else 503 with reasons; nothing secret."""
    reasons = _reasons()
    said = {"status": "unwell" if reasons else "well", "reasons": reasons, "unknown_proxy": current.has_unknown_proxy()}
    return make_response(jsonify(said), 503 if reasons else 200)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return rows by state, snapshot hits and the age of the last daily backup, in Prometheus' text format."""
    _check_reader()
    lines = []
    for table in (Comment, Email, Ping):
        name = f"commentsvc_{table.__tablename__}s"
        lines.append(f"# TYPE {name} gauge")
        for state, count in db.session.execute(select(table.state, func.count()).group_by(table.state)).all():
            lines.append(f'{name}{{state="{state}"}} {count}')
    lines.append("# TYPE commentsvc_snapshots_total counter")
    lines += [f'commentsvc_snapshots_total{{outcome="{one}"}} {count}' for one, count in snapshots.counts().items()]
    status = daily.status()
    if status and status.age is not None:
        lines += ["# TYPE commentsvc_backup_age_seconds gauge"]
        lines += [f"commentsvc_backup_age_seconds {status.age.total_seconds():.0f}"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _reasons() -> list[str]:
    try:
        db.session.execute(text("SELECT 1"))
        waiting = outbox.oldest_waiting()
    except SQLAlchemyError:
        db.session.rollback()
        return ["the database does not answer"]
    reasons = []
    if settings.current().mail_url and waiting and waiting.total_seconds() > EMAIL_IS_LATE:
        reasons.append("an email has been waiting for more than an hour")
    try:
        if shutil.disk_usage(settings.current().data_dir).free < MIN_FREE_SPACE:
            reasons.append("the disk is almost full")
    except OSError:
        reasons.append("the data folder is gone")
    return reasons


def _check_reader() -> None:
    token = settings.current().metrics_token
    if token:
        allowed = tokens.equal(request.headers.get("Authorization", ""), f"Bearer {token}")
    else:
        forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"))
        allowed = request.remote_addr in ("127.0.0.1", "::1") and not forwarded
    if not allowed:
        raise NotFound
