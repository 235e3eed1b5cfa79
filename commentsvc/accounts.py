"""Moderators: their passwords, their sign-ins, their one-time links."""

import secrets
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError

from commentsvc import clock, tokens
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, LinkExpired, LinkInvalid, Refusal, SignInFailed
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_session import ModeratorSession

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 500
IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=30)
LINK_LIFETIME = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=5)
LINK_PURPOSE = "sign-in-link"

_hasher = PasswordHasher()


class PasswordTooWeak(Refusal):
    """A password that would be guessed."""

    sentence = N_("Please choose a password of at least %(count)d characters that is not your e-mail address.")


def add(email: str, name: str = "", password: str | None = None, language: str = "en") -> Moderator:
    """A new moderator; raises ``InvalidFields`` where the password is weak."""
    moderator = Moderator(email=email.strip().lower(), name=name, language=language)
    if password is not None:
        set_password(moderator, password)
    db.session.add(moderator)
    db.session.flush()
    return moderator


def set_password(moderator: Moderator, password: str) -> None:
    """Store a new password and end every session; raises ``InvalidFields`` where it is weak."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or password.lower() == moderator.email:
        raise InvalidFields({"password": PasswordTooWeak(count=SHORTEST_PASSWORD)})
    moderator.password_hash = _hasher.hash(password)
    if moderator.id is not None:
        end_all_sessions(moderator)


def with_password(email: str, password: str) -> Moderator:
    """The moderator these belong to; raises ``SignInFailed``, after the same work whether the address exists."""
    moderator = Moderator.with_email(email.replace("\0", ""))
    stored = (moderator.password_hash if moderator else None) or _nobodys_hash()
    try:
        _hasher.verify(stored, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        raise SignInFailed from None
    if moderator is None:
        raise SignInFailed
    return moderator


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """Verified against where no such moderator exists, so that both cases take the same time."""
    return _hasher.hash(secrets.token_urlsafe())


def start_session(moderator: Moderator, link_nonce: str | None = None) -> str:
    """Sign a moderator in; the token that their cookie shall hold."""
    token = secrets.token_urlsafe(32)
    db.session.add(ModeratorSession(moderator_id=moderator.id, token_hash=_hash(token), link_nonce=link_nonce))
    db.session.flush()
    return token


def session_of(token: str) -> ModeratorSession | None:
    """The live session a cookie belongs to."""
    session = db.session.scalar(select(ModeratorSession).where(ModeratorSession.token_hash == _hash(token)))
    return session if session and _is_alive(session, clock.now()) else None


def needs_a_touch(session: ModeratorSession) -> bool:
    """Whether it is time to note that the session is in use."""
    return clock.now() - session.seen_at > SEEN_EVERY


def touch(session_id: int) -> None:
    """Note that a session is in use; writes."""
    db.session.execute(update(ModeratorSession).where(ModeratorSession.id == session_id).values(seen_at=clock.now()))


def end_session(token: str) -> None:
    """Sign out, on the server too."""
    _end(ModeratorSession.token_hash == _hash(token))


def end_all_sessions(moderator: Moderator) -> None:
    """Sign a moderator out everywhere."""
    _end(ModeratorSession.moderator_id == moderator.id)


def sign_in_token(moderator: Moderator) -> str:
    """What a one-time sign-in link holds; good for an hour."""
    return tokens.sign(LINK_PURPOSE, [moderator.id, secrets.token_urlsafe(12)])


def redeem(link_token: str) -> str:
    """Sign in by a one-time link; the token for the cookie.

    Raises:
        LinkInvalid, LinkExpired: broken, too old, or used before.
    """
    moderator_id, nonce = tokens.read(LINK_PURPOSE, link_token, LINK_LIFETIME)
    moderator = db.session.get(Moderator, moderator_id)
    if moderator is None:
        raise LinkInvalid
    try:
        with db.session.begin_nested():
            return start_session(moderator, link_nonce=nonce)
    except IntegrityError:
        raise LinkExpired from None


def forget_expired() -> None:
    """Delete sessions that have been over for a while; writes."""
    over = ModeratorSession.created_at < clock.now() - ABSOLUTE
    db.session.execute(delete(ModeratorSession).where(over))


def _end(which: ColumnElement[bool]) -> None:
    db.session.execute(update(ModeratorSession).where(which).values(ended_at=clock.now()))


def _is_alive(session: ModeratorSession, now: datetime) -> bool:
    return session.ended_at is None and now - session.seen_at < IDLE and now - session.created_at < ABSOLUTE


def _hash(token: str) -> str:
    return tokens.keyed_hash("moderator-session", token, length=32)
