"""Letters as their readers have them: what stands in them, and getting them sent."""

import re
from email.message import EmailMessage
from html import unescape

from sqlalchemy import select

from commentsvc import worker
from commentsvc.db import db
from commentsvc.models import Letter
from tests.time import FrozenClock

SERVER = "https://comments.example"


def only(letters: list[EmailMessage]) -> EmailMessage:
    """The one letter that there is."""
    (letter,) = letters
    return letter


def text_of(letter: EmailMessage) -> str:
    """Its text part."""
    return _part(letter, "plain")


def html_of(letter: EmailMessage) -> str:
    """Its HTML part."""
    return _part(letter, "html")


def _part(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    assert part
    return str(part.get_content())


def link_in(letter: EmailMessage, path: str, number: int = 0) -> str:
    """The path of a link to us in the text part."""
    return [word for word in text_of(letter).split() if f"/{path}/" in word][number].removeprefix(SERVER)


def links_in_html(letter: EmailMessage) -> list[str]:
    """Every address in the HTML part that a mail program would open or load."""
    return [unescape(found) for found in re.findall(r'(?:href|src)="([^"]*)"', html_of(letter))]


def stop_link(letter: EmailMessage) -> str:
    """Where a mail program unsubscribes."""
    return str(letter["List-Unsubscribe"]).strip("<>").removeprefix(SERVER)


def work(time: FrozenClock | None = None) -> None:
    """Let the worker send what is due; with ``time``, also what gathers for a moment."""
    if time is not None:
        time.pass_(seconds=6)
    while worker.send_letters():
        pass


def letters() -> list[Letter]:
    """The outbox, the oldest first, read anew."""
    db.session.rollback()
    return list(db.session.scalars(select(Letter).order_by(Letter.id)))
