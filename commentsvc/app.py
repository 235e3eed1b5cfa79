"""``create_app``: what the application is made of. Nothing else configures it."""

import gc
import os
from contextlib import suppress
from datetime import timedelta
from multiprocessing.util import Finalize

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import edge, logs, read_only, schema, secret_mark, settings, throttle, tokens, web
from commentsvc.db import configuration, db
from commentsvc.errors import StorageUnavailable
from commentsvc.jobs.schedule import Schedule
from commentsvc.settings import Settings
from commentsvc.web import snapshots
from commentsvc.web.admin.session import csrf
from commentsvc.web.security import MAX_REQUEST_SIZE
from commentsvc.web.uploads import UploadRequest
from commentsvc.web.visitor import CachedSerializerSessions

MAX_FORM_PARTS = 100
GC_THRESHOLD = 5_000  # allocations before a young-generation collection; one comment makes a few thousand


def create_app(given: Settings | None = None) -> Flask:
    """Return the WSGI application, with settings from the environment unless ``given``.

    Raises:
        WrongSetting: the service cannot start with these settings.
    """
    config = given or settings.read(os.environ)
    schema.must_be_usable(config)
    settings.use(config)
    logs.configure(config.log_format)
    app = Flask("commentsvc", static_folder=None)
    app.request_class = UploadRequest
    app.session_interface = CachedSerializerSessions()
    app.url_map.merge_slashes = app.url_map.redirect_defaults = False  # an address means what it says
    _configure_flask(app, config)
    db.init_app(app)
    read_only.watch()
    edge.watch()
    csrf.init_app(app)
    web.init_app(app)
    snapshots.install(app)
    return app


def create_serving_app() -> Flask:
    """Return what each process of ``commentsvc serve`` runs: the application and its share of the jobs."""
    app = create_app()
    _remember_secret(app)
    throttle.connect()
    if settings.WORKER_ELSEWHERE not in os.environ:
        jobs = Schedule(app.app_context)
        Finalize(None, jobs.end, exitpriority=0)  # requests under way have ended by then
    gc.freeze()  # what is loaded now stays, so the collector, off in the listening process, may skip it
    gc.set_threshold(GC_THRESHOLD)
    gc.enable()
    return app


def _remember_secret(app: Flask) -> None:
    """A database that cannot be used for now is no reason not to start."""
    with app.app_context(), suppress(SQLAlchemyError, StorageUnavailable):
        if not secret_mark.is_remembered():
            db.run_in_transaction(secret_mark.remember)


def _configure_flask(app: Flask, config: Settings) -> None:
    app.config.update(
        configuration(config.database),
        # Not the secret itself: a flaw in one use must not open another.
        SECRET_KEY=tokens.keyed_hash("flask-session", "key", length=32),
        MAX_CONTENT_LENGTH=MAX_REQUEST_SIZE,
        MAX_FORM_MEMORY_SIZE=MAX_REQUEST_SIZE,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        SESSION_COOKIE_NAME=f"{config.cookie_prefix}visitor",
        SESSION_COOKIE_PATH=config.cookie_path,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_SAMESITE="None" if config.is_https else "Lax",
        SESSION_COOKIE_PARTITIONED=config.is_https,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=365),
        WTF_CSRF_CHECK_DEFAULT=False,  # admin pages check it; public forms have challenges instead
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # Origin and Sec-Fetch-Site are checked; the Referer may be missing
    )
