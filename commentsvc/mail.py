"""The SMTP client: hand a finished message to the mail server, and report the outcome."""

import re
import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum, auto
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from commentsvc import files, settings
from commentsvc.deadline import close_after
from commentsvc.errors import N_

TIMEOUT = timedelta(seconds=30)  # for each answer of the server
TOTAL_TIMEOUT = timedelta(seconds=60)  # per email, and for the greeting, however slowly the server answers
GOING = 421  # the server hangs up
CHALLENGE = 334
# We may not send at all, which the owner must fix; no email is lost meanwhile. Its code is that of other refusals, too.
OUR_FAULT = re.compile(r"^530|relay(ing)? (access )?(denied|not)|authentication (is )?required", re.I)
SECRETS = re.compile(r"^(AUTH \w+ ).*", re.I)


class Cause(StrEnum):
    """Why the server did not accept emails, as far as its code or the kind of error tells."""

    PASSWORD = auto()
    SIGN_IN = auto()
    CERTIFICATE = auto()
    NO_TLS = auto()
    NO_STARTTLS = auto()
    REFUSED = auto()
    SILENT = auto()
    NO_HOST = auto()
    RELAY = auto()
    SENDER = auto()


OF_REPLIES = {530: Cause.SIGN_IN, 534: Cause.PASSWORD, 535: Cause.PASSWORD, 553: Cause.SENDER}  # RFC 4954, 5321
OF_ERRORS: dict[type[Exception], Cause] = {  # the first that fits
    smtplib.SMTPNotSupportedError: Cause.NO_STARTTLS,
    ssl.SSLCertVerificationError: Cause.CERTIFICATE,
    ssl.SSLError: Cause.NO_TLS,
    ConnectionRefusedError: Cause.REFUSED,
    TimeoutError: Cause.SILENT,
    socket.gaierror: Cause.NO_HOST,
}


@dataclass(frozen=True)
class DeliveryFailed(Exception):
    """The server did not accept the email.

    Attributes:
        answer: the server's answer, for moderators.
        is_final: whether another attempt is pointless (5xx).
        is_about_server: whether any email would have failed, so that the batch need not go on.
        is_about_recipient: whether the address was refused, not the email.
        cause: what the owner has to fix, if it is known.
    """

    answer: str
    is_final: bool
    is_about_server: bool
    is_about_recipient: bool = False
    cause: Cause | None = None


@dataclass
class Transcript:
    """The dialogue with the mail server, a line each, without passwords.

    It has the greeting and what was said about one email.
    """

    lines: list[str] = field(default_factory=list)
    greeting: int = 0  # how many of them belong to it

    def end_greeting(self) -> None:
        """Mark the end of the greeting."""
        self.greeting = len(self.lines)

    def begin_message(self) -> None:
        """Forget the dialogue about the last email."""
        del self.lines[self.greeting :]

    def note(self, line: str) -> None:
        """Add a line."""
        self.lines.append(SECRETS.sub(r"\1…", _masked(line))[:500])


class Connection(Protocol):
    """Something that accepts emails."""

    def send(self, sender: str, recipient: str, message: EmailMessage) -> str:
        """Send one email and return the server's answer; raises ``DeliveryFailed``."""


@contextmanager
def connect(transcript: Transcript | None = None) -> Iterator[Connection]:
    """Connect to the mail server of ``MAIL_URL`` for a batch of emails; the dialogue goes to ``transcript``.

    Raises:
        DeliveryFailed: the server cannot be reached, or refuses the sign-in.
    """
    parts = urlsplit(settings.current().mail_url)
    if parts.scheme == "file":
        yield _Folder(Path(unquote(parts.path)))
        return
    with _server(parts, transcript or Transcript()) as server:
        yield _Server(server)


@contextmanager
def _server(parts: SplitResult, transcript: Transcript) -> Iterator["_Client"]:
    is_safe = parts.scheme == "smtps"
    server = _TLSClient(transcript, ssl.create_default_context()) if is_safe else _Client(transcript)
    try:
        with close_after(TOTAL_TIMEOUT, lambda: server.sock):
            _greet(server, parts)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        server.close()
        raise _unreachable(error) from error
    transcript.end_greeting()
    try:
        yield server
    finally:
        _leave(server)


def _greet(server: smtplib.SMTP, parts: SplitResult) -> None:
    usual = {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
    code, text = server.connect(parts.hostname or "localhost", parts.port or usual)
    if code != 220:
        raise smtplib.SMTPConnectError(code, text)
    if parts.scheme == "smtp+starttls":
        server.starttls(context=ssl.create_default_context())
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))


def _leave(server: smtplib.SMTP) -> None:
    try:
        with close_after(TIMEOUT, lambda: server.sock):
            server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


class _Client(smtplib.SMTP):
    """An SMTP client that keeps a transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._is_challenged = False  # what follows are our credentials
        super().__init__(timeout=TIMEOUT.total_seconds())

    def connect(self, host: str = "localhost", port: int = 0, source_address: object = None) -> tuple[int, bytes]:
        """Connect; the host name is kept for the certificate."""
        self._host = host
        self.transcript.note(f"→ {host}:{port}")
        return super().connect(host, port)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a line."""
        self.transcript.note("…" if self._is_challenged else f"{cmd} {args}".rstrip())
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply."""
        code, text = super().getreply()
        self._is_challenged = code == CHALLENGE
        self.transcript.note(f"{code} {text.decode('utf-8', 'replace')}")
        return code, text


class _TLSClient(_Client, smtplib.SMTP_SSL):
    """The same with TLS from the start."""

    def __init__(self, transcript: Transcript, context: ssl.SSLContext) -> None:
        super().__init__(transcript)
        self.context = context


class _Server:
    def __init__(self, server: "_Client") -> None:
        self._server = server

    def send(self, sender: str, recipient: str, message: EmailMessage) -> str:
        try:
            with close_after(TOTAL_TIMEOUT, lambda: self._server.sock):
                self._server.send_message(message, from_addr=sender, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = next(iter(refused.recipients.values()))
            raise _refusal(code, text, is_about_recipient=True) from refused
        except smtplib.SMTPServerDisconnected as error:
            raise DeliveryFailed(_words(error), is_final=False, is_about_server=True) from error
        except smtplib.SMTPResponseException as refused:
            raise _refusal(refused.smtp_code, refused.smtp_error, is_about_recipient=False) from refused
        except (ValueError, MessageError) as error:  # an email that cannot be serialised
            raise DeliveryFailed(_words(error), is_final=True, is_about_server=False) from error
        except (OSError, smtplib.SMTPException) as error:
            raise _unreachable(error) from error
        return self._server.transcript.lines[-1]


class _Folder:
    """Writes emails as ``.eml`` files, for the demo and for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, sender: str, recipient: str, message: EmailMessage) -> str:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            name = message["Message-ID"].strip("<>").replace("/", "_")
            files.write(self._folder / f"{name}.eml", message.as_bytes(policy=SMTP))
        except OSError as error:
            raise DeliveryFailed(_words(error), is_final=False, is_about_server=True) from error
        return N_("written to a file")


def _unreachable(error: Exception) -> DeliveryFailed:
    if isinstance(error, smtplib.SMTPResponseException):
        cause = OF_REPLIES.get(error.smtp_code)
    else:  # the library says "disconnected" for whatever ended the connection
        origin = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
        cause = next((one for kind, one in OF_ERRORS.items() if isinstance(origin, kind)), None)
    return DeliveryFailed(_words(error), is_final=False, is_about_server=True, cause=cause)


def _refusal(code: int, text: bytes | str, *, is_about_recipient: bool) -> DeliveryFailed:
    reply = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    answer = f"{code} {_masked(reply)}"[:500]
    may_not_send = OUR_FAULT.search(answer) is not None
    is_ours = code == GOING or may_not_send
    cause = OF_REPLIES.get(code) or (Cause.RELAY if may_not_send else None)
    return DeliveryFailed(answer, code >= 500 and not is_ours, is_ours, is_about_recipient, cause)


def _masked(line: str) -> str:
    """Remove our password, which some servers echo, in plain text and as encoded on the wire."""
    parts = urlsplit(settings.current().mail_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not password:
        return line
    sent = (b64encode(form.encode()).decode() for form in (password, f"\0{user}\0{password}"))
    for secret in (password, *sent):
        line = line.replace(secret, "…")
    return line


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:500]
