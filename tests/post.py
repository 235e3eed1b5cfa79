"""Emails as their readers have them: what stands in them, and getting them sent."""

import re
from email.message import EmailMessage
from html import unescape

from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Email
from tests.jobs import run_job
from tests.time import FrozenClock

SERVER = "https://comments.example"


def only(messages: list[EmailMessage]) -> EmailMessage:
    """The one email that there is."""
    (message,) = messages
    return message


def text_of(message: EmailMessage) -> str:
    """Its text part."""
    return _part(message, "plain")


def html_of(message: EmailMessage) -> str:
    """Its HTML part."""
    return _part(message, "html")


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part
    return str(part.get_content())


def link_in(message: EmailMessage, path: str, number: int = 0) -> str:
    """The path of a link to us in the HTML part."""
    return [link for link in links_in_html(message) if f"/{path}/" in link][number].removeprefix(SERVER)


def links_in_html(message: EmailMessage) -> list[str]:
    """Every address in the HTML part that a mail program would open or load."""
    return [unescape(found) for found in re.findall(r'(?:href|src)="([^"]*)"', html_of(message))]


def stop_link(message: EmailMessage) -> str:
    """Where a mail program unsubscribes."""
    return str(message["List-Unsubscribe"]).strip("<>").removeprefix(SERVER)


def work(time: FrozenClock | None = None) -> None:
    """Let the worker send what is due; with ``time``, also what gathers for a moment."""
    if time is not None:
        time.pass_(seconds=6)
    while run_job("send emails"):
        pass


def messages() -> list[Email]:
    """The outbox, the oldest first, read anew."""
    db.session.rollback()
    return list(db.session.scalars(select(Email).order_by(Email.id)))
