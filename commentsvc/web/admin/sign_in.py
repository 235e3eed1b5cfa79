"""Sign in with a password or a one-time link, and sign out."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import accounts, settings, throttle
from commentsvc.db import db
from commentsvc.errors import Refusal
from commentsvc.models.letter import LetterKind
from commentsvc.models.moderator import Moderator
from commentsvc.models.recipient import Recipient
from commentsvc.notifications import drafts
from commentsvc.web import current, errors
from commentsvc.web.admin import signed_in

blueprint = Blueprint("sign_in", __name__, url_prefix="/admin")
signed_in.guard(blueprint, anonymous=True)


@blueprint.get("")
@blueprint.get("/")
def desk() -> AnyResponse:
    """The desk begins with the queue."""
    return redirect(url_for("queue.show"), code=303)


@blueprint.get("/sign-in")
def show() -> AnyResponse:
    """The form, or the desk for those who are signed in."""
    if signed_in.moderator():
        return redirect(_next(), code=303)
    return _form()


@blueprint.post("/sign-in")
def sign_in() -> AnyResponse:
    """Check address and password.

    Throttled by where it comes from, never by account: strangers must not be able to lock the owner out.
    """
    email, password = request.form.get("email", ""), request.form.get("password", "")
    try:
        throttle.hit(throttle.SIGN_INS, current.source())
        moderator = accounts.with_password(email, password)
    except Refusal as refusal:
        return _form(refusal, email)
    db.begin_write()
    token = accounts.start_session(moderator)
    db.session.commit()
    return signed_in.set_cookie(redirect(_next(), code=303), token)


@blueprint.post("/sign-in/link")
def send_link() -> AnyResponse:
    """Mail a one-time link; the answer is the same whether the address is a moderator's or not."""
    email = request.form.get("email", "")
    try:
        throttle.hit(throttle.SIGN_INS, current.source())
        db.begin_write()
        _write_link(email)
        db.session.commit()
    except Refusal as refusal:
        return _form(refusal, email)
    return _form(email=email, link_sent=True)


@blueprint.get("/link/<token>")
def show_link(token: str) -> str:
    """A one-time link shows a button first: mail scanners follow links."""
    return render_template("admin/link.html", token=token)


@blueprint.post("/link/<token>")
def use_link(token: str) -> AnyResponse:
    """Sign in by a one-time link."""
    throttle.hit(throttle.SIGN_INS, current.source())
    db.begin_write()
    session_token = accounts.redeem(token)
    db.session.commit()
    return signed_in.set_cookie(redirect(url_for("queue.show"), code=303), session_token)


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, here and on the server."""
    db.begin_write()
    accounts.end_session(request.cookies.get(signed_in.cookie_name(), ""))
    db.session.commit()
    response = redirect(url_for("sign_in.show"), code=303)
    response.delete_cookie(signed_in.cookie_name(), path="/")
    return response


def _write_link(email: str) -> None:
    """Whom nobody signs in as gets no letter; one that is already on its way is enough."""
    moderator = Moderator.with_email(email.replace("\0", ""))
    if moderator is None or not throttle.is_left(throttle.LINKS_ASKED_FOR, str(moderator.id)):
        return
    throttle.hit(throttle.LINKS_ASKED_FOR, str(moderator.id))
    recipient = Recipient.known(moderator.email, moderator.language)
    letter = drafts.write(LetterKind.SIGN_IN, recipient)
    letter.language = moderator.language


def _form(refusal: Refusal | None = None, email: str = "", *, link_sent: bool = False) -> AnyResponse:
    html = render_template(
        "admin/sign_in.html",
        refusal=refusal,
        email=email,
        link_sent=link_sent,
        has_mail_server=bool(settings.current().mail_url),
        next=request.values.get("next", ""),
    )
    response = make_response(html, refusal.status if refusal else 200)
    return errors.say_when(response, refusal) if refusal else response


def _next() -> str:
    """Back to the page of the desk that was wanted; never to another host."""
    wanted = request.values.get("next", "")
    is_ours = wanted.startswith("/admin/") and "\\" not in wanted and not any(ord(char) < 33 for char in wanted)
    return wanted if is_ours else url_for("queue.show")
