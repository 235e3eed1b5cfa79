"""Parse the comment form once, and name every field that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from commentsvc.errors import N_, Refusal
from commentsvc.fields import MAX_TITLE_LENGTH, Check, must_be_text, row_id

FIELDS = ("author", "email", "website", "body", "parent_id", "notify", "follow", "url", "title")


class AddressNeeded(Refusal):
    """Notifications were requested without an address."""

    status = 422
    sentence = N_("To be notified of replies, please enter your email address. It is never published.")


@dataclass(frozen=True)
class Submission:
    """A comment that may be stored: every field is clean and within its length; ``body_html`` is safe to show."""

    author: str
    body: str
    body_html: str
    email: str | None = None
    website: str | None = None
    parent_id: int | None = None
    notify: bool = False  # of answers
    follow: bool = False  # of every comment in the thread
    url: str | None = None
    title: str = ""


@dataclass(frozen=True)
class Parsed:
    """The form's fields, each as it would be stored if it were right; ``check`` knows what is wrong."""

    check: Check
    author: str
    email: str | None
    website: str | None
    title: str
    body: str

    @property
    def text(self) -> str:
        """Everything readers would see, to search it for words."""
        return f"{self.author}\n{self.title}\n{self.body}"

    def checked(self) -> Submission:
        """Return a comment that may be stored; raises ``InvalidFields`` with every wrong field."""
        check, typed = self.check, self.check.typed
        notify, follow = _is_ticked(typed, "notify"), _is_ticked(typed, "follow")
        if (notify or follow) and not self.email and "email" not in check.wrong:
            check.wrong["email"] = AddressNeeded()
        body_html = check.html(self.body)
        check.must_be_right()
        return Submission(
            author=self.author,
            email=self.email,
            website=self.website,
            body=self.body,
            body_html=body_html,
            parent_id=_parent(typed.get("parent_id", "")),
            notify=notify,
            follow=follow,
            url=typed.get("url") or None,
            title=self.title,
        )


def parse(typed: Mapping[str, str]) -> Parsed:
    """Read the typed ``FIELDS``; raises ``NotUnderstood`` for bytes that are no text."""
    must_be_text(typed)
    check = Check(typed)
    title = check.line("title", 10_000)[:MAX_TITLE_LENGTH]
    return Parsed(check, check.author(), check.email(), check.website(), title, check.body())


def validate(typed: Mapping[str, str]) -> Submission:
    """Return typed fields as a comment that may be stored; raises ``InvalidFields`` or ``NotUnderstood``."""
    return parse(typed).checked()


def _is_ticked(typed: Mapping[str, str], name: str) -> bool:
    return typed.get(name, "").lower() in ("1", "on", "true", "yes")


def _parent(text: str) -> int | None:
    """Return the parent's id; None if there is none, 0 (which no comment has) if it is invalid."""
    return (row_id(text) or 0) if text.strip() else None
