"""The comment form as it is shown: what was typed, what is wrong with it, and the challenge that belongs to it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from flask import request

from commentsvc import i18n, links, throttle
from commentsvc.captcha import challenge
from commentsvc.captcha.proof_of_work import Problem
from commentsvc.comments import submission
from commentsvc.comments.submission import FIELDS, LONGEST_BODY
from commentsvc.errors import (
    Banned,
    ChallengeFailed,
    ChallengeNeeded,
    LooksAutomatic,
    Refusal,
    StorageUnavailable,
    TooMany,
)
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Moderation, Site
from commentsvc.moderation import evidence
from commentsvc.web import current, standing
from commentsvc.web.visitor import Visitor

SMILIES = (":-)", ";-)", ":-(", ":-D", ":-P", ":-O", ":-|", "8-)", ":'(")
SPOKEN = ("en", "de")  # languages of the sound
# Refusals that leave the challenge as it was.
UNTRIED = (Banned, ChallengeNeeded, LooksAutomatic, StorageUnavailable, TooMany)


@dataclass(frozen=True)
class ShownChallenge:
    """A token and where its picture and sound are; ``solved`` where nothing is left to solve.

    ``may_skip`` for who has tried in vain: a moderator reads what they write first.
    """

    token: str
    solved: bool
    asks: bool
    may_skip: bool = False

    @property
    def image(self) -> str:
        """The full address of the picture."""
        return links.absolute(f"/captcha/{self.token}.png")

    @property
    def sound(self) -> str:
        """The full address of the sound, in the reader's language where it is spoken."""
        return links.absolute(f"/captcha/{self.token}.wav?lang={spoken(i18n.language())}")


@dataclass(frozen=True)
class CommentForm:
    """All that ``templates/thread/_form.html`` needs."""

    site: Site
    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None
    challenge: ShownChallenge | None = None
    visitor: Visitor | None = None
    moderator: Moderator | None = None
    reply_to: Comment | None = None
    idempotency_key: str = ""
    preview: str = ""
    challenge_answer: str = ""
    embedded: bool = False  # where a token serves instead of a cookie
    waits: bool = False  # for a moderator, once it is sent
    folded: bool = False  # one inviting line, until somebody writes
    most_characters: int = LONGEST_BODY

    smilies: ClassVar = SMILIES

    @property
    def errors(self) -> Mapping[str, Refusal]:
        """What is wrong with which field."""
        return self.refusal.fields if self.refusal else {}

    @property
    def letters(self) -> str:
        """What pictures are made of here, letters first."""
        return " ".join(sorted(challenge.letters(), key=lambda sign: (sign.isdigit(), sign)))

    @property
    def is_spoken(self) -> bool:
        """Whether the sound speaks the reader's language."""
        return spoken(i18n.language()) == i18n.language()

    @property
    def action(self) -> str:
        """Where the form goes when no script takes it: the page."""
        return links.thread_page(self.site.key, self.key)


def typed() -> dict[str, str]:
    """What the request's form holds, the first value of each field."""
    return request.form.to_dict(flat=True)


def rendered() -> str:
    """The typed text as it would look; too long a text is shown as far as a comment can hold it."""
    return submission.rendered(request.form.get("body", "")[:LONGEST_BODY])


def blank(site: Site, key: str, *, folded: bool = False) -> CommentForm:
    """A form for everybody, as a shared fragment holds it: the script adds a challenge when somebody writes."""
    return CommentForm(site, key, embedded=True, folded=folded, waits=site.moderation == Moderation.ALL)


def personal(
    site: Site,
    key: str,
    visitor: Visitor,
    moderator: Moderator | None = None,
    refusal: Refusal | None = None,
    reply_to: Comment | None = None,
    preview: str = "",
    *,
    embedded: bool = False,
) -> CommentForm:
    """A form for one person, filled with what they typed before, if anything."""
    values = {name: request.form.get(name, "") for name in FIELDS}
    shown = _challenge(site, key, visitor, moderator, refusal)
    return CommentForm(
        site,
        key,
        values=values,
        refusal=refusal,
        challenge=shown,
        visitor=visitor,
        challenge_answer=request.form.get("challenge_answer", "") if shown.token == _token_sent() else "",
        moderator=moderator,
        reply_to=reply_to,
        preview=preview,
        embedded=embedded,
        waits=moderator is None and will_wait(site, visitor),
        idempotency_key=request.form.get("idempotency_key") or secrets.token_urlsafe(12),
    )


def will_wait(site: Site, visitor: Visitor) -> bool:
    """Whether a plain comment of this visitor would be held, as far as is known before it is written."""
    if site.moderation == Moderation.FIRST:
        return not evidence.approved(site, visitor.hash)
    return site.moderation == Moderation.ALL


def new_challenge(site: Site, key: str, visitor: Visitor, instead_of: str) -> ShownChallenge:
    """A fresh challenge for this visitor under this thread, in the place of another token if there was one."""
    fresh = challenge.issue(f"{site.key}/{key}", visitor.id, instead_of=instead_of)
    return ShownChallenge(fresh, solved=False, asks=standing.needs_challenge(site, visitor, None))


def work(shown: ShownChallenge) -> Problem | None:
    """A computation that solves the challenge, longer after failures nearby; None where nothing is asked."""
    if not shown.asks:
        return None
    return challenge.work(shown.token, throttle.used(throttle.WRONG_ANSWERS_NEARBY, current.neighbourhood()))


def spoken(language: str) -> str:
    """The language of a sound for who reads ``language``."""
    return language if language in SPOKEN else SPOKEN[0]


def _challenge(
    site: Site, key: str, visitor: Visitor, moderator: Moderator | None, refusal: Refusal | None
) -> ShownChallenge:
    has_failed = isinstance(refusal, ChallengeFailed) or bool(request.form.get("challenge_unsolved"))
    asks = standing.needs_challenge(site, visitor, moderator) or has_failed
    if refusal and refusal.challenge_pass:
        return ShownChallenge(refusal.challenge_pass, solved=True, asks=asks)
    if "another" not in request.form and (not asks or refusal is None or isinstance(refusal, UNTRIED)):
        known = challenge.is_solved(_token_sent(), f"{site.key}/{key}")
        if known is not None:  # nobody has tried it yet: the answer that was typed still fits
            return ShownChallenge(_token_sent(), solved=known, asks=asks, may_skip=has_failed)
    fresh = challenge.issue(f"{site.key}/{key}", visitor.id, instead_of=_token_sent())
    return ShownChallenge(fresh, solved=False, asks=asks, may_skip=has_failed or isinstance(refusal, TooMany))


def _token_sent() -> str:
    return request.form.get("challenge_token", "")
