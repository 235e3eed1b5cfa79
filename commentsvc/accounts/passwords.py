"""Passwords: strength, storage, verification."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from commentsvc.accounts import sessions
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal, SignInFailed, TooMany
from commentsvc.models.moderator import Moderator

MIN_LENGTH = 10  # characters
MAX_LENGTH = 500
JUDGED = 72  # characters of a password that are judged; further ones make no difference
GOOD_ENOUGH = 2  # of zxcvbn's 0 to 4
MAX_CONCURRENT = 2  # passwords compared at a time: each takes 64 MiB and more than one processor
MAX_WAITING = 8  # waiting for their turn; further ones are refused
TIMEOUT = 5  # seconds of waiting

_hasher = PasswordHasher()
_admitted = threading.BoundedSemaphore(MAX_CONCURRENT + MAX_WAITING)
_at_work = threading.BoundedSemaphore(MAX_CONCURRENT)


class PasswordTooWeak(Refusal):
    """A password that is easy to guess."""

    sentence = N_("Please choose a password of at least %(count)d characters that is not your email address.")


class PasswordWellKnown(Refusal):
    """A password at the top of every list."""

    sentence = N_("This password is easy to guess. Please choose another, for example four random words.")


def set_password(moderator: Moderator, password: str) -> None:
    """Store a new password and end every session; raises ``InvalidFields`` if it is weak."""
    _check(password, moderator)
    moderator.password_hash = _hasher.hash(password)
    if moderator.id is not None:
        sessions.end_all(moderator)


def authenticate(email: str, password: str) -> Moderator:
    """Return the moderator with this address and password. The transaction ends before hashes are compared.

    Raises:
        SignInFailed: nobody has them; the work is the same whether the address exists.
        TooMany: too many others are being compared.
    """
    moderator = Moderator.with_email(email)
    stored = (moderator.password_hash if moderator else None) or _nobodys_hash()
    db.session.rollback()  # comparing takes long, and others need the connection
    try:
        with _turn():
            _hasher.verify(stored, password if len(password) <= MAX_LENGTH else "")
    except (VerificationError, InvalidHashError):
        raise SignInFailed from None
    if moderator is None:
        raise SignInFailed
    return moderator


@contextmanager
def _turn() -> Iterator[None]:
    """Limit how many passwords are compared at a time, to save memory and leave threads for readers."""
    if not _admitted.acquire(blocking=False):
        raise TooMany(TIMEOUT)
    try:
        if not _at_work.acquire(timeout=TIMEOUT):
            raise TooMany(TIMEOUT)
        try:
            yield
        finally:
            _at_work.release()
    finally:
        _admitted.release()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """Return a hash to compare with if there is no such moderator, so that both cases take the same time."""
    return _hasher.hash(secrets.token_urlsafe())


def _check(password: str, moderator: Moderator) -> None:
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or password.lower() == moderator.email:
        raise InvalidFields({"password": PasswordTooWeak(count=MIN_LENGTH)})
    if _is_guessed_soon(password, [moderator.email, moderator.name]):
        raise InvalidFields({"password": PasswordWellKnown()})


def _is_guessed_soon(password: str, known: list[str]) -> bool:
    # Loaded only where a password is chosen: its lists take 10 MB.
    from zxcvbn import zxcvbn

    score: int = zxcvbn(password[:JUDGED], user_inputs=[one for one in known if one], max_length=JUDGED)["score"]
    return score < GOOD_ENOUGH
