"""Single values that people type, checked: texts, email addresses, websites, ids. Nothing is cut."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape

from commentsvc import links
from commentsvc.characters import BLANK, CONTROLS, STACKING, holds_no_text, is_seen, without_turns
from commentsvc.errors import N_, InvalidFields, NotUnderstood, Refusal
from commentsvc.markup import smilies
from commentsvc.markup.render import one_line, render

MAX_AUTHOR_LENGTH = 80  # characters
MAX_EMAIL_LENGTH = 254
MAX_LOCAL_PART_LENGTH = 64  # before the @ (RFC 5321, 4.5.3.1.1)
MAX_WEBSITE_LENGTH = 500
MAX_BODY_LENGTH = 20_000
MAX_TITLE_LENGTH = 300
MAX_ID = 2**31 - 1  # what an integer column holds
MAX_DIGITS = 10
OF_NAMES = ("So", "Po", "Pd")  # categories of signs that alone can make a name
MARKS = ("Mn", "Me")  # categories: marks that take no room of their own
MAX_MARKS = 8  # in a row, of any script; UTS 39, 5.4 allows four in names
TOO_MANY_MARKS = re.compile(f"([{STACKING}]{{4}})[{STACKING}]+")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)
DOTS = re.compile(r"(?<=[^.])\.{2,}")
BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
TAG = re.compile(r"<[^>]*>")  # as we write them: no other > is in a tag


class Missing(Refusal):
    """An empty field that must not be."""

    status = 422
    sentence = N_("Please fill in this field.")


class BodyMissing(Missing):
    """No text."""

    sentence = N_("Please write a comment first.")


class TooLong(Refusal):
    """More characters than the field takes."""

    status = 422
    sentence = N_("Please use at most %(most)d characters (currently %(count)d).")


class NotAnAddress(Refusal):
    """An email address that cannot be one."""

    status = 422
    sentence = N_("Please enter an email address such as name@example.org, or leave this empty.")


IS_REQUIRED = N_("Please enter an email address such as name@example.org.")


class NotAWebsite(Refusal):
    """A website that is no http(s) address."""

    status = 422
    sentence = N_("Please enter a web address such as https://example.org, or leave this empty.")


@dataclass
class Check:
    """The fields of a form; ``wrong`` names those that must be corrected."""

    typed: Mapping[str, str]
    wrong: dict[str, Refusal] = field(default_factory=dict)

    def line(self, name: str, longest: int) -> str:
        """Return a one-line field without control characters."""
        return self._within(name, one_line(self.typed.get(name, "")), longest)

    def author(self) -> str:
        """Return a name with something visible in it."""
        name = self.line("author", MAX_AUTHOR_LENGTH)
        if not any(char not in BLANK and (char.isalnum() or unicodedata.category(char) in OF_NAMES) for char in name):
            self.wrong["author"] = Missing()
        return _without_stacked_marks(name)

    def email(self) -> str | None:
        """Return an email address; None if there is none or it is wrong."""
        address = self.line("email", MAX_EMAIL_LENGTH)
        if not address:
            return None
        from email_validator import EmailNotValidError, validate_email  # its table of domains takes time to load

        local, at, domain = address.rpartition("@")
        if len(local) > MAX_LOCAL_PART_LENGTH:
            self.wrong.setdefault("email", NotAnAddress())
            return None
        # Some carriers issued addresses with more dots than RFC 5321 allows.
        standard = DOTS.sub(".", local).rstrip(".")
        try:
            known = validate_email(
                f"{standard}{at}{domain}", check_deliverability=False, allow_smtputf8=False, test_environment=True
            )
            return f"{local}@{known.ascii_domain}"
        except EmailNotValidError:
            self.wrong.setdefault("email", NotAnAddress())
            return None

    def website(self) -> str | None:
        """Return a web address, with a scheme."""
        address = self.line("website", MAX_WEBSITE_LENGTH)
        if not address:
            return None
        if not SCHEME.match(address):
            address = f"https://{address}"
        origin = links.origin_of(address)
        host = origin.partition("://")[2] if origin else ""
        if not origin or " " in address or "@" in address.split("/")[2] or "." not in host.strip("."):
            self.wrong.setdefault("website", NotAWebsite())
        return without_turns(address)

    def body(self) -> str:
        """Return the text of a comment."""
        text = self.typed.get("body", "").replace("\r\n", "\n").replace("\r", "\n")
        text = BLANK_LINES.sub("", _without_stacked_marks(CONTROLS.sub("", text))).rstrip("\n ")
        if not is_seen(text):
            self.wrong["body"] = BodyMissing()
        return self._within("body", text, MAX_BODY_LENGTH)

    def html(self, body: str) -> str:
        """Return the HTML of a text that is right so far; it must leave something visible."""
        if "body" in self.wrong:
            return ""
        html = rendered(body)
        if "<img" not in html and not is_seen(unescape(TAG.sub("", html))):
            self.wrong["body"] = BodyMissing()
        return html

    def must_be_right(self) -> None:
        """Raise ``InvalidFields`` with every field that must be corrected."""
        if self.wrong:
            raise InvalidFields(self.wrong)

    def _within(self, name: str, text: str, longest: int) -> str:
        if len(text) > longest:
            self.wrong[name] = TooLong(most=longest, count=len(text))
        return text


def must_be_text(typed: Mapping[str, str]) -> None:
    """Raise ``NotUnderstood`` for lone surrogates, which no database takes."""
    if holds_no_text(typed.values()):
        raise NotUnderstood


def checked_body(typed: str) -> tuple[str, str]:
    """Return the text of a comment, and its HTML; raises ``InvalidFields`` or ``NotUnderstood``."""
    must_be_text({"body": typed})
    check = Check({"body": typed})
    body = check.body()
    html = check.html(body)
    check.must_be_right()
    return body, html


def compared_email(typed: str) -> str:
    """Return an email address as it is stored and compared: in lower case, without space around it."""
    return typed.strip().lower()


def checked_email(typed: str) -> str:
    """Return an email address; raises ``InvalidFields``, also if there is none, or ``NotUnderstood``."""
    must_be_text({"email": typed})
    check = Check({"email": typed})
    address = check.email()
    if address is None:
        wrong = check.wrong.get("email", Missing())
        raise InvalidFields({"email": NotAnAddress(IS_REQUIRED) if isinstance(wrong, NotAnAddress) else wrong})
    return address


def rendered(body: str) -> str:
    """Return the HTML of a comment with full addresses of its images: what is stored, and what a preview shows."""
    return render(body, smilies_at=links.absolute(smilies.FOLDER))


def row_id(text: str | None) -> int | None:
    """Return the id in ``text`` if a row could have it, else None."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        return None
    return int(text) if int(text) <= MAX_ID else None


def _without_stacked_marks(text: str) -> str:
    """Remove marks stacked so high that they cover other lines; Hebrew and Tibetan keep the marks they need."""
    if text.isascii():
        return text
    kept, run = [], 0
    for char in TOO_MANY_MARKS.sub(r"\1", text):
        run = run + 1 if unicodedata.category(char) in MARKS else 0
        if run <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)
