"""Signed one-time links: to sign in, and to set up the service while nobody can sign in."""

import secrets
from contextlib import suppress
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from commentsvc import links, tokens
from commentsvc.accounts import moderators, passwords, sessions, set_up_links
from commentsvc.db import db
from commentsvc.errors import N_, LinkExpired, LinkInvalid
from commentsvc.models.moderator import Moderator

LIFETIME = timedelta(hours=1)
INVITATION_LIFETIME = timedelta(days=3)  # who is invited may read their email tomorrow
NEW_ADDRESS, NEW_ADDRESS_LIFETIME = "new-address", timedelta(days=1)
LIFETIMES = {"sign-in-link": LIFETIME, "invitation": INVITATION_LIFETIME}


class SignInLinkInvalid(LinkInvalid):
    """The link was altered, is too old, or was used before. The sign-in page offers a new one."""

    status = 410
    sentence = N_("This link has expired or has been used. Sign in below, or have a new link sent to you.")


def sign_in_url(moderator: Moderator) -> str:
    """Return an address that signs somebody in once, within the hour."""
    return _url("sign-in-link", moderator)


def invitation_url(moderator: Moderator) -> str:
    """Return an address that signs somebody in once, within three days."""
    return _url("invitation", moderator)


def check(token: str) -> tuple[Moderator, str]:
    """Return whom a one-time link signs in, and its nonce, unless it is altered or too old.

    Raises:
        SignInLinkInvalid
    """
    for purpose, lifetime in LIFETIMES.items():
        with suppress(LinkInvalid):
            moderator_id, nonce = tokens.read(purpose, token, lifetime)
            moderator = db.session.get(Moderator, moderator_id)
            if moderator is not None and moderator.removed_at is None:
                return moderator, nonce
    raise SignInLinkInvalid


def new_address_url(moderator_id: int, old: str, new: str) -> str:
    """Return the address that changes a moderator's email address, within a day, while it is still ``old``."""
    return links.absolute(f"/admin/account/email/{tokens.sign(NEW_ADDRESS, [moderator_id, old, new])}")


def new_address(token: str, moderator: Moderator) -> str:
    """Return the email address that a moderator confirms; raises ``LinkInvalid`` or ``LinkExpired``."""
    moderator_id, old, new = tokens.read(NEW_ADDRESS, token, NEW_ADDRESS_LIFETIME)
    if (moderator_id, old) != (moderator.id, moderator.email):
        raise LinkInvalid
    return str(new)


def redeem(token: str, user_agent: str = "") -> tuple[Moderator, str]:
    """Sign in by a one-time link; return the moderator and the session token.

    Raises:
        SignInLinkInvalid: altered, too old, or used before.
    """
    moderator, nonce = check(token)
    try:
        with db.session.begin_nested():
            return moderator, sessions.start(moderator, user_agent, link_nonce=nonce)
    except IntegrityError:
        raise SignInLinkInvalid from None


def _url(purpose: str, moderator: Moderator) -> str:
    return links.absolute(f"/admin/link/{tokens.sign(purpose, [moderator.id, secrets.token_urlsafe(12)])}")


def check_set_up_link(token: str) -> None:
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
    check_set_up_link(token)
    owner = moderators.add(email, name, language=language)
    passwords.set_password(owner, password)
    return owner
