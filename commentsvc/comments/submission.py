"""What a person typed into the form, checked field by field; nothing is cut, everything wrong is named."""

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
OF_NAMES = ("So", "Po", "Pd")  # categories of signs that may be all there is of a name
TOO_MANY_MARKS = re.compile(f"([{STACKING}]{{4}})[{STACKING}]+")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)
DOTS = re.compile(r"(?<=[^.])\.{2,}")
BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
TAG = re.compile(r"<[^>]*>")  # as we write them: no other > stands in a tag
FIELDS = ("author", "email", "website", "body", "parent_id", "notify", "follow", "url", "title")


class Missing(Refusal):
    """An empty field that must not be."""

    status = 422
    sentence = N_("Please fill this in.")


class BodyMissing(Missing):
    """No text."""

    sentence = N_("Please write something first.")


class TooLong(Refusal):
    """More characters than the field takes."""

    status = 422
    sentence = N_("Please use at most %(most)d characters; these are %(count)d.")


class NotAnAddress(Refusal):
    """An e-mail address that cannot be one."""

    status = 422
    sentence = N_("This does not look like one e-mail address. Leave it empty or write it like name@example.org.")


class NotAWebsite(Refusal):
    """A website that is no http(s) address."""

    status = 422
    sentence = N_("This does not look like a web address. Leave it empty or write it like https://example.org.")


class AddressNeeded(Refusal):
    """News of answers were asked for without an address."""

    status = 422
    sentence = N_("To hear of answers, please write your e-mail address. It is never shown.")


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


@dataclass
class _Check:
    typed: Mapping[str, str]
    wrong: dict[str, Refusal] = field(default_factory=dict)

    def line(self, name: str, longest: int) -> str:
        """A one-line field without control characters."""
        return self.within(name, one_line(self.typed.get(name, "")), longest)

    def within(self, name: str, text: str, longest: int) -> str:
        if len(text) > longest:
            self.wrong[name] = TooLong(most=longest, count=len(text))
        return text


def validate(typed: Mapping[str, str]) -> Submission:
    """Typed fields (``author email website body parent_id notify follow url title``) as a submission.

    Raises:
        InvalidFields: with every field that must be corrected.
        NotUnderstood: for bytes that are no text.
    """
    must_be_text(typed)
    check = _Check(typed)
    author, email, website = _author(check), _email(check), _website(check)
    body = _body(check)
    notify, follow = _is_ticked(typed, "notify"), _is_ticked(typed, "follow")
    if (notify or follow) and not email and "email" not in check.wrong:
        check.wrong["email"] = AddressNeeded()
    title = check.line("title", 10_000)[:MAX_TITLE_LENGTH]
    body_html = _shown(check, body)
    if check.wrong:
        raise InvalidFields(check.wrong)
    return Submission(
        author=author,
        email=email,
        website=website,
        body=body,
        body_html=body_html,
        parent_id=_parent(typed.get("parent_id", "")),
        notify=notify,
        follow=follow,
        url=typed.get("url") or None,
        title=title,
    )


def must_be_text(typed: Mapping[str, str]) -> None:
    """Raise ``NotUnderstood`` for half characters, which no database takes."""
    if holds_no_text(typed.values()):
        raise NotUnderstood


def as_stored(typed: Mapping[str, str]) -> tuple[str, str, str]:
    """Mail address, website, and name with text, as they would be stored if nothing else were wrong."""
    check = _Check(typed)
    email, website = _email(check), _website(check)
    return email or "", website or "", "\n".join((_author(check), check.line("title", MAX_TITLE_LENGTH), _body(check)))


def checked_body(typed: str) -> tuple[str, str]:
    """The text of a comment alone, as ``validate`` checks it, and its HTML; raises what that raises."""
    if holds_no_text((typed,)):
        raise NotUnderstood
    check = _Check({"body": typed})
    body = _body(check)
    body_html = _shown(check, body)
    if check.wrong:
        raise InvalidFields(check.wrong)
    return body, body_html


def checked_email(typed: str) -> str:
    """A mail address alone, as ``validate`` checks it; raises ``InvalidFields`` also where there is none."""
    if holds_no_text((typed,)):
        raise NotUnderstood
    check = _Check({"email": typed})
    address = _email(check)
    if address is None:
        raise InvalidFields({"email": check.wrong.get("email", Missing())})
    return address


def rendered(body: str) -> str:
    """The HTML of a comment, its pictures at their full address: what is stored, and what a preview shows."""
    return render(body, smilies_at=links.absolute(smilies.FOLDER))


def _author(check: _Check) -> str:
    name = check.line("author", MAX_AUTHOR_LENGTH)
    if not any(char not in BLANK and (char.isalnum() or unicodedata.category(char) in OF_NAMES) for char in name):
        check.wrong["author"] = Missing()
    return _without_stacked_marks(name)


def _email(check: _Check) -> str | None:
    address = check.line("email", MAX_EMAIL_LENGTH)
    if not address:
        return None
    from email_validator import EmailNotValidError, validate_email  # its table of domains takes its time to be read

    local, at, domain = address.rpartition("@")
    if len(local) > MAX_LOCAL_PART_LENGTH:
        check.wrong.setdefault("email", NotAnAddress())
        return None
    standard = DOTS.sub(".", local).rstrip(".")  # some carriers gave addresses with more dots than RFC 5321 knows
    try:
        known = validate_email(
            f"{standard}{at}{domain}", check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
        return f"{local}@{known.ascii_domain}"
    except EmailNotValidError:
        check.wrong.setdefault("email", NotAnAddress())
        return None


def _website(check: _Check) -> str | None:
    address = check.line("website", MAX_WEBSITE_LENGTH)
    if not address:
        return None
    if not SCHEME.match(address):
        address = f"https://{address}"
    origin = links.origin_of(address)
    host = origin.partition("://")[2] if origin else ""
    if not origin or " " in address or "@" in address.split("/")[2] or "." not in host.strip("."):
        check.wrong.setdefault("website", NotAWebsite())
    return without_turns(address)


def _body(check: _Check) -> str:
    text = check.typed.get("body", "").replace("\r\n", "\n").replace("\r", "\n")
    text = BLANK_LINES.sub("", _without_stacked_marks(CONTROLS.sub("", text))).rstrip("\n ")
    if not is_seen(text):
        check.wrong["body"] = BodyMissing()
    return check.within("body", text, MAX_BODY_LENGTH)


def _shown(check: _Check, body: str) -> str:
    """The HTML of a text that is right so far, which must leave something to see."""
    if "body" in check.wrong:
        return ""
    html = rendered(body)
    if "<img" not in html and not is_seen(unescape(TAG.sub("", html))):
        check.wrong["body"] = BodyMissing()
    return html


def _without_stacked_marks(text: str) -> str:
    """No email grows over its neighbours' lines; Hebrew and Tibetan ones keep the marks that they are read with."""
    return text if text.isascii() else TOO_MANY_MARKS.sub(r"\1", text)


def _is_ticked(typed: Mapping[str, str], name: str) -> bool:
    return typed.get(name, "").lower() in ("1", "on", "true", "yes")


def whole(text: str | None) -> int | None:
    """The positive number that ``text`` spells, if it could be the id of a row; else None."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        return None
    return int(text) if int(text) <= MAX_ID else None


def _parent(text: str) -> int | None:
    """None where no comment is answered; 0, which no comment has, where it is none that could be."""
    return (whole(text) or 0) if text.strip() else None
