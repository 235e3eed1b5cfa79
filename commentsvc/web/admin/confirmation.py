"""Ask who they are once more before dangerous actions: an open admin page must not be enough."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import settings, throttle
from commentsvc.accounts import passkeys, passwords, sessions
from commentsvc.db import db
from commentsvc.errors import Refusal, SignInFailed
from commentsvc.moderation import team
from commentsvc.web import current
from commentsvc.web.admin import session, sign_in

blueprint = Blueprint("confirmation", __name__, url_prefix="/admin/confirmation")
session.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """Ask for the password or a passkey; without either, a mailed link signs in again."""
    return _page()


@blueprint.post("")
def confirm() -> AnyResponse | tuple[str, int]:
    """Confirm by password."""
    who = session.current_moderator()
    try:
        sign_in.slow_down(who.email)
        passwords.authenticate(who.email, request.form.get("password", ""))
    except Refusal as refusal:
        return _page(refusal), refusal.status
    db.begin_write()
    return _confirmed()


@blueprint.post("/passkey")
def confirm_with_passkey() -> AnyResponse | tuple[str, int]:
    """Confirm by a passkey of the moderator who is signed in."""
    who = session.current_moderator().id
    try:
        throttle.hit(throttle.SIGN_INS, current.source())
        db.begin_write()
        if passkeys.authenticate(request.form.get("answer", "")).id != who:
            raise SignInFailed
    except Refusal as refusal:
        db.session.rollback()
        return _page(refusal), refusal.status
    return _confirmed()


@blueprint.post("/link")
def send_link() -> str:
    """Mail a sign-in link, which confirms as well."""
    throttle.hit(throttle.SIGN_INS, current.source())
    db.begin_write()
    team.send_link(session.current_moderator())
    db.session.commit()
    return _page(link_sent=True)


def _confirmed() -> AnyResponse:
    if (own := session.of_request()) is not None:
        sessions.confirm(own.id)
    db.session.commit()
    return redirect(session.next_url(), code=303)


def _page(refusal: Refusal | None = None, *, link_sent: bool = False) -> str:
    who = session.current_moderator()
    return render_template(
        "admin/confirmation.html",
        refusal=refusal,
        link_sent=link_sent,
        has_passkeys=bool(passkeys.of(who)),
        has_mail_server=bool(settings.current().mail_url),
        next=session.next_url(),
    )
