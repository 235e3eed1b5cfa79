"""The way to the mail server, secured from the start or by STARTTLS; a certificate that does not fit is no way."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from flask import Flask

from commentsvc import mail
from commentsvc.mail import Cause
from tests.servers import MailServer, certificate, free_port

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here to make a certificate with")
SECURED = {
    "smtps": lambda context: {"ssl_context": context},
    "smtp+starttls": lambda context: {"tls_context": context, "require_starttls": True},
}


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for localhost, which this process trusts."""
    file, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context


@pytest.fixture(params=SECURED)
def server(request: pytest.FixtureRequest, certified: ssl.SSLContext) -> Iterator[tuple[str, MailServer]]:
    """A mail server that speaks TLS; and how its address begins and ends."""
    office = MailServer()
    options = SECURED[request.param](certified)
    controller = Controller(office, hostname="127.0.0.1", port=free_port(), server_hostname="localhost", **options)
    controller.start()
    office.url = f"{request.param}://{{}}:{controller.port}"
    try:
        yield office.url, office
    finally:
        controller.stop()


def message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "us@blog.example", "bob@mail.example", "Hello"
    message.set_content("Hello")
    return message


def test_it_takes_emails(app: Flask, server: tuple[str, MailServer], set_up: Callable[..., None]) -> None:
    url, office = server
    set_up(mail_url=url.format("localhost"))
    dialogue = mail.Transcript()
    with mail.connect(dialogue) as line:
        assert line.send("us@blog.example", "bob@mail.example", message()) == "250 taken"
    assert len(office.messages) == 1
    assert any("RCPT" in said.upper() for said in dialogue.lines)


def test_another_name_than_the_certificates(
    app: Flask, server: tuple[str, MailServer], set_up: Callable[..., None]
) -> None:
    url, office = server
    set_up(mail_url=url.format("127.0.0.1"))
    with pytest.raises(mail.DeliveryFailed) as failed, mail.connect():
        pass
    assert "certificate" in failed.value.answer.lower()
    assert failed.value.cause == Cause.CERTIFICATE
    assert not failed.value.is_final
    assert failed.value.is_about_server
    assert not office.messages
