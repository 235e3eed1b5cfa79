"""The link by which the first owner names themselves, while nobody can sign in."""

import secrets
from datetime import timedelta

from commentsvc import links, tokens

LIFETIME = timedelta(days=1)
PURPOSE = "set-up"


def url() -> str:
    """Where the first owner names themselves; good for a day."""
    return links.absolute(f"/admin/set-up/{tokens.sign(PURPOSE, secrets.token_urlsafe(12))}")


def check(token: str) -> None:
    """Raise ``LinkInvalid`` or ``LinkExpired`` unless it is one, and not too old."""
    tokens.read(PURPOSE, token, LIFETIME)
