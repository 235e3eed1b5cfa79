"""The IMAP client: read the mailbox for replies and bounces."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from commentsvc import settings

TIMEOUT = timedelta(seconds=30)  # for each answer of the server
MAX_MAIL_SIZE = 1_000_000  # bytes; nobody types a larger reply
USUAL_PORTS = {"imaps": 993, "imap": 143, "imap+starttls": 143}


class MailboxError(Exception):
    """The mailbox cannot be read; the text is the server's reason."""


@dataclass(frozen=True)
class Mailbox:
    """An open folder. Processed emails are marked as read and left in place."""

    _server: imaplib.IMAP4

    def unread(self, most: int) -> list[str]:
        """Return the UIDs of at most ``most`` unread emails, oldest first."""
        found: bytes = self._command("SEARCH", "UNSEEN")[0] or b""
        return found.decode().split()[:most]

    def read(self, uid: str) -> bytes:
        """Return an email as received; of one that is too large, the beginning."""
        for part in self._command("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_MAIL_SIZE}>)"):
            if isinstance(part, tuple):
                return bytes(part[1])
        return b""

    def mark(self, uid: str) -> None:
        """Mark an email as read."""
        self._command("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")

    def _command(self, command: str, *arguments: str) -> list[Any]:
        status, answer = self._server.uid(command, *arguments)
        if status != "OK":
            raise MailboxError(f"{command}: {answer!r}"[:500])
        return list(answer)


@contextmanager
def connect() -> Iterator[Mailbox]:
    """Open the folder of ``MAIL_INBOX``; raises ``MailboxError``."""
    parts = urlsplit(settings.current().mail_inbox)
    try:
        server = _signed_in(parts.scheme, parts.hostname or "", parts.port, parts.username, parts.password)
    except (OSError, ValueError, imaplib.IMAP4.error) as error:
        raise MailboxError(str(error)[:500]) from error
    try:
        status, answer = server.select(_quoted(unquote(parts.path.strip("/")) or "INBOX"))
        if status != "OK":
            raise MailboxError(f"{answer!r}"[:500])
        yield Mailbox(server)
    except (OSError, ValueError, imaplib.IMAP4.error) as error:
        raise MailboxError(str(error)[:500]) from error
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _signed_in(scheme: str, host: str, port: int | None, user: str | None, password: str | None) -> imaplib.IMAP4:
    context, seconds = ssl.create_default_context(), TIMEOUT.total_seconds()
    server: imaplib.IMAP4
    if scheme == "imaps":
        server = imaplib.IMAP4_SSL(host, port or USUAL_PORTS[scheme], ssl_context=context, timeout=seconds)
    else:
        server = imaplib.IMAP4(host, port or USUAL_PORTS[scheme], timeout=seconds)
    if scheme == "imap+starttls":
        server.starttls(context)
    server.login(unquote(user or ""), unquote(password or ""))
    return server


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
