"""What a stranger must pass before a row is written, cheapest check first; then the one transaction.

Order: size and shape, origin, throttle, closed thread, honeypot and minimum time, challenge, validation, duplicate.
All three doors (page, embed, API) come through ``receive``; each only reads the request and words the answer. Who
changes a comment of their own passed all that before: ``edit`` and ``take_back`` look at origin and throttle.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from commentsvc import i18n, throttle, tokens
from commentsvc.captcha import challenge
from commentsvc.comments import editing, posting, submission, threads
from commentsvc.db import db, out_of_service
from commentsvc.errors import (
    ChallengeExpired,
    ChallengeFailed,
    CookieMissing,
    HiddenFieldFilled,
    LooksAutomatic,
    NotUnderstood,
    Refusal,
    StorageUnavailable,
    TooMany,
)
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Captcha, Site
from commentsvc.models.thread import Thread
from commentsvc.web import current, security, snapshots
from commentsvc.web.visitor import Visitor

HONEYPOT = "leave_empty"
FASTEST = timedelta(seconds=2)  # from seeing the form to sending it
LONGEST_KEY = 200  # characters of an idempotency key


@dataclass(frozen=True)
class Arrival:
    """A request to post, as a door read it. ``typed`` holds texts only; ``is_form`` tells people from programs."""

    site: Site
    key: str
    typed: Mapping[str, str]
    visitor: Visitor | None
    moderator: Moderator | None = None
    is_form: bool = True

    @property
    def thread_path(self) -> str:
        """What challenges are bound to."""
        return f"{self.site.key}/{self.key}"

    @property
    def idempotency_key(self) -> str | None:
        """The form's own key, bound to who sends it and to what it says; None for who has no identity."""
        given = self.typed.get("idempotency_key", "")
        if not given or len(given) > LONGEST_KEY or self.visitor is None:
            return None
        said = "\0".join((self.visitor.id, self.thread_path, given, self.typed.get("body", "")))
        return tokens.keyed_hash("idempotency", said)


def needs_challenge(site: Site, moderator: Moderator | None) -> bool:
    """Whether this site shows a picture to this person."""
    return moderator is None and site.captcha != Captcha.NEVER


def receive(arrival: Arrival) -> Comment:
    """Let a comment in, or raise the refusal that says why not; commits."""
    try:
        return _receive(arrival)
    except SQLAlchemyError as problem:
        db.session.rollback()
        if not out_of_service(problem):
            raise
        raise StorageUnavailable from problem


def _receive(arrival: Arrival) -> Comment:
    site = arrival.site
    security.check_origin(site)
    if twin := _twin(arrival):
        return twin
    if arrival.moderator is None:
        throttle.hit(throttle.comments_per_minute(site.comments_per_minute), site.key, current.source())
    threads.check_open(site, Thread.at(site, arrival.key))
    taken = _check_person(arrival)
    for limit, who in _wrong_answers(arrival):
        throttle.must_be_left(limit, who)
    checked = _checked_fields(arrival.typed)
    site_id = site.id
    db.begin_write()
    try:
        comment = _twin(arrival) or _let_in(arrival, checked, taken)
    except (Refusal, IntegrityError) as problem:
        db.session.commit()  # the challenge stays spent
        if twin := _twin(arrival):  # the same form came through another process meanwhile
            return twin
        if isinstance(problem, ChallengeFailed):
            _count_as_guess(arrival, problem)
        raise
    db.session.commit()
    snapshots.drop(site_id, arrival.key)
    return comment


def edit(find: Callable[[], Comment], body: str) -> Comment:
    """Give the comment that ``find`` finds a new text; commits; raises what ``find`` and ``editing.edit`` raise."""
    return _changed(find, lambda comment: editing.edit(comment, body))


def take_back(find: Callable[[], Comment]) -> Comment:
    """Remove the comment that ``find`` finds at its writer's wish; commits."""
    return _changed(find, editing.take_back)


def _changed(find: Callable[[], Comment], change: Callable[[Comment], None]) -> Comment:
    comment = find()
    site, number = comment.thread.site, comment.id
    security.check_origin(site)
    throttle.hit(throttle.comments_per_minute(site.comments_per_minute), site.key, current.source())
    db.begin_write()
    Comment.locked(number)
    comment = find()  # once more, as it is now that nobody else can change it
    change(comment)
    db.session.commit()
    snapshots.drop(comment.thread.site_id, comment.thread.key)
    return comment


def _let_in(arrival: Arrival, checked: submission.Submission | Refusal, taken: timedelta | None) -> Comment:
    try:
        _spend_challenge(arrival)
    except ChallengeFailed as refusal:
        refusal.fields = checked.fields if isinstance(checked, Refusal) else refusal.fields
        raise
    try:
        if isinstance(checked, Refusal):
            raise checked
        with db.session.begin_nested():
            return _posted(arrival, checked, taken)
    except Refusal as refusal:
        if needs_challenge(arrival.site, arrival.moderator) and arrival.visitor:
            refusal.challenge_pass = challenge.issue(arrival.thread_path, arrival.visitor.id, solved=True)
        raise


def _posted(arrival: Arrival, checked: submission.Submission, taken: timedelta | None) -> Comment:
    writer = posting.Writer(
        visitor=arrival.visitor.hash if arrival.visitor else None,
        address_hash=current.address_hash(),
        language=i18n.language(),
        moderator=arrival.moderator,
        seconds=taken.total_seconds() if taken else None,
    )
    return posting.post_comment(arrival.site, arrival.key, checked, writer, arrival.idempotency_key)


def _twin(arrival: Arrival) -> Comment | None:
    return posting.twin_of(arrival.idempotency_key) if arrival.idempotency_key else None


def _checked_fields(typed: Mapping[str, str]) -> submission.Submission | Refusal:
    try:
        return submission.validate(typed)
    except NotUnderstood:
        raise
    except Refusal as refusal:
        return refusal


def _check_person(arrival: Arrival) -> timedelta | None:
    """Honeypot and minimum time, for those who fill in forms; how long ago theirs was shown."""
    if arrival.moderator or not arrival.is_form:
        return None
    if arrival.typed.get(HONEYPOT):
        raise HiddenFieldFilled
    taken = challenge.age(arrival.typed.get("challenge_token", ""), arrival.thread_path)
    if taken < FASTEST:
        raise LooksAutomatic
    return taken


def _spend_challenge(arrival: Arrival) -> None:
    if not needs_challenge(arrival.site, arrival.moderator):
        return
    if arrival.visitor is None:
        raise CookieMissing
    token, answer = arrival.typed.get("challenge_token", ""), arrival.typed.get("challenge_answer", "")
    challenge.spend(token, answer, arrival.thread_path, arrival.visitor.id)


def _count_as_guess(arrival: Arrival, problem: ChallengeFailed) -> None:
    if isinstance(problem, ChallengeExpired | CookieMissing):
        return  # slow writers guess nothing, nor does who has no cookie
    for limit, who in _wrong_answers(arrival):
        with suppress(TooMany):  # the next try will hear of it
            throttle.hit(limit, who)


def _wrong_answers(arrival: Arrival) -> Iterator[tuple[throttle.Limit, str]]:
    """Which limits wrong answers of this person count for."""
    if not needs_challenge(arrival.site, arrival.moderator):
        return
    yield throttle.WRONG_ANSWERS, current.source()
    yield throttle.WRONG_ANSWERS_A_DAY, current.source()
    yield throttle.WRONG_ANSWERS_NEARBY, current.neighbourhood()
    if arrival.visitor:
        yield throttle.WRONG_ANSWERS, arrival.visitor.hash
