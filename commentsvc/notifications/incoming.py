"""Read an incoming email: a person's reply, a bounce, a complaint, or an automatic message.

RFC 3464 (bounces), 5965 (complaints), 3834 (automatic answers), 3676 (flowed text). The header parsers of the standard
library take quadratic time, so they get short headers only; addresses are found by patterns.
"""

import email
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32

from commentsvc.mailbox import MAX_MAIL_SIZE
from commentsvc.markup import page_charset, plain_text
from commentsvc.markup.reply_text import reply_text
from commentsvc.notifications.emails import ANSWER_ABOVE

MAX_HEADERS_SIZE = 64_000
MAX_HEADER_LENGTH = 2_000  # bytes; a longer one is left out
MAX_PARTS = 100
MAX_TEXT_LENGTH = 100_000  # characters of it that are parsed
HEADER = re.compile(rb"^[!-9;-~]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\Z)", re.M)
PARTS_HEADER = re.compile(rb"^Content-[!-9;-~]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\Z)", re.M | re.I)
ESCAPE = b"\x1b$"
ISO_2022 = ("iso2022_jp_2", "iso2022_jp_ext", "iso2022_kr")
BOUNDARY = re.compile(rb"^--[^\s-]", re.M)
ADDRESS = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]{1,255}")
MESSAGE_ID = re.compile(r"<[!-;=?A-Z^-~]{1,150}@[A-Za-z0-9.-]{1,150}>")
TO_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
BULK = ("bulk", "junk", "list", "auto_reply")
AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "List-Id", "X-Auto-Response-Suppress", "X-Loop")
SENDERS_FAULT = ("5.1.7", "5.1.8")  # whatever our sender address is
MACHINES = ("mailer-daemon", "postmaster", "noreply", "no-reply", "do-not-reply")
# Automatic messages that no header declares.
AUTOMATIC_SUBJECT = re.compile(
    r"(auto[- ]?(matic )?(reply|response)|out of (the )?office|automatische (antwort|abwesenheit)|abwesenheits?"
    r"|réponse automatique|respuesta automática|risposta automatica|automatisch antwoord|autosvar"
    r"|自動(応答|返信)|自动回复)",
    re.I,
)


@dataclass(frozen=True)
class Report:
    """What a mail server reports about an email: a failure, an unknown address, or a complaint.

    ``is_about_address`` if the address is at fault, and not the content.
    """

    is_failure: bool
    is_final: bool
    is_complaint: bool
    is_about_address: bool
    reason: str


@dataclass(frozen=True)
class Incoming:
    """An incoming email.

    ``sender`` and ``addresses`` are in lower case; ``reply_text`` is what the person typed, without quotes and
    signature.
    ``message_id`` is empty if malformed; ``email_ids`` are Message-IDs of ours within it.
    """

    sender: str
    addresses: tuple[str, ...]
    message_id: str
    is_automatic: bool
    report: Report | None
    reply_text: str
    email_ids: tuple[str, ...] = ()


class Unreadable(Exception):
    """This is not an email."""


def read(raw: bytes) -> Incoming:
    """Parse an email from bytes; raises ``Unreadable``."""
    if len(raw) >= MAX_MAIL_SIZE:
        raise Unreadable("the mail is too large")
    if len(BOUNDARY.findall(raw)) > MAX_PARTS:
        raise Unreadable("the mail has too many parts")
    head, separator, body = _split(raw)
    if len(head) > MAX_HEADERS_SIZE:
        raise Unreadable("the mail has too many headers")
    try:
        short = _without_long(HEADER, head) + separator + _without_long(PARTS_HEADER, body)
        mail = email.message_from_bytes(short, policy=compat32)
        return _read(mail)
    except Exception as error:  # the library fails on some of what it accepts
        raise Unreadable(f"{type(error).__name__}: {error}"[:300]) from error


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    end = re.search(rb"\r?\n\r?\n", raw)
    return (raw[: end.start()], end[0], raw[end.end() :]) if end else (raw, b"", b"")


def _without_long(header: re.Pattern[bytes], raw: bytes) -> bytes:
    """Remove headers that are too long to parse."""
    return header.sub(lambda found: found[0] if len(found[0]) <= MAX_HEADER_LENGTH else b"", raw)


def _read(mail: Message) -> Incoming:
    report = _report(mail)
    return Incoming(
        sender=_sender(mail),
        addresses=tuple(dict.fromkeys(_addresses(mail))),
        message_id=_message_id(mail),
        is_automatic=report is None and _is_automatic(mail),
        report=report,
        reply_text="" if report else reply_text(_text(mail)[:MAX_TEXT_LENGTH], ANSWER_ABOVE),
        email_ids=tuple(_emails_within(mail)) if report else (),
    )


def _header(mail: Message, name: str) -> str:
    return str(mail.get(name, "")).strip()


def _message_id(mail: Message) -> str:
    given = _header(mail, "Message-ID")
    return given if MESSAGE_ID.fullmatch(given) and "=?" not in given else ""


def _sender(mail: Message) -> str:
    """Return the sender's address: the one in angle brackets, else the first."""
    written = _header(mail, "From").lower()
    found = ADDRESS.findall(written.rpartition("<")[2]) or ADDRESS.findall(written)
    return found[0] if found else ""


def _addresses(mail: Message) -> Iterator[str]:
    for name in TO_HEADERS:
        for value in mail.get_all(name, []):
            yield from ADDRESS.findall(str(value).lower())


def _is_automatic(mail: Message) -> bool:
    """Return whether a program sent it: such emails must never be answered or shown."""
    sender = _sender(mail)
    return (
        _header(mail, "Auto-Submitted").lower().partition(";")[0].strip() not in ("", "no")
        or _header(mail, "Precedence").lower() in BULK
        or any(mail.get(name) is not None for name in AUTOMATIC_HEADERS)
        or _header(mail, "Return-Path").replace(" ", "") == "<>"
        or AUTOMATIC_SUBJECT.match(_subject(mail)) is not None
        or not sender
        or sender.partition("@")[0] in MACHINES
        or mail.get_content_type() == "multipart/report"  # such as a receipt
    )


def _subject(mail: Message) -> str:
    written = _header(mail, "Subject")
    try:
        return str(make_header(decode_header(written)))
    except (ValueError, LookupError, HeaderParseError):
        return written


def _report(mail: Message) -> Report | None:
    if mail.get_content_type() != "multipart/report":
        return None
    parts = {part.get_content_type(): part for part in mail.walk()}
    if "message/feedback-report" in parts:
        return Report(True, True, is_complaint=True, is_about_address=True, reason="called spam by its reader")
    if (status := parts.get("message/delivery-status")) is None:
        return None
    fields: dict[str, str] = {}
    for block in _inner(status):
        fields |= {name.lower(): str(value) for name, value in block.items()}
    code, detail = fields.get("status", "").strip(), fields.get("diagnostic-code", "") or fields.get("status", "")
    return Report(
        is_failure=fields.get("action", "").strip().lower() == "failed",
        is_final=code.startswith(("5.1.", "5.2.1")) and code not in SENDERS_FAULT,
        is_complaint=False,
        is_about_address=code.startswith(("5.0.", "5.1.", "5.2.", "4.")) and code not in SENDERS_FAULT,
        reason=plain_text.fold(detail)[:300],
    )


def _emails_within(mail: Message) -> Iterator[str]:
    """Yield Message-IDs of the emails in a report, whole or headers only."""
    for part in mail.walk():
        if part.get_content_type() == "text/rfc822-headers":
            yield _message_id(email.message_from_string(_content(part)[:MAX_HEADERS_SIZE], policy=compat32))
        elif part.get_content_type() == "message/rfc822":
            yield from (_message_id(inner) for inner in _inner(part))


def _inner(part: Message) -> list[Message]:
    """Return the emails, or blocks of headers, in a part."""
    held = part.get_payload()
    return [one for one in held if isinstance(one, Message)] if isinstance(held, list) else []


def _text(mail: Message) -> str:
    """Return what was written: the parts of plain text, or the first one of HTML where those hold nothing."""
    parts = [part for part in mail.walk() if not (part.is_multipart() or _is_file(part))]
    plain = [_plain(part) for part in parts if part.get_content_type() == "text/plain"]
    if any(text.strip() for text in plain):
        return "\n".join(plain)
    html = next((_content(part) for part in parts if part.get_content_type() == "text/html"), "")
    return plain_text.paragraphs(html[:MAX_TEXT_LENGTH]) if html else ""


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _plain(part: Message) -> str:
    text = _content(part)
    if str(part.get_param("format", "")).lower() == "flowed":
        return _unflowed(text, spaces_go=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _content(part: Message) -> str:
    """Return the text, decoded by the declared charset."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    label = str(part.get_content_charset(""))
    if not label and part.get_content_type() == "text/html":
        return plain_text.decode(raw, *page_charset.named_in(raw))
    return _decoded(raw, label)


def _decoded(raw: bytes, label: str) -> str:
    """Decode by the Encoding Standard; by other codecs where it has none, as emails come from programs of any age."""
    codecs = [] if plain_text.is_decodable(label) else [label]
    if ESCAPE in raw and raw.isascii() and not plain_text.is_stateful(label):  # ISO 2022, which may not be declared
        codecs += ISO_2022
    for codec in codecs:
        with suppress(LookupError, ValueError):
            return raw.decode(codec)
    return plain_text.decode(raw, label)


def _unflowed(text: str, *, spaces_go: bool) -> str:
    """Join flowed lines to paragraphs: a line with a space at its end continues (RFC 3676)."""
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
