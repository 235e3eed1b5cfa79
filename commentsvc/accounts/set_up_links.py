"""The link by which the first owner signs up, while nobody can sign in."""

import secrets
from datetime import timedelta

from commentsvc import links, tokens

LIFETIME = timedelta(days=1)
PURPOSE = "set-up"


def url() -> str:
    """Return the set-up link, valid for a day."""
    return links.absolute(f"/admin/set-up/{tokens.sign(PURPOSE, secrets.token_urlsafe(12))}")


def check(token: str) -> None:
    """Raise ``LinkInvalid`` or ``LinkExpired`` unless it is valid."""
    tokens.read(PURPOSE, token, LIFETIME)
