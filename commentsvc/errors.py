"""The refusals that several packages raise, each with a status and a sentence that says what to do.

::

    Refusal                       a sentence for the person, a status for the program
    ├── InvalidFields             422  the form, field by field
    ├── NotUnderstood             400  size, shape or encoding
    │   └── TooLarge              413
    ├── NotFound                  404
    ├── WrongOrigin               403
    │   └── OpenedElsewhere       403
    ├── ThreadClosed              403
    ├── LooksAutomatic            403  minimum time, form stamp
    │   └── HiddenFieldFilled
    ├── ParentUnavailable         422
    ├── Banned                    403
    │   └── BannedWord                 another text may be accepted
    ├── ChallengeFailed           403  wrong or used
    │   ├── ChallengeNeeded            not answered
    │   ├── ChallengeExpired
    │   └── CookieMissing
    ├── NotYours                  403  somebody else's comment
    │   └── NoLongerEditable
    ├── ChangedMeanwhile          409  decided about a text that is no longer there
    │   ├── DecidedMeanwhile           somebody else decided first
    │   └── Withdrawn                  its author deleted it
    ├── AlreadyPosted             409  the same text again
    ├── TooMany                   429  with seconds to wait
    ├── LinkInvalid               403  a signed link that is broken
    │   └── LinkExpired           410
    ├── SignInFailed              403
    ├── FormTooOld                403
    ├── OwnersOnly                403
    ├── StorageUnavailable        503
    └── PingRefused               400  a linkback; TrackBack and Pingback say so in their own way

Sentences are message ids: views and commands translate them with ``i18n``. ``N_`` marks them for extraction.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

# Why something was decided: a message id, or one with its values.
Reason = str | list[Any]  # [message id, {"name": value}]
MAX_STORED = 300  # characters of a stored reason, as many as the smallest of its columns takes


def N_(message: str) -> str:  # noqa: N802 - the customary name of the gettext marker
    """Mark ``message`` for translation without translating it here."""
    return message


UNEXPECTED = N_("could not be read")
# For jobs whose process ended at each attempt.
READING_INTERRUPTED = N_("reading it was interrupted again and again")
SENDING_INTERRUPTED = N_("sending it was interrupted again and again")
Row = TypeVar("Row")


class Refusal(Exception):
    """Something a person asked for that is not done.

    Attributes:
        status: the HTTP status of the response.
        sentence: message id, translated by the view; ``values`` fill its ``%(name)s`` places.
        challenge_pass: a solved challenge, if one was solved before this refusal.
        fields: what else is wrong, by field.
        retry_after: seconds after which it may succeed, if known.
        fault: the fault code of Pingback 1.0; 0 if there is none.
        comment_id: the comment that is in the way, if any.
    """

    fault = 0
    retry_after: int | None = None
    comment_id: int | None = None
    challenge_pass: str | None = None
    fields: Mapping[str, "Refusal"] = MappingProxyType({})
    status = 400
    sentence = N_("That did not work.")

    def __init__(self, sentence: str | None = None, **values: Any) -> None:
        self.sentence = sentence or type(self).sentence
        self.values = values
        super().__init__(self.sentence)

    @property
    def name(self) -> str:
        """The refusal's name for programs, in kebab case: ``thread-closed``."""
        return _kebab(type(self).__name__)


class InvalidFields(Refusal):
    """Fields to correct; ``fields`` maps names to refusals."""

    status = 422
    sentence = N_("Please check the highlighted fields. Your text is still there.")

    def __init__(self, fields: dict[str, Refusal]) -> None:
        super().__init__()
        self.fields = fields
        if "body" in fields:  # there may be no text
            self.sentence = N_("Please check the highlighted fields.")


class NotUnderstood(Refusal):
    """The request cannot be parsed."""

    sentence = N_("The server did not understand the request. Please reload the page and try again.")


class TooLarge(NotUnderstood):
    """The request is larger than any comment."""

    status = 413
    sentence = N_("Your comment is too long. Please shorten it.")


class NotFound(Refusal):
    """No such site, thread or comment."""

    status = 404
    fault = 32
    sentence = N_("Page not found.")


def or_404(row: Row | None) -> Row:
    """Return ``row``; raise ``NotFound`` if there is none."""
    if row is None:
        raise NotFound
    return row


class WrongOrigin(Refusal):
    """A page of another site tries to write here."""

    status = 403
    sentence = N_(
        "Comments on this article can only be posted from the blog itself. Please open the article there and try again."
    )


class OpenedElsewhere(WrongOrigin):
    """A page of ours that was opened at another address than ``BASE_URL``."""

    sentence = N_("This page was opened at another address. Please open %(address)s and try again.")


class ThreadClosed(Refusal):
    """The thread takes no more comments or pings."""

    status = 403
    sentence = N_("Comments on this article are closed.")


class LooksAutomatic(Refusal):
    """Sent too fast, or with a form token that is unknown or of another page."""

    status = 403
    sentence = N_("That was so quick that it looked automated. Please wait a moment and send it again.")


class HiddenFieldFilled(LooksAutomatic):
    """The honeypot is filled in, perhaps by a program that fills in forms."""

    sentence = N_(
        "A hidden field was filled in, perhaps by autofill. We have cleared it; please send your comment again."
    )


class ParentUnavailable(Refusal):
    """The parent is gone, held, or in another thread."""

    status = 422
    sentence = N_(
        "The comment you are replying to is not shown right now: it may be awaiting approval, or have been removed. "
        "You can still post yours as a new comment."
    )


class Banned(Refusal):
    """The author is banned."""

    status = 403
    sentence = N_(
        "You cannot comment here at the moment. If you think this is a mistake, please contact the owner of the "
        "blog. Your text is still there."
    )


class BannedWord(Banned):
    """The text contains a banned word; another text may be accepted."""

    sentence = N_(
        "Your comment contains a word that is not accepted here. Please rephrase it; your text is still there."
    )


class ChallengeFailed(Refusal):
    """The answer was wrong, or the challenge was used before."""

    status = 403
    sentence = N_("That did not match. Please try the new picture or sound; your text is still there.")


class ChallengeNeeded(ChallengeFailed):
    """The challenge was not answered."""

    sentence = N_("One more step: please complete the robot check below. Your text is still there.")


class ChallengeExpired(ChallengeFailed):
    """The challenge has expired."""

    sentence = N_("The picture has expired. Here is a new one; your text is still there.")


class CookieMissing(ChallengeFailed):
    """The request has neither the visitor cookie nor the visitor token."""

    sentence = N_(
        "We could not recognise your browser. Please allow cookies and send the form again; your text is still there."
    )


class NotYours(Refusal):
    """Somebody who cannot prove authorship wants to change a comment."""

    status = 403
    sentence = N_("Only the author can edit this comment, in the browser it was written in.")


class NoLongerEditable(NotYours):
    """The time to edit is over, a moderator removed the comment, or somebody has replied to it."""

    sentence = N_("This comment can no longer be edited.")


class ChangedMeanwhile(Refusal):
    """The text has changed since the moderator saw it."""

    status = 409
    sentence = N_("This comment has been edited in the meantime. Please go back and read it again before you decide.")


class DecidedMeanwhile(ChangedMeanwhile):
    """Somebody else has changed the comment's state since the moderator saw it."""

    sentence = N_("Someone has already decided: %(state)s.")


class Withdrawn(ChangedMeanwhile):
    """Its author deleted the comment, or it was erased: it is not published again."""

    sentence = N_("This comment was deleted by its author or erased, so it can no longer be published.")


class AlreadyPosted(Refusal):
    """The same text is already in the thread; ``comment_id`` is where."""

    status = 409
    sentence = N_("You have already posted this text.")

    def __init__(self, comment_id: int) -> None:
        super().__init__()
        self.comment_id = comment_id


class TooMany(Refusal):
    """A limit was reached."""

    status = 429
    fault = 49
    sentence = N_(
        "You are posting very quickly. Please wait %(seconds)d seconds and try again; your text is still there."
    )

    def __init__(self, seconds: int) -> None:
        self.retry_after = max(seconds, 2)  # in the sentence, too, which has no singular
        super().__init__(seconds=self.retry_after)


class LinkInvalid(Refusal):
    """A signed link that was truncated or altered."""

    status = 403
    sentence = N_("This link is incomplete. Please copy the whole address from the email.")


class LinkExpired(LinkInvalid):
    """A signed link that expired or was used."""

    status = 410
    sentence = N_("This link is no longer valid.")


class SignInFailed(Refusal):
    """Unknown address or wrong password; never says which."""

    status = 403
    sentence = N_("The email address or the password is wrong.")


class FormTooOld(Refusal):
    """A form of the admin pages without a valid token of this session."""

    status = 403
    sentence = N_("This form has expired. Please reload the page and try again.")


class OwnersOnly(Refusal):
    """Only owners may do this."""

    status = 403
    sentence = N_("Only owners can see or change this.")


class StorageUnavailable(Refusal):
    """The database cannot be written at the moment."""

    status = 503
    retry_after = 10
    sentence = N_("The server cannot save anything right now. Your text is still here; please try again in a minute.")


class Explained(Exception):
    """What went wrong, for moderators and operators: a message id, and values for its places. Its text is English."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence, self.values = sentence, values

    @property
    def stored(self) -> str:
        """The reason as it is stored, whatever language it will be read in; its longest texts are cut to fit."""
        if not self.values:
            return self.sentence[:MAX_STORED]
        numbers = {name: one for name, one in self.values.items() if isinstance(one, int)}
        texts = {name: str(one) for name, one in self.values.items() if name not in numbers}
        while True:
            stored = json.dumps([self.sentence, numbers | texts], ensure_ascii=False)
            excess, longest = len(stored) - MAX_STORED, max(texts, key=lambda name: len(texts[name]), default="")
            if excess <= 0 or not texts.get(longest):
                return stored
            texts[longest] = texts[longest][:-excess]


class PermanentFailure(Exception):
    """A job that will not succeed, so it is given up and not retried."""


class PingRefused(Refusal, PermanentFailure):
    """A linkback that will not be accepted."""

    sentence = N_("This mention was not accepted.")


def reason_to_store(failure: Exception) -> str:
    """Return why a job failed, in at most ``MAX_STORED`` characters, for ``i18n.stored_reason``."""
    return failure.stored if isinstance(failure, Explained) else str(failure)[:MAX_STORED]


def names() -> list[str]:
    """Return the names of the refusals of this module."""
    return sorted(_kebab(name) for name, one in globals().items() if isinstance(one, type) and issubclass(one, Refusal))


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
