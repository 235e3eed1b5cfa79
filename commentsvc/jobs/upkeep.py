"""Upkeep: delete what has expired, what sites do not keep any longer, and removed sites."""

from functools import partial

from commentsvc.accounts import sessions
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.privacy import retention
from commentsvc.sites import removal as site_removal
from commentsvc.transfer import import_runs


def delete_expired() -> int:
    """Delete expired challenges, sessions and uploads. Returns 0, since there is never more to do at once."""
    for forget in (challenge.forget_expired, sessions.forget_expired, import_runs.forget_old):
        db.run_in_transaction(forget)
    return 0


def apply_retention() -> int:
    """Delete, in batches, what the sites' rules say is too old; return how much."""
    old = retention.due()
    return db.run_in_transaction(partial(retention.forget, old)) if len(old) else 0


def remove_sites() -> int:
    """Delete the next rows of removed sites; return how many."""
    if not site_removal.has_remaining():
        return 0
    return db.run_in_transaction(site_removal.delete_batch)
