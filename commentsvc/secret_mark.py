"""Notice another secret: with it, sign-ins, links in emails, and bans by address or browser no longer work."""

import logging

from sqlalchemy import select, update

from commentsvc import tokens
from commentsvc.db import db
from commentsvc.models.configuration import Configuration

log = logging.getLogger(__name__)


def is_another() -> bool:
    """Return whether the service last started with another secret than this process has."""
    return _remembered() not in (None, _mark())


def remember() -> None:
    """Remember this process's secret as the one in use, and log it if there was another."""
    if is_another():
        log.warning("the secret is not the one of before: sign-ins, links in emails and bans made with that are void")
    db.session.execute(update(Configuration).values(secret_mark=_mark()))


def _remembered() -> str | None:
    return db.session.scalar(select(Configuration.secret_mark))


def _mark() -> str:
    return tokens.keyed_hash("secret", "mark")
