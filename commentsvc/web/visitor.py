"""A visitor: a random id in a signed cookie, or in a signed token if the browser keeps no cookie for us."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from commentsvc import tokens
from commentsvc.errors import LinkInvalid

HEADER = "X-Commentsvc-Visitor"
FIELD = "visitor"
PURPOSE = "visitor"
LIFETIME = timedelta(days=365)


@dataclass(frozen=True)
class Visitor:
    """``id`` is known to its browser only; ``came_back`` if this request brought it."""

    id: str
    came_back: bool

    @property
    def token(self) -> str:
        """The signed id, for browsers that keep no cookie of ours on a foreign page."""
        return tokens.sign(PURPOSE, self.id)

    @property
    def hash(self) -> str:
        """What rows store of the id."""
        return tokens.keyed_hash("visitor", self.id)


class CachedSerializerSessions(SecureCookieSessionInterface):
    """Flask's sessions; their serializer is made once, and not for every request."""

    def __init__(self) -> None:
        self._serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the serializer of the only application that uses this object."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer


def known() -> Visitor | None:
    """Return the visitor of this request, if it brought a cookie or, in a header or form, a token."""
    identity = session.get("visitor") or _signed(request.headers.get(HEADER)) or _signed(request.form.get(FIELD))
    return Visitor(identity, came_back=True) if identity else None


def current() -> Visitor:
    """Return the visitor of this request; a new one gets a cookie with the response."""
    if visitor := known():
        return visitor
    session.permanent = True
    session["visitor"] = secrets.token_urlsafe(16)
    return Visitor(session["visitor"], came_back=False)


def _signed(token: str | None) -> str | None:
    try:
        return str(tokens.read(PURPOSE, token, LIFETIME)) if token else None
    except LinkInvalid:
        return None
