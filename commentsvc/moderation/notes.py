"""Moderators' notes about comments and authors, and saved replies."""

from sqlalchemy import select

from commentsvc.characters import CONTROLS
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal
from commentsvc.markup.render import one_line
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator, Role
from commentsvc.models.note import Note
from commentsvc.models.saved_reply import SavedReply

MAX_NOTE_LENGTH = 2000  # characters
MAX_TITLE_LENGTH = 80
MAX_ANSWER_LENGTH = 5000
MAX_SAVED_REPLIES = 50  # of one moderator


class Empty(Refusal):
    """A saved reply without name or text, or too long."""

    status = 422
    sentence = N_("Please enter a name and a text of at most %(most)d characters.")


class TooMany(Refusal):
    """More saved replies than anybody could find their way in."""

    status = 422
    sentence = N_("There are already %(most)d. Please remove one first.")


def write(comment: Comment, typed: str, by: Moderator) -> None:
    """Store a note, unless it is empty."""
    if text := CONTROLS.sub("", typed.replace("\r\n", "\n")).strip()[:MAX_NOTE_LENGTH]:
        db.session.add(Note(comment_id=comment.id, moderator_id=by.id, body=text))


def saved_replies(who: Moderator) -> list[SavedReply]:
    """Return a moderator's own saved replies and those of owners, by name."""
    theirs = SavedReply.moderator.has((Moderator.id == who.id) | (Moderator.role == Role.OWNER))
    return list(db.session.scalars(select(SavedReply).where(theirs).order_by(SavedReply.title)))


def save_reply(title: str, body: str, by: Moderator) -> None:
    """Save a reply; it replaces one of the same name.

    Raises:
        InvalidFields: no name, no text, too long, or too many.
    """
    name, text = one_line(title)[:MAX_TITLE_LENGTH], CONTROLS.sub("", body.replace("\r\n", "\n")).strip()
    if not name or not text or len(text) > MAX_ANSWER_LENGTH:
        raise InvalidFields({"title": Empty(most=MAX_ANSWER_LENGTH)})
    own = list(db.session.scalars(select(SavedReply).where(SavedReply.moderator_id == by.id)))
    known = next((one for one in own if one.title == name), None)
    if known is not None:
        known.body = text
    elif len(own) >= MAX_SAVED_REPLIES:
        raise InvalidFields({"title": TooMany(most=MAX_SAVED_REPLIES)})
    else:
        db.session.add(SavedReply(moderator_id=by.id, title=name, body=text))
