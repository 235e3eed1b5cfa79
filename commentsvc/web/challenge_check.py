"""Decide who must solve a challenge, check the answer, and limit attempts."""

from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto

from commentsvc import throttle
from commentsvc.captcha import alphabet, challenge
from commentsvc.errors import ChallengeNeeded, CookieMissing, TooMany
from commentsvc.models.site import Captcha, Site
from commentsvc.moderation import evidence
from commentsvc.web import current
from commentsvc.web.comment_request import CommentRequest
from commentsvc.web.visitor import Visitor

MAX_TRUSTED_BY_RULE = 3  # comments a day after one solved challenge, until a person approves one


class ChallengeOutcome(Enum):
    """How somebody got past the challenge."""

    EXEMPT = auto()  # no rule can require a challenge
    NOT_REQUIRED = auto()  # yet; one may be required once the text is judged
    SOLVED = auto()
    UNSOLVED = auto()  # the author could solve none and asks a moderator


def needs_challenge(site: Site, rule: Captcha, visitor: Visitor | None, *, has_response: bool = False) -> bool:
    """Return whether a ``rule`` asks this visitor for a solved challenge, as far as known before they write.

    One solved challenge serves for a visit, but an answer that was sent (``has_response``) is checked.
    """
    if rule == Captcha.NEVER:
        return False
    person = visitor.hash if visitor and visitor.came_back else None
    if rule == Captcha.ALWAYS:
        is_spared = _is_known_author(site, person) or (not has_response and _solved_recently(site, visitor))
        return not is_spared or bool(evidence.spam_count(person, None))
    return _is_faster_than_people() or bool(evidence.spam_count(person, current.address_hash()))


def verify(request: CommentRequest) -> ChallengeOutcome:
    """Check the challenge's answer if one is required. This uses up its one try.

    Raises:
        CookieMissing: nothing says whose challenge it was.
        ChallengeNeeded: there is no answer.
        ChallengeFailed: as ``challenge.spend`` does.
    """
    if _is_exempt(request):
        return ChallengeOutcome.EXEMPT
    has_response = request.is_answered or request.is_unsolved
    by_suspicion = request.captcha_rule == Captcha.SUSPICIOUS  # by the other rules, whoever is not exempt is asked
    if by_suspicion and not has_response and not _needs_challenge(request):
        return ChallengeOutcome.NOT_REQUIRED
    if request.visitor is None:
        raise CookieMissing
    if not has_response:
        raise ChallengeNeeded
    token = request.typed.get("challenge_token", "")
    if request.is_unsolved:
        challenge.waive(token, request.challenge_scope, request.visitor.id)
        return ChallengeOutcome.UNSOLVED
    challenge.spend(token, request.answer, request.challenge_scope, request.visitor.id, current.address_hash())
    return ChallengeOutcome.SOLVED


def check_remaining(request: CommentRequest) -> None:
    """Raise ``TooMany`` after too many wrong answers, or too many skipped challenges."""
    for limit, who in _limits(request):
        throttle.check_remaining(limit, who)


def count_failure(request: CommentRequest) -> None:
    """Count a wrong answer, or a challenge that was skipped."""
    for limit, who in _limits(request):
        with suppress(TooMany):  # the next try will hear of it
            throttle.hit(limit, who)


def count_posted(request: CommentRequest) -> None:
    """Count an accepted comment, to know how fast this address writes."""
    if request.is_unsolved:
        count_failure(request)
    count_attempt()


def count_attempt() -> None:
    """Count an attempt: an address that is faster than people must solve a challenge each time."""
    with suppress(TooMany):
        throttle.hit(throttle.UNSUSPICIOUS, current.source())


def _is_known_author(site: Site, person: str | None) -> bool:
    """Return whether a person approved something of theirs, or rules lately a few comments from one address."""
    if person is None:
        return False
    if evidence.approved_count(site, person):
        return True
    return 0 < evidence.approved_by_rule_lately(site, person, current.address_hash()) <= MAX_TRUSTED_BY_RULE


def _solved_recently(site: Site, visitor: Visitor | None) -> bool:
    """Return whether they solved one on this visit, and write no faster than people usually do."""
    if visitor is None or not visitor.came_back:
        return False
    return not _is_faster_than_people() and challenge.was_solved_lately(visitor.id, current.address_hash(), site.key)


def _is_faster_than_people() -> bool:
    """Return whether this address wrote more lately than people usually do."""
    return not throttle.has_remaining(throttle.UNSUSPICIOUS, current.source())


def _is_exempt(request: CommentRequest) -> bool:
    """Return whether no rule of this site could ask this visitor."""
    if not request.may_be_asked:
        return True
    return request.captcha_rule == Captcha.ALWAYS and not _needs_challenge(request)


def _needs_challenge(request: CommentRequest) -> bool:
    site, has_response = request.article.site, request.is_answered or request.is_unsolved
    return needs_challenge(site, request.captcha_rule, request.visitor, has_response=has_response)


def _limits(request: CommentRequest) -> Iterator[tuple[throttle.Limit, str]]:
    """Return the limits that a wrong answer, or a skipped challenge, counts for."""
    if not (request.is_unsolved or request.is_answered) or _is_exempt(request):
        return
    if request.is_unsolved:
        yield throttle.UNSOLVED, current.source()
        yield throttle.UNSOLVED_NEARBY, current.neighbourhood()
    else:
        yield throttle.WRONG_ANSWERS, current.source()
        yield throttle.WRONG_ANSWERS_A_DAY, current.source()
        yield throttle.WRONG_ANSWERS_NEARBY, current.neighbourhood()
        if alphabet.looks_like_audio_answer(request.answer):
            yield throttle.WRONG_SOUNDS, current.source()
        if request.visitor:
            yield throttle.WRONG_ANSWERS, request.visitor.hash
