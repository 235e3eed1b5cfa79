"""What is stored in general, and about one address, for whoever reads its email."""

from datetime import timedelta

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, settings, throttle, tokens
from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.errors import Refusal
from commentsvc.fields import checked_email
from commentsvc.models.email import EmailKind
from commentsvc.models.recipient import Recipient
from commentsvc.models.site import Site
from commentsvc.notifications import enqueue
from commentsvc.privacy import personal_data, retention
from commentsvc.web import current, errors, security, visitor
from commentsvc.web.admin.people import as_file

LIFETIME = timedelta(days=1)

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")
blueprint.before_request(lambda: i18n.set_language(current.reader_language()))
blueprint.after_request(security.no_store)


@blueprint.get("")
def show() -> Response:
    """Show the page, according to settings and rules."""
    return _page()


@blueprint.post("")
def ask() -> Response:
    """Mail a link to a known address; the response is the same for everybody."""
    security.check_own_page()
    typed = request.form.get("email", "")
    try:
        throttle.hit(throttle.FOLLOWS, current.source())
        address = checked_email(typed).lower()
    except Refusal as refusal:
        return errors.set_retry_after(_page(typed, refusal), refusal)
    db.begin_write()
    if throttle.has_remaining(throttle.DATA_ASKED_FOR, address) and personal_data.is_known(address):
        throttle.hit(throttle.DATA_ASKED_FOR, address)
        facts = {"token": personal_data.token_for(address)}
        email = enqueue.add_email(
            EmailKind.PERSONAL_DATA, Recipient.get_or_create(address, i18n.language()), facts=facts
        )
        email.language = i18n.language()
    db.session.commit()
    return _page(is_sent=True)


@blueprint.get("/<token>")
def show_own(token: str) -> str:
    """Show what is stored about the address that the link was sent to."""
    email = _email(token)
    return render_template("privacy/own.html", stored=personal_data.collect(email), token=token)


@blueprint.get("/<token>/export")
def export(token: str) -> Response:
    """Return the same as a file."""
    return as_file(_email(token))


@blueprint.post("/<token>/erasure")
def erase(token: str) -> AnyResponse:
    """Erase it."""
    personal_data.erase(_email(token))
    return redirect(url_for("privacy.show", erased=1), code=303)


def _email(token: str) -> str:
    return str(tokens.read(personal_data.PURPOSE, token, LIFETIME))


def _page(typed: str = "", refusal: Refusal | None = None, *, is_sent: bool = False) -> Response:
    html = render_template(
        "privacy/what_we_store.html",
        sites=list(db.session.scalars(Site.in_service().order_by(Site.name))),
        email=typed,
        refusal=refusal.fields.get("email", refusal) if refusal else None,
        is_sent=is_sent,
        is_erased="erased" in request.args,
        has_mail_server=bool(settings.current().mail_url),
        challenge_minutes=int(challenge.SOLVED_FOR.total_seconds() // 60),
        visitor_days=visitor.LIFETIME.days,
        email_days=retention.MESSAGE_RETENTION.days,
    )
    return Response(html, refusal.status if refusal else 200)
