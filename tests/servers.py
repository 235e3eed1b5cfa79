"""Real servers for the tests: a mail server that notes what it gets, blogs that answer as told."""

import random
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

QUICK = 0.01  # seconds between two looks of a server whether it shall stop


@dataclass
class MailServer:
    """Takes emails; ``verdict`` says what it answers to each recipient and to each email."""

    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    verdict: Callable[[str], str] = lambda _recipient: "250 OK"
    after_data: Callable[[], str] = lambda: "250 taken"
    url: str = ""

    def forget(self) -> None:
        """Throw away what came."""
        for noted in (self.messages, self.recipients, self.senders, self.raw):
            noted.clear()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.verdict(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.after_data()
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            import email

            self.messages.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
            self.recipients.append(list(envelope.rcpt_tos))
            self.senders.append(str(envelope.mail_from))
            self.raw.append(envelope.content)
        return answer


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A real SMTP server on a free port."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    server.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield server
    finally:
        controller.stop()


@dataclass
class RudeMailServer:
    """Speaks SMTP as badly as told: ``answers`` by stage (``GREETING EHLO MAIL RCPT DATA END QUIT``), else it agrees.

    An answer is a text; ``slow`` seconds pass before each; ``drip`` sends one byte at a time, ``hang`` nothing for so
    long; ``drop`` hangs up; a function gets the line and gives any of these. ``taken`` holds the emails.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    slow: float = 0
    taken: list[EmailMessage] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    def serve(self, line: socket.socket) -> None:
        """One client."""
        self.connections += 1
        file = line.makefile("rb")
        if not self._say(line, "GREETING", ""):
            return
        while command := file.readline().decode().strip():
            self.lines.append(command)
            stage = command.partition(" ")[0].upper()
            if not self._say(line, stage, command):
                return
            if stage == "DATA" and self.answers.get("DATA", "354").startswith("354"):
                self._take(line, file)

    def _take(self, line: socket.socket, file: Any) -> None:
        import email

        raw = b""
        while (part := file.readline()) != b".\r\n":
            if not part:  # the client is gone before the end
                return
            raw += part
        message = email.message_from_bytes(raw, policy=default)
        told = self.answers.get("END", "250 taken")
        told = told(message) if callable(told) else told
        if told == "drop after taking" or told.startswith("250"):
            self.taken.append(message)  # type: ignore[arg-type]
        self._act(line, told)

    def _say(self, line: socket.socket, stage: str, command: str) -> bool:
        usual = {"GREETING": "220 here", "DATA": "354 go on", "QUIT": "221 bye"}.get(stage, "250 fine")
        told = self.answers.get(stage, usual)
        told = told(command) if callable(told) else told
        return self._act(line, told or usual)

    def _act(self, line: socket.socket, told: str) -> bool:
        time.sleep(self.slow)
        if told.startswith("drop"):
            line.shutdown(socket.SHUT_RDWR)
            return False
        if told.startswith("hang"):
            time.sleep(float(told.partition(" ")[2]))
            return False
        try:
            if told.startswith("drip"):
                for byte in b"250-" + b"x" * 200:
                    line.sendall(bytes([byte]))
                    time.sleep(0.1)
                return False
            line.sendall(f"{told}\r\n".encode())
        except OSError:
            return False
        return True


@contextmanager
def rude_mail_server(**answers: Any) -> Iterator[RudeMailServer]:
    """A mail server with bad manners."""
    rude = RudeMailServer(answers)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                rude.serve(self.request)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    rude.url = f"smtp://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(QUICK,), daemon=True).start()
    try:
        yield rude
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Web:
    """Pages by path, as ``(status, headers, body)`` or as a function that writes to the socket itself.

    ``posted`` holds forms, ``received`` everything posted, as path, media type and text.
    """

    url: str = ""
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)
    received: list[tuple[str, str, str]] = field(default_factory=list)

    def forget(self) -> None:
        """Take everything down, and forget who asked."""
        for noted in (self.pages, self.asked, self.posted, self.received):
            noted.clear()

    def page(self, path: str, body: str | bytes, status: int = 200, **headers: str) -> str:
        """Put a page up; its address."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, {"Content-Type": "text/html; charset=utf-8"} | named, data)
        return self.url + path

    @property
    def address(self) -> str:
        """``host:port``."""
        return self.url.partition("://")[2]


@contextmanager
def web(secured: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A web server on a free port; with TLS if it has a certificate."""
    site = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers)))
            page = site.pages.get(self.path, (404, {}, b"nothing here"))
            if callable(page):
                page(self)
                return
            status, headers, body = page
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.received.append((self.path, self.headers["Content-Type"], body))
            site.posted.append(dict(parse_qsl(body, keep_blank_values=True)))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    if secured:
        server.socket = secured.wrap_socket(server.socket, server_side=True)
        site.url = f"https://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(QUICK,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def certificate(folder: Path, days: int = 2) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody knows yet, and what a server needs to show it."""
    key, file = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*make, *names, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key)
    return file, context


def program(name: str) -> str:
    """Where a program of Debian is; what needs one that is missing is skipped."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if not found:
        pytest.skip(f"{name} was not found; .ci/run installs it")
    return found


def free_port() -> int:
    """A port nobody listens at, below those that the system gives to connections: a server that restarts needs it."""
    while True:
        port = random.randrange(10_240, 32_768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
