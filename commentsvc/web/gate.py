"""What a stranger must pass before a row is written, cheapest check first; then the one transaction.

Order: size and shape, origin, throttle, ban, closed thread, honeypot and minimum time, challenge, validation,
duplicate.
All three doors (page, embed, API) come through ``receive``; each only reads the request and words the answer. Who
changes a comment of their own passed all that before: ``edit`` and ``take_back`` look at origin and throttle, and
what is edited at bans, as the text is new and the ban may be.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import g
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, storage_errors, throttle
from commentsvc.captcha import challenge
from commentsvc.comments import editing, posting, submission
from commentsvc.db import db
from commentsvc.errors import (
    ChallengeExpired,
    ChallengeFailed,
    ChallengeNeeded,
    CookieMissing,
    HiddenFieldFilled,
    LooksAutomatic,
    NotUnderstood,
    Refusal,
    StorageUnavailable,
)
from commentsvc.line import Line
from commentsvc.models.comment import Comment
from commentsvc.models.tally import Event, Tally
from commentsvc.moderation import bans
from commentsvc.moderation.stranger import Stranger
from commentsvc.storage_errors import Meaning
from commentsvc.web import current, errors, security, snapshots, standing
from commentsvc.web.arrival import Arrival
from commentsvc.web.standing import Standing

PATIENCE = 8.0  # seconds until one's turn
HONEYPOT = "leave_empty"
FASTEST = timedelta(seconds=2)  # from seeing the form to sending it, for the shortest text
EACH_CHARACTER = timedelta(milliseconds=4)  # more; pasting is allowed, and takes a person some time, too
SLOWEST = timedelta(seconds=8)  # that anybody has to wait
SPENDS = (Standing.SOLVED, Standing.UNSOLVED)  # used a challenge up
NO_GUESS = (ChallengeExpired, ChallengeNeeded, CookieMissing)  # slow, or missing something; not a guess

_line = Line()


def least_time(body: str) -> timedelta:
    """How long a person takes at least from seeing the form to sending it with this text."""
    return min(SLOWEST, FASTEST + EACH_CHARACTER * len(body))


def receive(arrival: Arrival) -> Comment:
    """Let a comment in, or raise the refusal that says why not; commits."""
    try:
        return _receive(arrival)
    except SQLAlchemyError as problem:
        db.session.rollback()
        if errors.may_try_again(problem) or storage_errors.meaning(problem) == Meaning.MISTAKE:
            raise
        raise StorageUnavailable from problem
    finally:
        _end_turn()


def one_at_a_time(view: Callable[..., AnyResponse]) -> Callable[..., AnyResponse]:
    """A view that waits for its turn among those that ``receive``, each of which ends its turn there.

    Python runs one thread at a time anyway, and changes between many at each question to the database.
    """

    @wraps(view)
    def in_turn(*given: Any, **named: Any) -> AnyResponse:
        g.has_turn = _line.wait(PATIENCE)
        try:
            return view(*given, **named)
        finally:
            _end_turn()

    return in_turn


def _end_turn() -> None:
    if g.pop("has_turn", False):
        _line.leave()


def _receive(arrival: Arrival) -> Comment:
    site = arrival.article.site
    submission.must_be_text(arrival.typed)
    security.check_origin(site)
    if twin := _twin(arrival):
        return twin
    if arrival.moderator is None:
        throttle.hit(throttle.comments_per_minute(site.comments_per_minute), site.key, current.source())
        bans.check(site, Stranger(current.address(), *submission.as_stored(arrival.typed)))
    arrival.article.check_open()
    taken = _check_person(arrival)
    standing.must_be_left(arrival)
    checked = _checked_fields(arrival.typed)
    arrival = replace(arrival, article=arrival.article.for_writing())
    try:
        comment = _twin(arrival) or _let_in(arrival, checked, taken)
    except (Refusal, IntegrityError) as problem:
        db.session.commit()  # the challenge stays spent
        if twin := _twin(arrival):  # the same form came through another process meanwhile
            return twin
        if isinstance(problem, ChallengeFailed) and not isinstance(problem, NO_GUESS):
            standing.count_failure(arrival)
        elif isinstance(problem, ChallengeNeeded):
            standing.count_pace()
        raise
    _end_turn()  # the next one goes ahead while the disk takes in what this one wrote
    db.commit_and_keep()
    standing.count_posted(arrival)
    snapshots.drop(comment.thread.site_id, comment.thread.key)
    return comment


def edit(find: Callable[[], Comment], body: str) -> Comment:
    """Give the comment that ``find`` finds a new text; commits; raises what ``find`` and ``editing.edit`` raise."""

    def change(comment: Comment) -> None:
        if comment.moderator_id is None:
            _, _, said = submission.as_stored({"author": comment.author, "body": body})
            writer = Stranger(current.address(), comment.email or "", comment.website or "", said)
            bans.check(comment.thread.site, writer)
        editing.edit(comment, body)

    return _changed(find, change)


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
        stands = standing.of(arrival)
    except ChallengeFailed as refusal:
        if not isinstance(refusal, NO_GUESS):
            Tally.add(Event.FAILED, arrival.article.site.id)
        refusal.fields = checked.fields if isinstance(checked, Refusal) else refusal.fields
        raise
    if stands == Standing.SOLVED:
        Tally.add(Event.SOLVED, arrival.article.site.id)
    try:
        if isinstance(checked, Refusal):
            raise checked
        with _alone() if stands in SPENDS else _whole():
            return _posted(arrival, checked, taken, stands)
    except Refusal as refusal:
        if stands == Standing.SOLVED and arrival.visitor:
            refusal.challenge_pass = challenge.issue(
                arrival.thread_path,
                arrival.visitor.id,
                solved=True,
                instead_of=arrival.typed.get("challenge_token", ""),
            )
        raise


def _alone() -> AbstractContextManager[object]:
    """What fails in it is undone, and what was spent before stays so."""
    return db.session.begin_nested()


@contextmanager
def _whole() -> Iterator[None]:
    """The same where nothing was written before."""
    try:
        yield
    except (Refusal, IntegrityError):
        db.session.rollback()
        raise


def _posted(arrival: Arrival, checked: submission.Submission, taken: timedelta | None, stands: Standing) -> Comment:
    writer = posting.Writer(
        visitor=arrival.visitor.hash if arrival.visitor else None,
        address_hash=current.address_hash(),
        language=i18n.language(),
        moderator=arrival.moderator,
        seconds=taken.total_seconds() if taken else None,
        is_unasked=stands == Standing.UNASKED,
        is_unsolved=stands == Standing.UNSOLVED,
    )
    return posting.post_comment(arrival.article, checked, writer, arrival.idempotency_key)


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
    if taken < least_time(arrival.typed.get("body", "")):
        raise LooksAutomatic
    return taken
