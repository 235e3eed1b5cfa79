"""A mail that came to us, read: is it an answer that a person typed, a bounce, a complaint, or what programs send?

RFC 3464 (bounces), 5965 (complaints), 3834 (automatic answers), 3676 (flowed text).
"""

import email
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parseaddr

from commentsvc import settings
from commentsvc.markup import plain_text
from commentsvc.markup.own_words import own_words
from commentsvc.notifications.letters import ANSWER_ABOVE

LARGEST = 1_000_000  # bytes
LONGEST_TEXT = 100_000  # characters of it that are looked at
TO_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
BULK = ("bulk", "junk", "list", "auto_reply")
AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "List-Id", "X-Auto-Response-Suppress", "X-Loop")
MACHINES = ("mailer-daemon", "postmaster", "noreply", "no-reply", "do-not-reply")


@dataclass(frozen=True)
class Report:
    """What a mail server says of a letter: whether it is final, whether its reader called it spam."""

    is_failure: bool
    is_final: bool
    is_complaint: bool
    reason: str


@dataclass(frozen=True)
class Incoming:
    """``sender`` and ``addresses`` in lower case; ``words`` is what a person typed, without quotes and signature.

    ``letter_ids`` are the Message-IDs of ours that it brings back.
    """

    sender: str
    addresses: tuple[str, ...]
    message_id: str
    is_automatic: bool
    report: Report | None
    words: str
    letter_ids: tuple[str, ...] = ()


class Unreadable(Exception):
    """This is no mail."""


def read(raw: bytes) -> Incoming:
    """A mail as bytes, as a mail server hands it over; raises ``Unreadable``."""
    if len(raw) >= LARGEST:
        raise Unreadable("the mail is too large")
    try:
        mail = email.message_from_bytes(raw, policy=default)
        return _read(mail)
    except Exception as problem:  # the library stumbles over some of what it lets pass
        raise Unreadable(f"{type(problem).__name__}: {problem}"[:300]) from problem


def _read(mail: EmailMessage) -> Incoming:
    report = _report(mail)
    return Incoming(
        sender=parseaddr(_header(mail, "From"))[1].lower(),
        addresses=tuple(dict.fromkeys(_addresses(mail))),
        message_id=_header(mail, "Message-ID")[:300],
        is_automatic=report is None and _is_automatic(mail),
        report=report,
        words="" if report else own_words(_text(mail)[:LONGEST_TEXT], ANSWER_ABOVE),
        letter_ids=tuple(_letters_within(mail)) if report else (),
    )


def _header(mail: EmailMessage, name: str) -> str:
    return str(mail.get(name, "")).strip()


def _addresses(mail: EmailMessage) -> Iterator[str]:
    written = [str(value) for name in TO_HEADERS for value in mail.get_all(name, [])]
    for _, address in getaddresses(written):
        yield address.lower()


def _is_automatic(mail: EmailMessage) -> bool:
    """Whether nobody typed it: what answers a letter of ours by itself must never be answered, or shown."""
    sender = parseaddr(_header(mail, "From"))[1].lower()
    ours = {settings.current().sender.lower(), settings.current().mail_reply_to.lower()}
    return (
        _header(mail, "Auto-Submitted").lower().partition(";")[0].strip() not in ("", "no")
        or _header(mail, "Precedence").lower() in BULK
        or any(mail.get(name) is not None for name in AUTOMATIC_HEADERS)
        or _header(mail, "Return-Path").replace(" ", "") == "<>"
        or not sender
        or sender.partition("@")[0] in MACHINES
        or _without_detail(sender) in ours
    )


def _without_detail(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _report(mail: EmailMessage) -> Report | None:
    if mail.get_content_type() != "multipart/report":
        return None
    parts = {part.get_content_type(): part for part in mail.walk()}
    if "message/feedback-report" in parts:
        return Report(is_failure=True, is_final=True, is_complaint=True, reason="called spam by its reader")
    if (status := parts.get("message/delivery-status")) is None:
        return None
    fields: dict[str, str] = {}
    for block in status.get_payload():
        fields |= {name.lower(): str(value) for name, value in block.items()}  # type: ignore[union-attr]
    code, reason = fields.get("status", ""), fields.get("diagnostic-code", "") or fields.get("status", "")
    is_failure = fields.get("action", "").strip().lower() == "failed"
    is_final = code.startswith(("5.0.", "5.1.", "5.2.1"))
    return Report(is_failure, is_final, is_complaint=False, reason=plain_text.fold(reason)[:300])


def _letters_within(mail: EmailMessage) -> Iterator[str]:
    """Message-IDs of the letters that a report brings back, whole or only their headers."""
    for part in mail.walk():
        if part.get_content_type() == "text/rfc822-headers":
            yield _header(email.message_from_string(str(part.get_content()), policy=default), "Message-ID")
        elif part.get_content_type() == "message/rfc822":
            for inner in part.iter_parts():
                yield _header(inner, "Message-ID")  # type: ignore[arg-type]


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    text = _content(part)
    if part.get_content_type() == "text/html":
        return plain_text.paragraphs(text[:LONGEST_TEXT])
    if str(part.get_param("format", "")).lower() == "flowed":
        return _unflowed(text, spaces_go=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _content(part: object) -> str:
    """The text in the charset it claims, or in the nearest that there is."""
    raw = part.get_payload(decode=True) or b""  # type: ignore[attr-defined]
    charset = part.get_content_charset("utf-8")  # type: ignore[attr-defined]
    try:
        return str(raw.decode(charset if plain_text.CHARSET.fullmatch(charset) else "utf-8", "replace"))
    except LookupError:
        return str(raw.decode("utf-8", "replace"))


def _unflowed(text: str, *, spaces_go: bool) -> str:
    """Paragraphs as they were typed: a line that ends with a space goes on in the next (RFC 3676)."""
    out: list[str] = []
    goes_on = False
    for line in text.splitlines():
        line = line.removeprefix(" ")
        if goes_on and not line.startswith(">") and line != "-- ":
            out[-1] += line
        else:
            out.append(line)
        goes_on = line.endswith(" ") and not line.startswith(">") and line != "-- "
        if goes_on and spaces_go:
            out[-1] = out[-1][:-1]
    return "\n".join(out)
