"""The letters: sent, waiting and failed, with the mail server's own words; and a test of the way out."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import settings
from commentsvc.comments import submission
from commentsvc.comments.submission import MAX_ID
from commentsvc.db import db
from commentsvc.errors import InvalidFields, NotFound, Refusal
from commentsvc.models.letter import Letter, LetterKind, LetterState
from commentsvc.models.recipient import Recipient
from commentsvc.notifications import enqueue, outbox
from commentsvc.notifications.letters import NAMES
from commentsvc.web.admin import signed_in
from commentsvc.web.options import choice, number

LETTER = f"/<int(max={MAX_ID}):letter_id>"

blueprint = Blueprint("letters", __name__, url_prefix="/admin/letters")
signed_in.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str:
    """The last letters, newest first; of one state."""
    return _list()


@blueprint.get(LETTER)
def show_one(letter_id: int) -> str:
    """One letter as it went out, and how far it got; of a test, all that was said."""
    letter = _there(db.session.get(Letter, letter_id))
    has_mail_server = bool(settings.current().mail_url)
    is_test = letter.kind == LetterKind.TEST and has_mail_server
    is_waiting = is_test and letter.state == LetterState.QUEUED and not letter.tries
    return render_template(
        "admin/letter.html",
        letter=letter,
        names=NAMES,
        is_waiting=is_waiting,
        has_mail_server=has_mail_server,
        moderator=signed_in.moderator(),
    )


@blueprint.post("/tests")
def send_test() -> AnyResponse | tuple[str, int]:
    """Write a test letter; its page says how it went."""
    person, typed = signed_in.moderator(), request.form.get("email", "")
    try:
        email = submission.checked_email(typed)
    except InvalidFields as wrong:
        return _list(typed, wrong.fields["email"]), wrong.status
    db.begin_write()
    recipient = Recipient.known(email, person.language if person else "en")
    letter = enqueue.write(LetterKind.TEST, recipient)
    db.session.commit()
    return redirect(url_for("letters.show_one", letter_id=letter.id), code=303)


@blueprint.post(f"{LETTER}/attempts")
def send_again(letter_id: int) -> AnyResponse:
    """Send it once more."""
    db.begin_write()
    outbox.send_again(_locked(letter_id))
    db.session.commit()
    return redirect(url_for("letters.show"), code=303)


@blueprint.post(f"{LETTER}/cancellation")
def cancel(letter_id: int) -> AnyResponse:
    """Do not send it."""
    db.begin_write()
    outbox.cancel(_locked(letter_id))
    db.session.commit()
    return redirect(url_for("letters.show"), code=303)


def _locked(letter_id: int) -> Letter:
    return _there(db.session.get(Letter, letter_id, with_for_update={"of": Letter}, populate_existing=True))


def _there(letter: Letter | None) -> Letter:
    if letter is None:
        raise NotFound
    return letter


def _list(typed: str = "", wrong: Refusal | None = None) -> str:
    state = choice("state", LetterState)
    letters = outbox.latest(state, number("before"))
    person = signed_in.moderator()
    return render_template(
        "admin/letters.html",
        letters=letters,
        before=letters[-1].id if len(letters) == outbox.PAGE else None,
        state=state,
        states=LetterState,
        counts=outbox.counts(),
        names=NAMES,
        has_mail_server=bool(settings.current().mail_url),
        test_address=typed or (person.email if person else ""),
        wrong=wrong,
        moderator=person,
    )
