"""Upkeep: delete what has expired, what sites no longer want kept, and sites that were removed."""

from functools import partial

from commentsvc.accounts import sessions
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.jobs.runner import written
from commentsvc.privacy import retention
from commentsvc.sites import removal as site_removal


def tidy() -> int:
    """Delete what expired; 0, as there is never more to do at once."""
    db.begin_write()
    challenge.forget_expired()
    sessions.forget_expired()
    db.session.commit()
    return 0


def forget_old() -> int:
    """What the sites' rules say is not to be kept any longer, a little at a time; how much that was."""
    old = retention.due()
    return written(partial(retention.forget, old)) if len(old) else 0


def remove_sites() -> int:
    """The next rows of blogs that were removed; how many those were."""
    if not site_removal.is_left():
        return 0
    return written(site_removal.go_on)
