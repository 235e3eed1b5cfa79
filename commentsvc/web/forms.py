"""The comment form as it is shown: what was typed, what is wrong with it, and the challenge that belongs to it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from flask import request

from commentsvc import links
from commentsvc.captcha import challenge
from commentsvc.comments import submission
from commentsvc.comments.submission import FIELDS, LONGEST_BODY
from commentsvc.errors import LooksAutomatic, Refusal, StorageUnavailable, TooMany
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Moderation, Site
from commentsvc.moderation import evidence
from commentsvc.web import gate
from commentsvc.web.visitor import Visitor

SMILIES = (":-)", ";-)", ":-(", ":-D", ":-P", ":-O", ":-|", "8-)", ":'(")
UNTRIED = (LooksAutomatic, TooMany, StorageUnavailable)  # refusals that come before the challenge is looked at


@dataclass(frozen=True)
class ShownChallenge:
    """A token and where its picture is; ``solved`` where nothing is left to solve."""

    token: str
    solved: bool
    asks: bool

    @property
    def image(self) -> str:
        """The full address of the picture."""
        return links.absolute(f"/captcha/{self.token}.png")


@dataclass(frozen=True)
class CommentForm:
    """All that ``templates/thread/_form.html`` needs."""

    site: Site
    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None
    challenge: ShownChallenge | None = None
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


def new_challenge(site: Site, key: str, visitor: Visitor, moderator: Moderator | None = None) -> ShownChallenge:
    """A fresh challenge for this visitor under this thread."""
    return _challenge(site, key, visitor, moderator, None)


def _challenge(
    site: Site, key: str, visitor: Visitor, moderator: Moderator | None, refusal: Refusal | None
) -> ShownChallenge:
    asks = gate.needs_challenge(site, moderator)
    if refusal and refusal.challenge_pass:
        return ShownChallenge(refusal.challenge_pass, solved=True, asks=asks)
    if "another" not in request.form and (not asks or refusal is None or isinstance(refusal, UNTRIED)):
        known = challenge.is_solved(_token_sent(), f"{site.key}/{key}")
        if known is not None:  # nobody has tried it yet: the answer that was typed still fits
            return ShownChallenge(_token_sent(), solved=known, asks=asks)
    return ShownChallenge(challenge.issue(f"{site.key}/{key}", visitor.id), solved=False, asks=asks)


def _token_sent() -> str:
    return request.form.get("challenge_token", "")
