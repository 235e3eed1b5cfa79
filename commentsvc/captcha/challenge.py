"""Issue a challenge and check its answer: bound to visitor and thread, good for one try, gone after ten minutes.

The token is signed and holds a nonce, the thread and a hash of the visitor. The answer is derived from the secret
and the nonce, so it stands nowhere and showing a picture writes nothing. The one try is an insert of the nonce.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from commentsvc import clock, settings, tokens
from commentsvc.captcha.alphabet import ALPHABET, means
from commentsvc.db import db
from commentsvc.errors import ChallengeExpired, ChallengeFailed, LinkExpired, LinkInvalid, LooksAutomatic, NotFound
from commentsvc.models.spent_challenge import SpentChallenge

LIFETIME = timedelta(minutes=10)
LENGTH = 6
PURPOSE = "challenge"


@dataclass(frozen=True)
class _Contents:
    nonce: str
    thread_path: str
    visitor_hash: str
    solved: bool


def issue(thread_path: str, visitor: str, *, solved: bool = False) -> str:
    """A new token for this visitor writing under this thread.

    With ``solved`` it needs no answer: for somebody who solved a picture and then was stopped by something else.
    """
    return tokens.sign(PURPOSE, [secrets.token_urlsafe(12), thread_path, _visitor_hash(visitor), solved])


def age(token: str, thread_path: str) -> timedelta:
    """How long ago a form of this thread with this token was shown, or a day where a picture was solved meanwhile.

    Raises:
        LooksAutomatic: we never gave out such a token.
    """
    try:
        payload, issued_at = tokens.read_with_time(PURPOSE, token)
    except LinkInvalid:
        raise LooksAutomatic from None
    contents = _Contents(*payload)
    if contents.thread_path != thread_path:
        raise LooksAutomatic
    return timedelta(days=1) if contents.solved else clock.now() - issued_at


def is_solved(token: str, thread_path: str) -> bool | None:
    """Whether a token of this thread needs no answer any more; None for one that is broken or too old."""
    try:
        contents = _contents(token)
    except LinkInvalid:
        return None
    return contents.solved if contents.thread_path == thread_path else None


def picture(token: str) -> bytes:
    """The PNG for a token; raises ``NotFound`` for one that is broken or too old."""
    try:
        contents = _contents(token)
    except LinkInvalid:
        raise NotFound from None
    from commentsvc.captcha import image  # what draws is only loaded where somebody writes

    seed = bytes.fromhex(tokens.keyed_hash("challenge-picture", contents.nonce))
    style = image.Style.of(settings.current().secret)
    return image.draw(answer_of(contents.nonce), style, seed)


def spend(token: str, answer: str, thread_path: str, visitor: str) -> None:
    """Use up the token's one try; writes, so it belongs into the transaction of what it guards.

    Raises:
        ChallengeFailed: wrong answer, other visitor, other thread, or tried before.
        ChallengeExpired: older than ten minutes.
    """
    try:
        contents = _contents(token)
    except LinkExpired:
        raise ChallengeExpired from None
    except LinkInvalid:
        raise ChallengeFailed from None
    _insert_once(contents.nonce)
    is_ours = contents.thread_path == thread_path and tokens.equal(contents.visitor_hash, _visitor_hash(visitor))
    if not is_ours or not (contents.solved or means(answer, answer_of(contents.nonce))):
        raise ChallengeFailed


def forget_expired() -> None:
    """Delete the nonces of tokens that are too old to be tried anyway; writes."""
    db.session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at < clock.now()))


def _contents(token: str) -> _Contents:
    return _Contents(*tokens.read(PURPOSE, token, LIFETIME))


def _visitor_hash(visitor: str) -> str:
    return tokens.keyed_hash("challenge-visitor", visitor)


def answer_of(nonce: str) -> str:
    """What the picture of a challenge with this nonce shows."""
    digest = bytes.fromhex(tokens.keyed_hash("challenge-answer", nonce, length=32))
    number = int.from_bytes(digest)
    letters = []
    for _ in range(LENGTH):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)


def _insert_once(nonce: str) -> None:
    try:
        with db.session.begin_nested():
            db.session.execute(insert(SpentChallenge).values(nonce=nonce, expires_at=clock.now() + LIFETIME))
    except IntegrityError:
        raise ChallengeFailed from None
