"""The ceremonies of WebAuthn level 3: registration and authentication. The one module that uses the library.

Loaded only when a passkey is made or used, as it brings 14 MiB of cryptography along.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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

RELYING_PARTY = "commentsvc"
VERIFIED = UserVerificationRequirement.REQUIRED  # the device checks finger, face or PIN, so it is two factors in one
NOT_GOOD = (WebAuthnException, ValueError, KeyError, TypeError)


class NotVerified(Exception):
    """The device's response is not valid."""


@dataclass(frozen=True)
class MadeKey:
    """A new credential; ``credential`` is its id in base64url."""

    credential: str
    public_key: bytes
    sign_count: int


def registration_options(
    host: str, user_id: bytes, email: str, display_name: str, challenge: bytes, known: Iterable[str]
) -> str:
    """Return the options to make a new key, as JSON; ``known`` are existing ones."""
    return options_to_json(
        generate_registration_options(
            rp_id=host,
            rp_name=RELYING_PARTY,
            user_id=user_id,
            user_name=email,
            user_display_name=display_name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known],
        )
    )


def registered(answer: dict[str, Any], challenge: bytes, host: str, origin: str) -> MadeKey:
    """Return the new key; raises ``NotVerified``."""
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
            require_user_verification=True,
        )
    except NOT_GOOD as error:
        raise NotVerified from error
    return MadeKey(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count)


def authentication_options(host: str, challenge: bytes) -> str:
    """Return the options to use a key, as JSON; the device knows whose it is."""
    return options_to_json(generate_authentication_options(rp_id=host, challenge=challenge, user_verification=VERIFIED))


def sign_count_after(
    answer: dict[str, Any], challenge: bytes, host: str, origin: str, public_key: bytes, before: int
) -> int:
    """Verify the signature and return the new counter; raises ``NotVerified``."""
    try:
        used = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=before,
            require_user_verification=True,
        )
    except NOT_GOOD as error:
        raise NotVerified from error
    return int(used.new_sign_count)
