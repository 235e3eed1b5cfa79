"""Passkeys: sign in with a device or password manager, by WebAuthn level 3; a password is not required.

The challenge is a signed token, valid once and for some minutes, so asking for one writes nothing.
"""

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from commentsvc import clock, links, settings, tokens
from commentsvc.db import db
from commentsvc.errors import N_, LinkInvalid, Refusal
from commentsvc.markup.render import one_line
from commentsvc.models.moderator import Moderator
from commentsvc.models.passkey import MAX_CREDENTIAL_LENGTH, Passkey
from commentsvc.models.spent_challenge import SpentChallenge

LIFETIME = timedelta(minutes=5)
MAX_COUNT = 20  # of one moderator
MAX_NAME_LENGTH = 80
TO_ADD, TO_SIGN_IN = "passkey-to-add", "passkey-to-sign-in"


class PasskeyRefused(Refusal):
    """The browser's response is not valid."""

    status = 403
    sentence = N_("This passkey was not accepted. Please try again, or sign in another way.")


def to_add(moderator: Moderator) -> str:
    """Return what the browser passes to the device to make a key, as JSON."""
    from commentsvc.accounts import ceremonies

    user = tokens.keyed_hash("passkey-user", str(moderator.id)).encode()
    challenge = tokens.sign(TO_ADD, [secrets.token_urlsafe(12), moderator.id]).encode()
    known = [key.credential for key in of(moderator)]
    return ceremonies.registration_options(_host(), user, moderator.email, moderator.display_name, challenge, known)


def add(moderator: Moderator, answer: str, name: str) -> Passkey:
    """Store a new key; raises ``PasskeyRefused``."""
    from commentsvc.accounts import ceremonies

    credential, challenge = _read(answer)
    if _spend(TO_ADD, challenge) != moderator.id or len(of(moderator)) >= MAX_COUNT:
        raise PasskeyRefused
    try:
        made = ceremonies.registered(credential, challenge, _host(), links.own_origin())
    except ceremonies.NotVerified as error:
        raise PasskeyRefused from error
    if len(made.credential) > MAX_CREDENTIAL_LENGTH or _known(made.credential):
        raise PasskeyRefused
    key = Passkey(
        moderator_id=moderator.id,
        credential=made.credential,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=one_line(name)[:MAX_NAME_LENGTH],
    )
    db.session.add(key)
    db.session.flush()
    return key


def to_sign_in() -> str:
    """Return what the browser passes to the device to use a key, as JSON."""
    from commentsvc.accounts import ceremonies

    return ceremonies.authentication_options(
        _host(), tokens.sign(TO_SIGN_IN, [secrets.token_urlsafe(12), None]).encode()
    )


def authenticate(answer: str) -> Moderator:
    """Return the moderator whose key signed; raises ``PasskeyRefused``."""
    from commentsvc.accounts import ceremonies

    credential, challenge = _read(answer)
    _spend(TO_SIGN_IN, challenge)
    key = _known(str(credential.get("id", "")))
    if key is None or key.moderator.removed_at is not None:
        raise PasskeyRefused
    try:
        key.sign_count = ceremonies.sign_count_after(
            credential, challenge, _host(), links.own_origin(), key.public_key, key.sign_count
        )
    except ceremonies.NotVerified as error:
        raise PasskeyRefused from error
    key.used_at = clock.now()
    return key.moderator


def of(moderator: Moderator) -> Sequence[Passkey]:
    """Return a moderator's keys, oldest first."""
    theirs = select(Passkey).where(Passkey.moderator_id == moderator.id)
    return db.session.scalars(theirs.order_by(Passkey.id)).all()


def remove(moderator: Moderator, passkey_id: int) -> None:
    """Delete a key."""
    key = db.session.get(Passkey, passkey_id)
    if key is not None and key.moderator_id == moderator.id:
        db.session.delete(key)


def _known(credential: str) -> Passkey | None:
    return db.session.scalar(select(Passkey).where(Passkey.credential == credential))


def _read(answer: str) -> tuple[dict[str, object], bytes]:
    """Return the response and the challenge it claims to have signed; raises ``PasskeyRefused``."""
    try:
        credential = json.loads(answer)
        client_data = json.loads(_decoded(credential["response"]["clientDataJSON"]))
        return credential, _decoded(client_data["challenge"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PasskeyRefused from error


def _decoded(text: str) -> bytes:
    """Decode base64url without padding, as WebAuthn writes it; raises ``ValueError``."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _spend(purpose: str, challenge: bytes) -> int | None:
    """Return whom the challenge was made for; raises ``PasskeyRefused`` if it is not ours, too old, or used."""
    try:
        nonce, moderator_id = tokens.read(purpose, challenge.decode("ascii"), LIFETIME)
    except (LinkInvalid, UnicodeDecodeError) as error:
        raise PasskeyRefused from error
    if not SpentChallenge.spend(f"passkey-{nonce}", clock.now() + LIFETIME):
        raise PasskeyRefused
    return int(moderator_id) if moderator_id is not None else None


def _host() -> str:
    return settings.current().address.hostname or ""
