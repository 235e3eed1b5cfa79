"""A request to post a comment, parsed by one of the three views."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from commentsvc import tokens
from commentsvc.captcha import challenge
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Captcha
from commentsvc.threads.articles import Article
from commentsvc.web import current
from commentsvc.web.visitor import Visitor

MAX_KEY_LENGTH = 200  # characters of an idempotency key


@dataclass(frozen=True)
class CommentRequest:
    """A parsed request to post. ``typed`` holds texts only; ``is_form`` tells people from programs."""

    article: Article
    typed: Mapping[str, str]
    visitor: Visitor | None
    moderator: Moderator | None = None
    is_form: bool = True

    @property
    def answer(self) -> str:
        """What was computed or typed to solve the challenge."""
        return self.typed.get("challenge_work", "") or self.typed.get("challenge_answer", "")

    @cached_property
    def captcha_rule(self) -> Captcha:
        """Who must solve a challenge here."""
        return self.article.captcha_rule

    @property
    def may_be_asked(self) -> bool:
        """Whether any rule could ask this person for a solved challenge."""
        return self.captcha_rule != Captcha.NEVER and self.moderator is None

    @property
    def is_unsolved(self) -> bool:
        """Whether the author says that they can solve no challenge, where one may be required."""
        return self.may_be_asked and bool(self.typed.get("challenge_unsolved"))

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer, or none is needed any more."""
        token = self.typed.get("challenge_token", "")
        return bool(self.answer.strip()) or bool(challenge.is_solved(token, self.challenge_scope))

    @cached_property
    def challenge_scope(self) -> str:
        """What challenges are bound to."""
        return self.article.challenge_scope

    @property
    def idempotency_key(self) -> str | None:
        """The key that was sent along, bound to its sender and content; None if nothing is known of the sender.

        Programs may have no visitor's token; their network address counts.
        """
        given = self.typed.get("idempotency_key", "")
        sender = self.visitor.id if self.visitor else current.address_hash()
        if not given or len(given) > MAX_KEY_LENGTH or sender is None:
            return None
        content = "\0".join((sender, self.challenge_scope, given, self.typed.get("body", "")))
        return tokens.keyed_hash("idempotency", content)
