"""Notice a changed secret: sign-ins, links in emails, and bans by address or browser depend on it."""

import logging

from sqlalchemy import select, update

from commentsvc import tokens
from commentsvc.db import db
from commentsvc.models.configuration import Configuration

log = logging.getLogger(__name__)


def has_changed() -> bool:
    """Return whether the service last started with another secret than this process has."""
    return _remembered() not in (None, _mark())


def is_remembered() -> bool:
    """Return whether the service last started with this process's secret."""
    return _remembered() == _mark()


def warn_if_changed() -> None:
    """Log it if the service last started with another secret."""
    if has_changed():
        log.warning("the secret has changed: sign-ins, links in emails and bans by address from before no longer work")


def remember() -> None:
    """Remember this process's secret as the one in use, and log it if there was another."""
    warn_if_changed()
    db.session.execute(update(Configuration).values(secret_mark=_mark()))


def _remembered() -> str | None:
    return db.session.scalar(select(Configuration.secret_mark))


def _mark() -> str:
    return tokens.keyed_hash("secret", "mark")
