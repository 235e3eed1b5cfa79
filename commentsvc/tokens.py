"""Signed, expiring texts for cookies, forms and links, each bound to one purpose."""

import hashlib
import hmac
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from itsdangerous import BadData, Serializer, SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

from commentsvc import clock, settings
from commentsvc.errors import LinkExpired, LinkInvalid


class _Signer(TimestampSigner):
    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


WORTH_COMPRESSING = 100  # bytes
DOCTOR = "doctor"  # a purpose: to be told by ``/health`` as whom one is seen


class _Serializer(URLSafeTimedSerializer):
    default_signer = _Signer

    def dump_payload(self, obj: Any) -> bytes:
        """Try to compress long payloads only."""
        json = Serializer.dump_payload(self, obj)
        return base64_encode(json) if len(json) < WORTH_COMPRESSING else super().dump_payload(obj)


def settings_marks() -> dict[str, str]:
    """Return a keyed hash of each setting, by which two processes of one secret compare them; it reveals no value."""
    values = settings.current().model_dump(mode="json", exclude={"secret_key", "data_dir"})
    texts = {name: str(sorted(value) if isinstance(value, list) else value) for name, value in values.items()}
    return {name: keyed_hash(f"setting {name}", value, length=6) for name, value in texts.items()}


def sign(purpose: str, payload: Any) -> str:
    """Return a URL-safe text with ``payload`` (plain JSON), signed for ``purpose``."""
    return str(_serializer(purpose).dumps(payload))


def read(purpose: str, token: str, max_age: timedelta) -> Any:
    """Return what was signed for ``purpose``.

    Raises:
        LinkExpired: it is older than ``max_age``.
        LinkInvalid: it was altered, truncated, or made for another purpose.
    """
    try:
        return _serializer(purpose).loads(token, max_age=int(max_age.total_seconds()))
    except SignatureExpired:
        raise LinkExpired from None
    except BadData:
        raise LinkInvalid from None


def read_with_time(purpose: str, token: str) -> tuple[Any, datetime]:
    """Return what was signed for ``purpose``, and when, whatever its age; raises ``LinkInvalid``."""
    try:
        payload, signed_at = _serializer(purpose).loads(token, return_timestamp=True)
    except BadData:
        raise LinkInvalid from None
    return payload, signed_at


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return _serializer_with(settings.current().secret, purpose)


@lru_cache(maxsize=100)
def _serializer_with(secret: str, purpose: str) -> URLSafeTimedSerializer:
    return _Serializer(secret, salt=f"commentsvc.{purpose}", signer_kwargs={"digest_method": hashlib.sha256})


def keyed_hash(purpose: str, text: str, length: int = 16) -> str:
    """Return ``length`` bytes of HMAC-SHA256 as hex: equal texts have equal hashes, which do not reveal them."""
    key = f"commentsvc.{purpose}:{settings.current().secret}".encode()
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")[:length].hex()


def equal(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
