"""Moderators' notes about a comment and who wrote it, and answers that they give again and again."""

from sqlalchemy import select

from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal
from commentsvc.markup.render import CONTROLS, one_line
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.note import Note
from commentsvc.models.saved_answer import SavedAnswer

LONGEST_NOTE = 2000  # characters
LONGEST_TITLE = 80


class Empty(Refusal):
    """A saved answer without name or text."""

    status = 422
    sentence = N_("Please give it a name and a text.")


def write(comment: Comment, typed: str, by: Moderator) -> None:
    """Keep a note; an empty one is none; writes."""
    if text := CONTROLS.sub("", typed.replace("\r\n", "\n")).strip()[:LONGEST_NOTE]:
        db.session.add(Note(comment_id=comment.id, moderator_id=by.id, body=text))


def save_answer(title: str, body: str) -> None:
    """Keep an answer; one of the same name is replaced; writes; raises ``InvalidFields``."""
    name, text = one_line(title)[:LONGEST_TITLE], CONTROLS.sub("", body.replace("\r\n", "\n")).strip()
    if not name or not text:
        raise InvalidFields({"title": Empty()})
    known = db.session.scalar(select(SavedAnswer).where(SavedAnswer.title == name))
    if known is None:
        db.session.add(SavedAnswer(title=name, body=text))
    else:
        known.body = text
