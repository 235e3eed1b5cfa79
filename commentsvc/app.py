"""``create_app``: the table of contents. Nothing else configures the application."""

import json
import logging
import os
import sys
from datetime import timedelta

from flask import Flask

from commentsvc import clock, paths, settings, tokens, web, worker
from commentsvc.db import db, engine_options, prepare
from commentsvc.settings import Settings
from commentsvc.web import snapshots
from commentsvc.web.admin.signed_in import csrf

LARGEST_REQUEST = 256 * 1024  # bytes
MOST_FORM_PARTS = 100


def create_app(given: Settings | None = None) -> Flask:
    """The WSGI application, with settings from the environment unless some are ``given``.

    Raises:
        WrongSetting: the service cannot start with these settings.
    """
    config = given or settings.read(os.environ)
    settings.use(config)
    _configure_logging(config)
    app = Flask("commentsvc", template_folder=str(paths.TEMPLATES), static_folder=None)
    app.url_map.merge_slashes = False
    _configure_flask(app, config)
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
    csrf.init_app(app)
    web.init_app(app)
    with app.app_context():
        layer = snapshots.Snapshots(app.wsgi_app, db.engine)
    app.extensions["snapshots"] = app.wsgi_app = layer  # type: ignore[method-assign]
    return app


def create_serving_app() -> Flask:
    """What each process of ``commentsvc serve`` runs: the application, with its share of the background work."""
    app = create_app()
    if settings.WORKER_ELSEWHERE not in os.environ:
        worker.start(app.app_context)
    return app


def _configure_flask(app: Flask, config: Settings) -> None:
    app.config.update(
        # Not the secret itself: a flaw in one use must not open another.
        SECRET_KEY=tokens.keyed_hash("flask-session", "key", length=32),
        SQLALCHEMY_DATABASE_URI=config.database,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(config.database),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        MAX_FORM_PARTS=MOST_FORM_PARTS,
        SESSION_COOKIE_NAME="__Host-visitor" if config.is_https else "visitor",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_SAMESITE="None" if config.is_https else "Lax",
        SESSION_COOKIE_PARTITIONED=config.is_https,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=365),
        WTF_CSRF_CHECK_DEFAULT=False,  # the desk asks for it; the public doors have challenges instead
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # Origin and Sec-Fetch-Site are checked, the Referer may be missing
    )


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": clock.now().isoformat(),
            "level": record.levelname,
            "from": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _OneLine(logging.Formatter):
    """Control characters in what strangers send cannot begin a line of their own."""

    def format(self, record: logging.LogRecord) -> str:
        record.msg = record.getMessage().translate({code: f"\\x{code:02x}" for code in range(32)})
        record.args = ()
        return super().format(record)


def _configure_logging(config: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    plain = _OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if config.log_format == "json" else plain)
    root = logging.getLogger("commentsvc")
    root.handlers = [handler]
    root.setLevel(logging.INFO)
