"""Passkeys: sign in with what a device or password manager holds, by WebAuthn level 3; also as the only way in.

What a browser is to sign is a signed token of ours that is good once and for some minutes, so asking writes nothing.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from commentsvc import clock, links, settings, tokens
from commentsvc.db import db
from commentsvc.errors import N_, LinkInvalid, Refusal
from commentsvc.markup.render import one_line
from commentsvc.models.moderator import Moderator
from commentsvc.models.passkey import LONGEST_CREDENTIAL, Passkey
from commentsvc.models.spent_challenge import SpentChallenge

LIFETIME = timedelta(minutes=5)
MOST = 20  # of one moderator
LONGEST_NAME = 80
TO_ADD, TO_SIGN_IN = "passkey-to-add", "passkey-to-sign-in"
VERIFIED = UserVerificationRequirement.REQUIRED  # the device asks for finger, face or PIN: it is two factors in one


class PasskeyRefused(Refusal):
    """What the browser sent proves nothing."""

    status = 403
    sentence = N_("This passkey was not accepted. Please try again, or sign in another way.")


def to_add(moderator: Moderator) -> str:
    """What the browser asks the device for, as JSON, to make a new key."""
    return options_to_json(
        generate_registration_options(
            rp_id=_host(),
            rp_name="commentsvc",
            user_id=tokens.keyed_hash("passkey-user", str(moderator.id)).encode(),
            user_name=moderator.email,
            user_display_name=moderator.called,
            challenge=tokens.sign(TO_ADD, [secrets.token_urlsafe(12), moderator.id]).encode(),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential)) for key in of(moderator)
            ],
        )
    )


def add(moderator: Moderator, answer: str, name: str) -> Passkey:
    """Keep the key that a device made; raises ``PasskeyRefused``; writes."""
    credential, challenge = _read(answer)
    if _spend(TO_ADD, challenge) != moderator.id or len(of(moderator)) >= MOST:
        raise PasskeyRefused
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise PasskeyRefused from problem
    number = bytes_to_base64url(made.credential_id)
    if len(number) > LONGEST_CREDENTIAL or _known(number):
        raise PasskeyRefused
    key = Passkey(
        moderator_id=moderator.id,
        credential=number,
        public_key=made.credential_public_key,
        signatures=made.sign_count,
        name=one_line(name)[:LONGEST_NAME],
    )
    db.session.add(key)
    db.session.flush()
    return key


def to_sign_in() -> str:
    """What the browser asks the device for, as JSON, to use a key; the device knows whose it is."""
    challenge = tokens.sign(TO_SIGN_IN, [secrets.token_urlsafe(12), None]).encode()
    return options_to_json(
        generate_authentication_options(rp_id=_host(), challenge=challenge, user_verification=VERIFIED)
    )


def owner_of(answer: str) -> Moderator:
    """The moderator whose key signed; raises ``PasskeyRefused``; writes."""
    credential, challenge = _read(answer)
    _spend(TO_SIGN_IN, challenge)
    key = _known(str(credential.get("id", "")))
    if key is None or key.moderator.removed_at is not None:
        raise PasskeyRefused
    try:
        used = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.signatures,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise PasskeyRefused from problem
    key.signatures, key.used_at = used.new_sign_count, clock.now()
    return key.moderator


def of(moderator: Moderator) -> Sequence[Passkey]:
    """A moderator's keys, oldest first."""
    theirs = select(Passkey).where(Passkey.moderator_id == moderator.id)
    return db.session.scalars(theirs.order_by(Passkey.id)).all()


def remove(moderator: Moderator, number: int) -> None:
    """Take a key's right away; writes."""
    key = db.session.get(Passkey, number)
    if key is not None and key.moderator_id == moderator.id:
        db.session.delete(key)


def _known(credential: str) -> Passkey | None:
    return db.session.scalar(select(Passkey).where(Passkey.credential == credential))


def _read(answer: str) -> tuple[dict[str, object], bytes]:
    """What the browser sent, and the challenge that it says was signed; raises ``PasskeyRefused``."""
    try:
        credential = json.loads(answer)
        told = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return credential, base64url_to_bytes(told["challenge"])
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise PasskeyRefused from problem


def _spend(purpose: str, challenge: bytes) -> int | None:
    """Whom the challenge was made for; raises ``PasskeyRefused`` where it is not ours, too old, or was used."""
    try:
        nonce, moderator_id = tokens.read(purpose, challenge.decode("ascii"), LIFETIME)
        with db.session.begin_nested():
            db.session.add(SpentChallenge(nonce=f"passkey-{nonce}", expires_at=clock.now() + LIFETIME))
    except (LinkInvalid, UnicodeDecodeError, IntegrityError) as problem:
        raise PasskeyRefused from problem
    return int(moderator_id) if moderator_id is not None else None


def _origin() -> str:
    return links.origin_of(settings.current().base_url) or ""


def _host() -> str:
    return urlsplit(settings.current().base_url).hostname or ""
