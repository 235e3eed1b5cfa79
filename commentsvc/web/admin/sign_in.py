"""Sign in with a password, a passkey or a one-time link, and sign out. There is no challenge."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import settings, throttle, tokens
from commentsvc.accounts import one_time_links, passkeys, passwords, sessions
from commentsvc.db import db
from commentsvc.errors import LinkInvalid, Refusal
from commentsvc.fields import compared_email
from commentsvc.models.moderator import Moderator
from commentsvc.moderation import team
from commentsvc.web import current, errors
from commentsvc.web.admin import session

blueprint = Blueprint("sign_in", __name__, url_prefix="/admin")
session.guard(blueprint, anonymous=True)


@blueprint.get("")
@blueprint.get("/")
def home() -> AnyResponse:
    """Redirect to the queue."""
    return redirect(url_for("queue.show"), code=303)


@blueprint.get("/sign-in")
def show() -> AnyResponse:
    """Show the form; redirect if signed in."""
    if session.moderator():
        return redirect(session.next_url(), code=303)
    return _form()


@blueprint.post("/sign-in")
def sign_in() -> AnyResponse:
    """Check address and password."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    try:
        slow_down(email)
        moderator = passwords.authenticate(email, password)
    except Refusal as refusal:
        return _form(refusal, email)
    db.begin_write()
    return session.begin(moderator, session.next_url())


@blueprint.get("/sign-in/passkey")
def ask_for_passkey() -> Response:
    """Return what the browser passes to the device, as JSON."""
    return Response(passkeys.to_sign_in(), content_type="application/json")


@blueprint.post("/sign-in/passkey")
def sign_in_with_passkey() -> AnyResponse:
    """Check the device's signature."""
    try:
        throttle.hit(throttle.SIGN_INS, current.source())
        db.begin_write()
        return session.begin(passkeys.authenticate(request.form.get("answer", "")), session.next_url())
    except Refusal as refusal:
        db.session.rollback()
        return _form(refusal)


@blueprint.post("/sign-in/link")
def send_link() -> AnyResponse:
    """Mail a one-time link; the response does not reveal whether the address is a moderator's."""
    email = request.form.get("email", "")
    try:
        throttle.hit(throttle.SIGN_INS, current.source())
        db.begin_write()
        team.send_link(Moderator.with_email(email))
        db.session.commit()
    except Refusal as refusal:
        return _form(refusal, email)
    return _form(email=email, link_sent=True)


@blueprint.get("/link/<token>")
def show_link(token: str) -> AnyResponse | str:
    """Show a button first, since mail scanners follow links; the sign-in form if the link no longer works."""
    try:
        one_time_links.check(token)
    except LinkInvalid as refusal:
        return _form(refusal)
    return render_template("admin/link.html", token=token)


@blueprint.post("/link/<token>")
def use_link(token: str) -> AnyResponse:
    """Sign in by a one-time link."""
    throttle.hit(throttle.SIGN_INS, current.source())
    db.begin_write()
    try:
        moderator, session_token = one_time_links.redeem(token, request.headers.get("User-Agent", ""))
    except LinkInvalid as refusal:
        db.session.rollback()
        return _form(refusal)
    return session.respond_with_session(moderator, session_token, url_for("queue.show"))


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, here and on the server."""
    db.begin_write()
    sessions.end(request.cookies.get(session.cookie_name(), ""))
    db.session.commit()
    response = redirect(url_for("sign_in.show"), code=303)
    config = settings.current()
    response.delete_cookie(session.cookie_name(), path=config.cookie_path, secure=config.is_https, httponly=True)
    return response


def slow_down(email: str) -> None:
    """Count a password attempt by network and by account; raises ``TooMany``.

    A browser that the owner signed in with before is not limited by what others try, nor are passkeys and links. So
    strangers cannot lock anybody out.
    """
    throttle.hit(throttle.SIGN_INS, current.source())
    if not session.is_known_browser(Moderator.with_email(email)):
        throttle.hit(throttle.SIGN_INS_NEARBY, current.neighbourhood())
        throttle.hit(throttle.SIGN_INS_OF_ONE, tokens.keyed_hash("sign-in", compared_email(email)))


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
    return errors.set_retry_after(response, refusal) if refusal else response
