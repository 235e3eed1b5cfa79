"""Issue a challenge and check its answer: bound to visitor and thread, valid for one try and ten minutes.

The token is signed and holds a nonce, the thread and a hash of the visitor. The answers are derived from the secret and
the nonce, so they are stored nowhere, and showing a picture writes nothing. The one try is an insert of the nonce,
whichever of the three answers it was: picture, sound or computation.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from commentsvc import clock, settings, tokens
from commentsvc.captcha import alphabet
from commentsvc.db import db
from commentsvc.errors import ChallengeExpired, ChallengeFailed, LinkExpired, LinkInvalid, LooksAutomatic, NotFound
from commentsvc.models.spent_challenge import SpentChallenge

LIFETIME = timedelta(minutes=10)
SOLVED_FOR = timedelta(minutes=30)  # after a solved challenge, in which the same visitor is not asked again
AUDIO_LANGUAGES = ("en", "de")  # languages of the sound
MAX_WRITING_TIME = timedelta(days=1)
MAX_WAIT = timedelta(minutes=1)  # how much of the age of an earlier form counts
LENGTH = 6  # characters of the picture, digits of the sound
MAX_TYPED_LENGTH = 100  # characters; answers that are computed are longer
PURPOSE = "challenge"


@dataclass(frozen=True)
class _Contents:
    nonce: str
    scope: str
    visitor_hash: str
    solved: bool
    waited: float = 0.0  # seconds that its form had been shown before


def scope_of(site_key: str, key: str) -> str:
    """Return what a challenge is bound to, as one text."""
    return f"{site_key}/{key}"


def spoken(language: str) -> str:
    """Return the language of the sound for a reader of ``language``."""
    return language if language in AUDIO_LANGUAGES else AUDIO_LANGUAGES[0]


def issue(scope: str, visitor: str, *, solved: bool = False, instead_of: str = "") -> str:
    """Return a new token for this visitor in this thread.

    With ``solved`` it needs no answer: for somebody who solved a picture and was then stopped by something else. It may
    replace another token in a form that was shown before.
    """
    person = _visitor_hash(visitor)
    waited = min(_shown_for(instead_of, scope, person), MAX_WAIT)
    return tokens.sign(PURPOSE, [secrets.token_urlsafe(12), scope, person, solved, waited.total_seconds()])


def age(token: str, scope: str) -> timedelta:
    """Return how long ago the form with this token was shown.

    Raises:
        LooksAutomatic: we never issued such a token.
    """
    try:
        payload, issued_at = tokens.read_with_time(PURPOSE, token)
    except LinkInvalid:
        raise LooksAutomatic from None
    contents = _Contents(*payload)
    if contents.scope != scope:
        raise LooksAutomatic
    return timedelta(seconds=contents.waited) + (clock.now() - issued_at)


def _shown_for(token: str, scope: str, person: str) -> timedelta:
    """Return how long this person's form with this token has been shown; zero for any other token."""
    try:
        payload = tokens.read(PURPOSE, token, MAX_WRITING_TIME)
        is_theirs = tokens.equal(_Contents(*payload).visitor_hash, person)
        return age(token, scope) if is_theirs else timedelta()
    except (LinkInvalid, LooksAutomatic):
        return timedelta()


def is_solved(token: str, scope: str) -> bool | None:
    """Return whether a token needs no answer any more; None if it is invalid or expired."""
    if not token:
        return None
    try:
        contents = _contents(token)
    except LinkInvalid:
        return None
    return contents.solved if contents.scope == scope else None


def letters() -> str:
    """Return the characters of this installation's pictures."""
    return alphabet.of(settings.current().secret)


def person_of(token: str) -> str:
    """Return whose challenge a token is, as a keyed hash; raises ``NotFound`` if it is invalid or expired."""
    try:
        return _contents(token).visitor_hash
    except LinkInvalid:
        raise NotFound from None


def picture(token: str) -> bytes:
    """Return the PNG for a token; raises ``NotFound`` if it is invalid or expired."""
    nonce = _nonce(token)
    from commentsvc.captcha import image

    seed = bytes.fromhex(tokens.keyed_hash("challenge-picture", nonce))
    return image.draw(answer_of(nonce), image.Style.of(settings.current().secret), seed)


def sound(token: str, language: str) -> bytes:
    """Return the WAV for a token, in one of ``AUDIO_LANGUAGES``; raises ``NotFound`` if it is invalid or expired."""
    nonce = _nonce(token)
    from commentsvc.captcha import audio

    return audio.speak(digits_of(nonce), language, bytes.fromhex(tokens.keyed_hash(f"challenge-{language}", nonce)))


def work(token: str, failures: int) -> dict[str, Any]:
    """Return a proof of work for a token, as ALTCHA's JSON; each of the first ``failures`` doubles it.

    Raises:
        NotFound: the token is invalid or expired.
    """
    nonce = _nonce(token)
    from commentsvc.captcha import proof_of_work

    return proof_of_work.pose(nonce, failures, _key_of_work())


def spend(token: str, answer: str, scope: str, visitor: str, address_hash: str | None = None) -> None:
    """Use up the token's one try, within the transaction that it guards.

    Who solved it is remembered for ``SOLVED_FOR``.

    Raises:
        ChallengeFailed: wrong answer, other visitor, other thread, or tried before.
        ChallengeExpired: older than ten minutes.
    """
    contents = _read(token)
    is_right = contents.solved or _is_right(answer, contents.nonce)
    solver = _solver(visitor, address_hash, scope.partition("/")[0]) if is_right else None
    _use_up(contents, scope, visitor, solver)
    if not is_right:
        raise ChallengeFailed


def waive(token: str, scope: str, visitor: str) -> None:
    """Use up the token without an answer, for those who can give none; raises what ``spend`` raises."""
    _use_up(_read(token), scope, visitor, None)


def was_solved_lately(visitor: str, address_hash: str | None, site_key: str) -> bool:
    """Return whether this visitor solved a challenge of a site, from this address, within ``SOLVED_FOR``."""
    solver = _solver(visitor, address_hash, site_key)
    theirs = (SpentChallenge.solved_by == solver, SpentChallenge.expires_at > clock.now())
    return db.session.scalar(select(SpentChallenge.nonce).where(*theirs).limit(1)) is not None


def forget_expired() -> None:
    """Delete the nonces of expired tokens."""
    db.session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at < clock.now()))


def answer_of(nonce: str) -> str:
    """Return the answer to the picture of this nonce."""
    return _derived("challenge-answer", nonce, letters())


def digits_of(nonce: str) -> str:
    """Return the answer to the sound of this nonce."""
    return _derived("challenge-digits", nonce, "0123456789")


def _derived(purpose: str, nonce: str, signs: str) -> str:
    number = int(tokens.keyed_hash(purpose, nonce, length=32), 16)
    chosen = []
    for _ in range(LENGTH):
        number, index = divmod(number, len(signs))
        chosen.append(signs[index])
    return "".join(chosen)


def _is_right(answer: str, nonce: str) -> bool:
    if len(answer) > MAX_TYPED_LENGTH:  # a computation's
        from commentsvc.captcha import proof_of_work

        return proof_of_work.is_solved(answer, nonce, _key_of_work())
    return alphabet.matches(answer, answer_of(nonce)) or alphabet.matches_digits(answer, digits_of(nonce))


def _key_of_work() -> str:
    return tokens.keyed_hash("challenge-work", "", length=32)


def _read(token: str) -> _Contents:
    try:
        return _contents(token)
    except LinkExpired:
        raise ChallengeExpired from None
    except LinkInvalid:
        raise ChallengeFailed from None


def _use_up(contents: _Contents, scope: str, visitor: str, solver: str | None) -> None:
    is_theirs = contents.scope == scope and tokens.equal(contents.visitor_hash, _visitor_hash(visitor))
    _insert_once(contents.nonce, solver if is_theirs else None)
    if not is_theirs:
        raise ChallengeFailed


def _nonce(token: str) -> str:
    try:
        return _contents(token).nonce
    except LinkInvalid:
        raise NotFound from None


def _contents(token: str) -> _Contents:
    return _Contents(*tokens.read(PURPOSE, token, LIFETIME))


def _visitor_hash(visitor: str) -> str:
    return tokens.keyed_hash("challenge-visitor", visitor)


def _solver(visitor: str, address_hash: str | None, site_key: str) -> str:
    return tokens.keyed_hash("challenge-solver", f"{visitor} {address_hash} {site_key}")


def _insert_once(nonce: str, solver: str | None) -> None:
    if not SpentChallenge.spend(nonce, clock.now() + (SOLVED_FOR if solver else LIFETIME), solver):
        raise ChallengeFailed
