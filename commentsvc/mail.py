"""The one SMTP client: takes a finished message, hands it to the mail server, says how that went."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from commentsvc import settings

PATIENCE = timedelta(seconds=30)  # for each answer of the server


@dataclass(frozen=True)
class DeliveryFailed(Exception):
    """The server did not take the letter.

    Attributes:
        answer: the server's words, for the moderator's eyes.
        is_final: whether another try is pointless (5xx).
        is_about_server: whether no letter would have passed, so that the rest of the batch need not be tried.
    """

    answer: str
    is_final: bool
    is_about_server: bool


class Connection(Protocol):
    """Something that takes letters one after the other."""

    def send(self, sender: str, recipient: str, message: EmailMessage) -> str:
        """Hand over one letter and give the server's words; raises ``DeliveryFailed``."""


@contextmanager
def connect() -> Iterator[Connection]:
    """A connection to the mail server of ``MAIL_URL``, for a batch of letters.

    Raises:
        DeliveryFailed: the server cannot be reached or refuses the sign-in.
    """
    parts = urlsplit(settings.current().mail_url)
    if parts.scheme == "file":
        yield _Folder(Path(unquote(parts.path)))
        return
    with _server(parts) as server:
        yield _Server(server)


@contextmanager
def _server(parts: SplitResult) -> Iterator[smtplib.SMTP]:
    try:
        server = _greeted(parts)
    except (OSError, smtplib.SMTPException) as problem:
        raise DeliveryFailed(_words(problem), is_final=False, is_about_server=True) from problem
    try:
        yield server
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _greeted(parts: SplitResult) -> smtplib.SMTP:
    host, seconds = parts.hostname or "localhost", PATIENCE.total_seconds()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=seconds, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, parts.port or (587 if parts.scheme == "smtp+starttls" else 25), timeout=seconds)
    if parts.scheme == "smtp+starttls":
        server.starttls(context=ssl.create_default_context())
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


class _Server:
    def __init__(self, server: smtplib.SMTP) -> None:
        self._server = server

    def send(self, sender: str, recipient: str, message: EmailMessage) -> str:
        try:
            self._server.send_message(message, from_addr=sender, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = next(iter(refused.recipients.values()))
            raise DeliveryFailed(_reply(code, words), is_final=code >= 500, is_about_server=False) from refused
        except smtplib.SMTPServerDisconnected as problem:
            raise DeliveryFailed(_words(problem), is_final=False, is_about_server=True) from problem
        except smtplib.SMTPResponseException as refused:
            code, answer = refused.smtp_code, _reply(refused.smtp_code, refused.smtp_error)
            raise DeliveryFailed(answer, is_final=code >= 500, is_about_server=code == 421) from refused
        except (OSError, smtplib.SMTPException) as problem:
            raise DeliveryFailed(_words(problem), is_final=False, is_about_server=True) from problem
        return "250 accepted"


class _Folder:
    """Letters as ``.eml`` files, for the demo and for trying things out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, sender: str, recipient: str, message: EmailMessage) -> str:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            name = message["Message-ID"].strip("<>").replace("/", "_")
            (self._folder / f"{name}.eml").write_bytes(message.as_bytes(policy=SMTP))
        except OSError as problem:
            raise DeliveryFailed(_words(problem), is_final=False, is_about_server=True) from problem
        return "written to a file"


def _reply(code: int, words: bytes | str) -> str:
    told = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {told}"[:500]


def _words(problem: Exception) -> str:
    return (str(problem) or type(problem).__name__)[:500]
