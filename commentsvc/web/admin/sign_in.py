"""Sign in with a password or a one-time link, and sign out."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import accounts, throttle
from commentsvc.db import db
from commentsvc.errors import Refusal
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


def _form(refusal: Refusal | None = None, email: str = "") -> AnyResponse:
    response = make_response(
        render_template("admin/sign_in.html", refusal=refusal, email=email, next=request.values.get("next", "")),
        refusal.status if refusal else 200,
    )
    return errors.say_when(response, refusal) if refusal else response


def _next() -> str:
    """Back to the page of the desk that was wanted; never to another host."""
    wanted = request.values.get("next", "")
    is_ours = wanted.startswith("/admin/") and "\\" not in wanted and not any(ord(char) < 33 for char in wanted)
    return wanted if is_ours else url_for("queue.show")
