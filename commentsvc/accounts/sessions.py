"""Sessions, kept on the server so that they can be listed and ended."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update

from commentsvc import clock, tokens
from commentsvc.db import db
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_session import MAX_USER_AGENT_LENGTH, ModeratorSession

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=5)
CONFIRMED_FOR = timedelta(minutes=15)  # for which it counts as the same person


def start(moderator: Moderator, user_agent: str = "", link_nonce: str | None = None) -> str:
    """Sign a moderator in; return the token for their cookie."""
    token = secrets.token_urlsafe(32)
    session = ModeratorSession(
        moderator_id=moderator.id,
        token_hash=_hash(token),
        link_nonce=link_nonce,
        user_agent=user_agent[:MAX_USER_AGENT_LENGTH],
        confirmed_at=clock.now(),
    )
    db.session.add(session)
    db.session.flush()
    return token


def of_token(token: str) -> ModeratorSession | None:
    """Return the live session of a cookie."""
    session = db.session.scalar(select(ModeratorSession).where(ModeratorSession.token_hash == _hash(token)))
    return session if session and _is_alive(session, clock.now()) else None


def of(moderator: Moderator) -> Sequence[ModeratorSession]:
    """Return a moderator's live sessions, last used first."""
    theirs = select(ModeratorSession).where(ModeratorSession.moderator_id == moderator.id)
    found = db.session.scalars(theirs.order_by(ModeratorSession.seen_at.desc(), ModeratorSession.id.desc()))
    return [session for session in found if _is_alive(session, clock.now())]


def should_touch(session: ModeratorSession) -> bool:
    """Return whether it is time to note that the session is in use."""
    return clock.now() - session.seen_at > SEEN_EVERY


def touch(session_id: int) -> None:
    """Note that a session is in use."""
    _change(ModeratorSession.id == session_id, seen_at=clock.now())


def is_recently_confirmed(session: ModeratorSession) -> bool:
    """Return whether its moderator confirmed who they are a short while ago."""
    return session.confirmed_at is not None and clock.now() - session.confirmed_at < CONFIRMED_FOR


def confirm(session_id: int) -> None:
    """Note that its moderator confirmed who they are."""
    _change(ModeratorSession.id == session_id, confirmed_at=clock.now())


def end(token: str) -> None:
    """End a session."""
    _change(ModeratorSession.token_hash == _hash(token), ended_at=clock.now())


def end_one(moderator: Moderator, session_id: int) -> None:
    """End one session of a moderator."""
    theirs = (ModeratorSession.moderator_id == moderator.id) & (ModeratorSession.id == session_id)
    _change(theirs, ended_at=clock.now())


def end_all(moderator: Moderator, but: int | None = None) -> None:
    """End all sessions of a moderator, ``but`` one."""
    theirs = (ModeratorSession.moderator_id == moderator.id) & (ModeratorSession.id != (but or 0))
    _change(theirs, ended_at=clock.now())


def forget_expired() -> None:
    """Delete sessions that are older than any may be."""
    over = ModeratorSession.created_at < clock.now() - ABSOLUTE
    db.session.execute(delete(ModeratorSession).where(over))


def _change(which: ColumnElement[bool], **values: datetime) -> None:
    alive = ModeratorSession.ended_at.is_(None)
    db.session.execute(update(ModeratorSession).where(which, alive).values(**values))


def _is_alive(session: ModeratorSession, now: datetime) -> bool:
    is_over = session.ended_at is not None or session.moderator.removed_at is not None
    return not is_over and now - session.seen_at < IDLE and now - session.created_at < ABSOLUTE


def _hash(token: str) -> str:
    return tokens.keyed_hash("moderator-session", token, length=32)
