"""Signed one-time links: to sign in, and to set up the service while nobody can sign in."""

import secrets
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from commentsvc import links, tokens
from commentsvc.accounts import moderators, passwords, sessions, set_up_links
from commentsvc.db import db
from commentsvc.errors import LinkExpired, LinkInvalid
from commentsvc.models.moderator import Moderator

LIFETIME = timedelta(hours=1)
PURPOSE = "sign-in-link"


def sign_in_token(moderator: Moderator) -> str:
    """Return a sign-in token, valid for an hour."""
    return tokens.sign(PURPOSE, [moderator.id, secrets.token_urlsafe(12)])


def sign_in_url(moderator: Moderator) -> str:
    """Return an address that signs somebody in once, within the hour."""
    return links.absolute(f"/admin/link/{sign_in_token(moderator)}")


def redeem(token: str, user_agent: str = "") -> tuple[Moderator, str]:
    """Sign in by a one-time link; return the moderator and the session token.

    Raises:
        LinkInvalid, LinkExpired: altered, too old, or used before.
    """
    moderator_id, nonce = tokens.read(PURPOSE, token, LIFETIME)
    moderator = db.session.get(Moderator, moderator_id)
    if moderator is None or moderator.removed_at is not None:
        raise LinkInvalid
    try:
        with db.session.begin_nested():
            return moderator, sessions.start(moderator, user_agent, link_nonce=nonce)
    except IntegrityError:
        raise LinkExpired from None


def must_set_up(token: str) -> None:
    """Raise ``LinkInvalid`` or ``LinkExpired`` unless the set-up link may still be used."""
    set_up_links.check(token)
    if moderators.is_anybody_there():
        raise LinkExpired


def set_up(token: str, email: str, name: str, password: str, language: str) -> Moderator:
    """Create the first owner.

    Raises:
        LinkInvalid, LinkExpired: the link is not valid, or no longer.
        InvalidFields: the password is weak.
    """
    db.advisory_lock("set-up")
    must_set_up(token)
    owner = moderators.add(email, name, language=language)
    passwords.set_password(owner, password)
    return owner
