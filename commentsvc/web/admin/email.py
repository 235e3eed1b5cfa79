"""The outbox: sent, waiting and failed emails, with the mail server's answers, and a test."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import fields, settings
from commentsvc.db import db
from commentsvc.errors import InvalidFields, Refusal, or_404
from commentsvc.models.email import Email, EmailKind, EmailState
from commentsvc.models.recipient import Recipient
from commentsvc.notifications import enqueue, outbox
from commentsvc.notifications.emails import NAMES
from commentsvc.web.admin import session
from commentsvc.web.options import choice, int_arg

EMAIL = "/<id:email_id>"

blueprint = Blueprint("email", __name__, url_prefix="/admin/email")
session.guard(blueprint, owner=True)


@blueprint.get("")
def show() -> str:
    """Show the latest emails, of one state if asked."""
    return _list()


@blueprint.get(EMAIL)
def show_one(email_id: int) -> str:
    """Show one email as sent, and its progress; for a test, the whole dialogue."""
    email = or_404(db.session.get(Email, email_id))
    has_mail_server = bool(settings.current().mail_url)
    is_test = email.kind == EmailKind.TEST and has_mail_server
    is_waiting = is_test and email.state == EmailState.QUEUED and not email.tries
    return render_template(
        "admin/email.html",
        email=email,
        names=NAMES,
        is_waiting=is_waiting,
        has_mail_server=has_mail_server,
    )


@blueprint.post("/tests")
def send_test() -> AnyResponse | tuple[str, int]:
    """Enqueue a test email; its page shows the outcome."""
    person, typed = session.moderator(), request.form.get("email", "")
    try:
        address = fields.checked_email(typed)
    except InvalidFields as wrong:
        return _list(typed, wrong.fields["email"]), wrong.status
    db.begin_write()
    recipient = Recipient.get_or_create(address, person.language if person else "en")
    email = enqueue.add_email(EmailKind.TEST, recipient)
    db.session.commit()
    return redirect(url_for("email.show_one", email_id=email.id), code=303)


@blueprint.post(f"{EMAIL}/attempts")
def send_again(email_id: int) -> AnyResponse:
    """Send an email again."""
    db.begin_write()
    outbox.send_again(or_404(db.locked(Email, email_id)))
    db.session.commit()
    return redirect(url_for("email.show"), code=303)


@blueprint.post(f"{EMAIL}/cancellation")
def cancel(email_id: int) -> AnyResponse:
    """Cancel an email."""
    db.begin_write()
    outbox.cancel(or_404(db.locked(Email, email_id)))
    db.session.commit()
    return redirect(url_for("email.show"), code=303)


def _list(typed: str = "", wrong: Refusal | None = None) -> str:
    state = choice("state", EmailState)
    emails = outbox.latest(state, int_arg("before"))
    person = session.moderator()
    return render_template(
        "admin/emails.html",
        emails=emails,
        before=emails[-1].id if len(emails) == outbox.PAGE_SIZE else None,
        state=state,
        states=EmailState,
        counts=outbox.counts(),
        names=NAMES,
        has_mail_server=bool(settings.current().mail_url),
        test_address=typed or (person.email if person else ""),
        wrong=wrong,
    )
