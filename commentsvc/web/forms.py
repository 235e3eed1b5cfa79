"""The comment form: what was typed, what is wrong, and its challenge."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from flask import request

from commentsvc import fields, i18n, links, throttle
from commentsvc.captcha import challenge
from commentsvc.comments.submission import FIELDS
from commentsvc.errors import (
    Banned,
    ChallengeFailed,
    ChallengeNeeded,
    CookieMissing,
    LooksAutomatic,
    Refusal,
    StorageUnavailable,
    TooMany,
)
from commentsvc.fields import MAX_BODY_LENGTH
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Captcha, Moderation, Site
from commentsvc.moderation import evidence
from commentsvc.threads.articles import Article
from commentsvc.web import challenge_check, current
from commentsvc.web.visitor import Visitor

SMILIES = (":-)", ";-)", ":-(", ":-D", ":-P", ":-O", ":-|", "8-)", ":'(")
# Refusals after which the challenge is still valid.
LEAVE_THE_CHALLENGE = (Banned, ChallengeNeeded, LooksAutomatic, StorageUnavailable, TooMany)


@dataclass(frozen=True)
class ShownChallenge:
    """A token and where its picture and sound are; ``solved`` if nothing is left to solve.

    ``may_skip`` if they were asked and gave no right answer, ``skips`` if they chose that a moderator reads it first.
    """

    token: str
    solved: bool
    asks: bool
    may_skip: bool = False
    skips: bool = False

    @property
    def image(self) -> str:
        """The address of the picture."""
        return links.absolute(f"/captcha/{self.token}.png")

    @property
    def sound(self) -> str:
        """The address of the sound, in the reader's language if available."""
        return links.absolute(f"/captcha/{self.token}.wav?lang={challenge.spoken(i18n.language())}")


@dataclass(frozen=True)
class CommentForm:
    """The data of ``templates/thread/_form.html``."""

    article: Article
    values: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None
    challenge: ShownChallenge | None = None
    visitor: Visitor | None = None
    moderator: Moderator | None = None
    reply_to: Comment | None = None
    idempotency_key: str = ""
    preview: str = ""
    challenge_answer: str = ""
    challenge_work: str = ""  # what the device has computed
    embedded: bool = False  # where a token replaces the cookie
    waits: bool = False  # for a moderator, once it is sent
    folded: bool = False  # one inviting line, until somebody writes
    most_characters: int = MAX_BODY_LENGTH

    smilies: ClassVar = SMILIES

    @property
    def site(self) -> Site:
        """The form's site."""
        return self.article.site

    @property
    def errors(self) -> Mapping[str, Refusal]:
        """What is wrong with which field."""
        return self.refusal.fields if self.refusal else {}

    @property
    def is_solved(self) -> bool:
        """Whether nothing of the challenge is left to do."""
        return bool(self.challenge and (self.challenge.solved or self.challenge_work))

    @property
    def is_to_be_solved_now(self) -> bool:
        """Whether only the challenge is missing."""
        is_about_it = isinstance(self.refusal, ChallengeFailed) and not isinstance(self.refusal, CookieMissing)
        return is_about_it and not self.errors

    @property
    def expires_in(self) -> int:
        """Seconds until its challenge expires."""
        return int(challenge.LIFETIME.total_seconds())

    @property
    def letters(self) -> str:
        """The characters of this installation's pictures, letters first."""
        return " ".join(sorted(challenge.letters(), key=lambda sign: (sign.isdigit(), sign)))

    @property
    def is_spoken(self) -> bool:
        """Whether the sound is in the reader's language."""
        return challenge.spoken(i18n.language()) == i18n.language()

    @property
    def action(self) -> str:
        """Where the form is sent without JavaScript."""
        return links.thread_page(self.article.site_key, self.article.key)


def typed() -> dict[str, str]:
    """Return the request's form, the first value of each field."""
    return request.form.to_dict(flat=True)


def rendered() -> str:
    """Return the typed text rendered, up to the maximum length."""
    return fields.rendered(request.form.get("body", "")[:MAX_BODY_LENGTH])


def blank(article: Article, *, folded: bool = False) -> CommentForm:
    """Return a form for everybody, for a shared fragment; the script adds a challenge.

    Its button says what happens to a stranger's comment, as most readers are.
    """
    return CommentForm(article, embedded=True, folded=folded, waits=article.moderation_rule != Moderation.NONE)


def personal(
    article: Article,
    visitor: Visitor,
    moderator: Moderator | None = None,
    refusal: Refusal | None = None,
    reply_to: Comment | None = None,
    preview: str = "",
    *,
    embedded: bool = False,
) -> CommentForm:
    """Return a form for one visitor, with what they typed before."""
    values = {name: request.form.get(name, "") for name in FIELDS}
    shown = _challenge(article, visitor, moderator, refusal)
    return CommentForm(
        article,
        values=values,
        refusal=refusal,
        challenge=shown,
        visitor=visitor,
        challenge_answer=request.form.get("challenge_answer", "") if shown.token == _token_sent() else "",
        challenge_work=request.form.get("challenge_work", "") if shown.token == _token_sent() else "",
        moderator=moderator,
        reply_to=reply_to,
        preview=preview,
        embedded=embedded,
        waits=moderator is None and will_wait(article, visitor),
        idempotency_key=request.form.get("idempotency_key") or secrets.token_urlsafe(12),
    )


def will_wait(article: Article, visitor: Visitor) -> bool:
    """Return whether a plain comment of this visitor would be held, as far as known."""
    if article.moderation_rule == Moderation.FIRST:
        return not visitor.came_back or not evidence.approved_count(article.site, visitor.hash)
    return article.moderation_rule == Moderation.ALL


def new_challenge(article: Article, visitor: Visitor, instead_of: str, *, was_asked: bool) -> ShownChallenge:
    """Return a new challenge for this visitor and thread, replacing another token if given."""
    asks = was_asked or challenge_check.needs_challenge(article.site, article.captcha_rule, visitor)
    fresh = challenge.issue(article.challenge_scope, visitor.id, instead_of=instead_of)
    return ShownChallenge(fresh, solved=False, asks=asks)


def work(shown: ShownChallenge) -> dict[str, Any] | None:
    """Return a proof of work, longer after failures nearby; None if nothing is required."""
    if not shown.asks:
        return None
    return challenge.work(shown.token, throttle.used(throttle.WRONG_ANSWERS_NEARBY, current.neighbourhood()))


def _challenge(
    article: Article, visitor: Visitor, moderator: Moderator | None, refusal: Refusal | None
) -> ShownChallenge:
    sent = request.form
    skips = bool(sent.get("challenge_unsolved"))
    has_pass = refusal is not None and refusal.challenge_pass is not None
    was_asked = has_pass or isinstance(refusal, ChallengeFailed) or bool(sent.get("challenge_asked"))
    rule = Captcha.NEVER if moderator else article.captcha_rule
    asks = was_asked or challenge_check.needs_challenge(article.site, rule, visitor)
    token, is_solved = _token_to_show(article, visitor, refusal, asks=asks)
    may_skip = skips or isinstance(refusal, ChallengeFailed | TooMany)
    return ShownChallenge(token, is_solved, asks, may_skip, skips)


def _token_to_show(article: Article, visitor: Visitor, refusal: Refusal | None, *, asks: bool) -> tuple[str, bool]:
    """Return the token for the form, and whether it is solved; the submitted one if it was not tried."""
    if refusal and refusal.challenge_pass:
        return refusal.challenge_pass, True
    place = article.challenge_scope
    is_untried = not asks or refusal is None or isinstance(refusal, LEAVE_THE_CHALLENGE)
    if "another" not in request.form and is_untried:
        known = challenge.is_solved(_token_sent(), place)
        if known is not None:  # the typed answer still fits
            return _token_sent(), known
    return challenge.issue(place, visitor.id, instead_of=_token_sent()), False


def _token_sent() -> str:
    return request.form.get("challenge_token", "")
