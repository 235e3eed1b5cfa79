"""``/metrics``: what an operator can watch and be woken by, in Prometheus' text format (0.0.4).

Requests, refusals and snapshots are counted by all processes of ``serve`` together; rows are those of the database.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from flask import Blueprint, Flask, Response, g, request
from sqlalchemy import func, select
from sqlalchemy.pool import QueuePool

from commentsvc import __version__, clock, errors, read_only, schema, settings, tokens
from commentsvc.backups import daily
from commentsvc.db import db
from commentsvc.errors import NotFound, Refusal
from commentsvc.jobs import schedule
from commentsvc.models.comment import Comment
from commentsvc.models.email import Email
from commentsvc.models.ping import Ping
from commentsvc.telemetry import Counter, Histogram
from commentsvc.web import snapshots

PREFIX = "commentsvc"
KINDS = {  # of requests, by blueprint; the last one is for those without
    **dict.fromkeys(("embed", "pages", "api_threads", "api_counts", "latest", "feeds"), "read"),
    **dict.fromkeys(("comments", "api_comments", "captcha", "api_challenges", "api_preview", "api_held"), "write"),
    **dict.fromkeys(("linkbacks",), "linkback"),
    **dict.fromkeys(("front", "health", "metrics", "api_document"), "static"),
    **dict.fromkeys(("follow", "subscriptions", "privacy", "moderation_links"), "by_mail"),
}
ADMIN, OTHER = "admin", "other"

FAMILIES = {  # name: type and meaning
    "info": ("gauge", "The version, and the kind of database."),
    "request_seconds": ("histogram", "Duration of requests that no snapshot answered, by kind."),
    "responses_total": ("counter", "Responses that came from no snapshot, by class of status."),
    "refusals_total": ("counter", "Requests that were refused, by the name of the refusal."),
    "snapshots_total": ("counter", "Threads asked for: answered from memory (hit) or rendered (miss)."),
    "comments": ("gauge", "Comments and linkbacks by state."),
    "emails": ("gauge", "Emails by state."),
    "pings": ("gauge", "Received linkbacks by state of their verification."),
    "queue_rows": ("gauge", "Work that is due, by job."),
    "queue_oldest_seconds": ("gauge", "For how long the oldest work has been due, by job."),
    "read_only": ("gauge", "1 while read-only mode is on."),
    "backup_late": ("gauge", "1 if there should be a newer daily backup."),
    "backup_age_seconds": ("gauge", "Age of the last checked daily backup."),
    "database_connections": ("gauge", "Connections of the process that answers, by state."),
    "memory_bytes": ("gauge", "Resident memory of the process that answers."),
    "database_bytes": ("gauge", "Size of the database and, on SQLite, of its log."),
}

requests = Histogram([*dict.fromkeys(KINDS.values()), ADMIN, OTHER])
responses = Counter(["2xx", "3xx", "4xx", "5xx", OTHER])
refusals = Counter([*errors.names(), OTHER])

blueprint = Blueprint("metrics", __name__)


def init_app(app: Flask) -> None:
    """Time every request that is not answered by a snapshot."""
    app.before_request(_begin)
    app.after_request(_end)


def note(refusal: Refusal) -> None:
    """Note that the current request is refused."""
    g.refusal = refusal.name


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    kind = KINDS.get(request.blueprint or "", ADMIN if request.path.startswith("/admin") else OTHER)
    requests.observe(kind, time.perf_counter() - g.get("began", time.perf_counter()))
    responses.add(f"{response.status_code // 100}xx")
    if name := g.pop("refusal", ""):
        refusals.add(name)
    return response


@blueprint.get("/metrics")
def show() -> Response:
    """Return all figures, to the machine itself or to whoever knows the token."""
    _check_reader()
    return Response("".join(_lines()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _lines() -> Iterator[str]:
    yield from _family("info", [({"version": __version__, "database": db.engine.dialect.name}, 1)])
    yield from _requests()
    yield from _family("responses_total", _by("class", responses.values()))
    yield from _family("refusals_total", _by("name", refusals.values()))
    yield from _family("snapshots_total", _by("outcome", snapshots.counts()))
    yield from _rows()
    yield from _waiting()
    yield from _family("read_only", [({}, int(bool(read_only.reason())))])
    status = daily.status()
    if status:
        yield from _family("backup_late", [({}, int(status.is_late))])
    if status and status.age is not None:
        yield from _family("backup_age_seconds", [({}, round(status.age.total_seconds()))])
    yield from _machine()


Sample = tuple[Mapping[str, str], float]


def _family(name: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield _about(name)
    yield from (_line(name, labels, value) for labels, value in samples)


def _about(name: str) -> str:
    kind, meaning = FAMILIES[name]
    return f"# HELP {PREFIX}_{name} {meaning}\n# TYPE {PREFIX}_{name} {kind}\n"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{PREFIX}_{name}{f'{{{pairs}}}' if pairs else ''} {value:.15g}\n"


def _by(label: str, values: Mapping[str, float]) -> list[Sample]:
    return [({label: name}, value) for name, value in values.items()]


def _requests() -> Iterator[str]:
    name = "request_seconds"
    yield _about(name)
    for kind, buckets, total in requests.values():
        yield from (_line(f"{name}_bucket", {"kind": kind, "le": most}, count) for most, count in buckets.items())
        yield _line(f"{name}_count", {"kind": kind}, buckets["+Inf"])
        yield _line(f"{name}_sum", {"kind": kind}, total)


def _rows() -> Iterator[str]:
    for table in (Comment, Email, Ping):
        found = db.session.execute(select(table.state, func.count()).group_by(table.state)).all()
        yield from _family(f"{table.__tablename__}s", [({"state": state}, count) for state, count in found])


def _waiting() -> Iterator[str]:
    """What jobs have not done yet, and since when the oldest of it is due."""
    rows, ages, now = {}, {}, clock.now()
    for job in schedule.JOBS:
        if (table := job.rows) is not None and (table is not Email or settings.current().mail_url):
            due = select(func.count(), func.min(table.due_at)).where(table.waits_for_worker(), table.due_at <= now)
            rows[job.name], oldest = db.session.execute(due).one()
            ages[job.name] = (now - oldest if oldest else timedelta()).total_seconds()
    yield from _family("queue_rows", _by("queue", rows))
    yield from _family("queue_oldest_seconds", _by("queue", ages))


def _machine() -> Iterator[str]:
    """Of the process that answers: connections and memory; of the machine: the database's files."""
    pool = db.engine.pool
    if isinstance(pool, QueuePool):
        taken = {"used": pool.checkedout(), "idle": pool.checkedin()}
        yield from _family("database_connections", _by("state", taken))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    yield from _family("memory_bytes", [({}, pages * 4096)])
    yield from _family("database_bytes", _by("file", _sizes()))


def _sizes() -> dict[str, int]:
    """Return how large the database is; on SQLite, its log, too."""
    config = settings.current()
    if schema.is_file(config.database):
        file = schema.path_of(config.database)
        return {path.name: path.stat().st_size for path in (file, file.with_name(f"{file.name}-wal")) if path.exists()}
    name = func.current_database()
    found = db.session.execute(select(name, func.pg_database_size(name))).one()
    return {found[0]: found[1]}


def _check_reader() -> None:
    token = settings.current().metrics_token
    if token:
        allowed = tokens.equal(request.headers.get("Authorization", ""), f"Bearer {token}")
    else:
        forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"))
        allowed = request.remote_addr in ("127.0.0.1", "::1", "::ffff:127.0.0.1") and not forwarded
    if not allowed:
        raise NotFound
