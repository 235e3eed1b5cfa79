"""The checks that a comment must pass before it is stored, the cheapest first.

Order: size and shape, origin, throttle, ban, closed thread, honeypot and minimum time, limit on wrong answers,
validation, whose errors are reported only after the challenge; then, in one transaction, challenge and duplicate. A
used challenge stays used even if the comment is refused. A form that is submitted again returns the comment it created.

Page, embed and API all call ``receive``; each only parses the request and renders the response. Authors passed these
checks when they posted, so ``edit`` and ``delete_own`` check only origin and throttle; edits are also checked for bans,
as the text is new.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import g
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import fields, group_commit, i18n, storage_errors, throttle
from commentsvc.captcha import challenge
from commentsvc.comments import editing, posting, submission
from commentsvc.db import db
from commentsvc.errors import (
    ChallengeExpired,
    ChallengeFailed,
    ChallengeNeeded,
    CookieMissing,
    HiddenFieldFilled,
    InvalidFields,
    LooksAutomatic,
    Refusal,
    StorageUnavailable,
)
from commentsvc.fair_lock import FairSemaphore
from commentsvc.models.comment import Comment
from commentsvc.models.daily_count import DailyCount, Event
from commentsvc.moderation import bans
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.storage_errors import Meaning
from commentsvc.web import challenge_check, current, errors, metrics, security, visitor
from commentsvc.web.challenge_check import ChallengeOutcome
from commentsvc.web.comment_request import CommentRequest

TIMEOUT = 5.0  # seconds to wait for a turn
MAX_POSTS = group_commit.MAX_MEMBERS  # at once; the other connections are for readers
MAX_ACTIVE = {"sqlite": 1, "postgresql": 3}  # requests that run Python at once; PostgreSQL works in parallel
HONEYPOT = "leave_empty"
MIN_WAIT = timedelta(seconds=2)  # from seeing the form to sending it, for the shortest text
PER_CHARACTER = timedelta(milliseconds=4)  # pasting is allowed: it takes people some time, too
MAX_WAIT = timedelta(seconds=8)  # the longest that a text of any length requires
CHALLENGE_CONSUMED = (ChallengeOutcome.SOLVED, ChallengeOutcome.UNSOLVED)  # used a challenge up
UNCOUNTED_FAILURES = (ChallengeExpired, ChallengeNeeded, CookieMissing)  # no wrong answers: too late, or none

log = logging.getLogger(__name__)
_post_slots = FairSemaphore(MAX_POSTS)
_active_slots = {dialect: FairSemaphore(most) for dialect, most in MAX_ACTIVE.items()}


def min_writing_time(body: str) -> timedelta:
    """Return how long a person takes at least to write this text."""
    return min(MAX_WAIT, MIN_WAIT + PER_CHARACTER * len(body))


def receive(request: CommentRequest) -> Comment:
    """Accept a comment, or raise a refusal; commits."""
    try:
        if g.pop("timed_out", False):
            raise StorageUnavailable
        return _receive(request)
    except Refusal as refusal:
        metrics.note(refusal)
        raise
    except SQLAlchemyError as error:
        db.session.rollback()
        if errors.may_try_again(error) or storage_errors.meaning(error) == Meaning.MISTAKE:
            raise
        log.warning("the database is not available: %s", error)
        raise StorageUnavailable from error
    finally:
        _end_turn()


def limit_concurrency(view: Callable[..., AnyResponse]) -> Callable[..., AnyResponse]:
    """Limit how many requests post at once, and how many of those run. ``receive`` ends the turn.

    Python runs one thread at a time anyway, and would switch between many at every database query. ``receive`` refuses
    a request that waited longer than ``TIMEOUT``.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> AnyResponse:
        slots, deadline = _active_slots[db.engine.dialect.name], time.monotonic() + TIMEOUT
        has_slot = _post_slots.acquire(TIMEOUT)
        if has_slot and slots.acquire(max(deadline - time.monotonic(), 0)):
            g.slots = slots
        else:
            g.timed_out = True
        try:
            return view(*args, **kwargs)
        finally:
            _end_turn()
            if has_slot:
                _post_slots.release()

    return wrapper


def _end_turn() -> None:
    if slots := g.pop("slots", None):
        slots.release()


def _receive(request: CommentRequest) -> Comment:
    site = request.article.site
    fields.must_be_text(request.typed)
    security.check_origin(site)
    if existing := _already_posted(request):
        return existing
    if request.moderator is None:
        throttle.hit(throttle.comments_per_minute(site.comments_per_minute), site.key, current.source())
    parsed = submission.parse(request.typed)
    author = _identity(parsed.email, parsed.website, parsed.text)
    if request.moderator is None:
        bans.check(site, author)
    request.article.check_open()
    writing_time = _check_person(request)
    challenge_check.check_remaining(request)
    checked = _checked(parsed)
    if db.engine.dialect.name == "sqlite":
        _end_turn()  # while this one waits for the write lock, others get ready to share its transaction
    article = request.article.for_writing()
    has_changed, request = article is not request.article, replace(request, article=article)
    try:
        if has_changed and request.moderator is None:
            bans.check(article.site, author)
        comment = _already_posted(request) or _solve_and_post(request, checked, writing_time)
    except (Refusal, IntegrityError) as error:
        db.session.commit()  # the challenge stays spent
        if existing := _already_posted(request):  # the same form came through another process at this moment
            return existing
        if isinstance(error, ChallengeFailed) and not isinstance(error, UNCOUNTED_FAILURES):
            challenge_check.count_failure(request)
        elif isinstance(error, ChallengeNeeded):
            challenge_check.count_attempt()
        raise
    _end_turn()  # the next one goes ahead while the disk syncs this one
    db.commit_and_keep()
    challenge_check.count_posted(request)
    return comment


def _identity(email: str | None, website: str | None, text: str) -> AuthorIdentity:
    person = visitor.known()
    return AuthorIdentity(current.address(), email or "", website or "", text, person.hash if person else "")


def edit(find: Callable[[], Comment], body: str) -> Comment:
    """Edit the comment that ``find`` returns; commits. Raises what ``find`` and ``editing.edit_as_author`` raise."""

    def change(comment: Comment) -> None:
        if comment.moderator_id is None:
            text = submission.parse({"author": comment.author, "body": body}).text
            bans.check(comment.thread.site, _identity(comment.email, comment.website, text))
        editing.edit_as_author(comment, body)

    return _changed(find, change)


def delete_own(find: Callable[[], Comment]) -> Comment:
    """Delete the comment that ``find`` returns, for its author; commits."""
    return _changed(find, editing.delete_own)


def _changed(find: Callable[[], Comment], change: Callable[[Comment], None]) -> Comment:
    comment = find()
    site, comment_id = comment.thread.site, comment.id
    security.check_origin(site)
    throttle.hit(throttle.comments_per_minute(site.comments_per_minute), site.key, current.source())
    db.begin_write()
    Comment.locked(comment_id)
    comment = find()  # again, as it is now that nobody else can change it
    change(comment)
    db.session.commit()
    return comment


def _solve_and_post(
    request: CommentRequest, checked: submission.Submission | Refusal, writing_time: timedelta | None
) -> Comment:
    try:
        outcome = challenge_check.verify(request)
    except ChallengeFailed as refusal:
        if not isinstance(refusal, UNCOUNTED_FAILURES):
            DailyCount.add(Event.FAILED, request.article.site.id)
        if isinstance(refusal, ChallengeNeeded) and isinstance(checked, Refusal):
            raise checked from refusal  # nothing was answered: the fields are what is wrong
        refusal.fields = checked.fields if isinstance(checked, Refusal) else refusal.fields
        raise
    if outcome == ChallengeOutcome.SOLVED:
        DailyCount.add(Event.SOLVED, request.article.site.id)
    try:
        if isinstance(checked, Refusal):
            raise checked
        with db.session.begin_nested() if outcome in CHALLENGE_CONSUMED else _rollback_on_error():
            return _posted(request, checked, writing_time, outcome)
    except Refusal as refusal:
        if outcome == ChallengeOutcome.SOLVED and request.visitor:
            refusal.challenge_pass = challenge.issue(
                request.challenge_scope,
                request.visitor.id,
                solved=True,
                instead_of=request.typed.get("challenge_token", ""),
            )
        raise


@contextmanager
def _rollback_on_error() -> Iterator[None]:
    """Roll back the whole transaction on failure: nothing was written before."""
    try:
        yield
    except (Refusal, IntegrityError):
        db.session.rollback()
        raise


def _posted(
    request: CommentRequest, checked: submission.Submission, writing_time: timedelta | None, outcome: ChallengeOutcome
) -> Comment:
    writer = posting.CommentAuthor(
        visitor=request.visitor.hash if request.visitor else None,
        address_hash=current.address_hash(),
        language=i18n.language(),
        moderator=request.moderator,
        seconds=writing_time.total_seconds() if writing_time else None,
        is_unasked=outcome == ChallengeOutcome.NOT_REQUIRED,
        is_unsolved=outcome == ChallengeOutcome.UNSOLVED,
    )
    return posting.post_comment(request.article, checked, writer, request.idempotency_key)


def _already_posted(request: CommentRequest) -> Comment | None:
    return posting.find_by_idempotency_key(request.idempotency_key) if request.idempotency_key else None


def _checked(parsed: submission.Parsed) -> submission.Submission | Refusal:
    try:
        return parsed.checked()
    except InvalidFields as refusal:
        return refusal


def _check_person(request: CommentRequest) -> timedelta | None:
    """Check honeypot and minimum time of a form; return how long ago it was shown."""
    if request.moderator or not request.is_form:
        return None
    if request.typed.get(HONEYPOT):
        raise HiddenFieldFilled
    writing_time = challenge.age(request.typed.get("challenge_token", ""), request.challenge_scope)
    if writing_time < min_writing_time(request.typed.get("body", "")):
        raise LooksAutomatic
    return writing_time
