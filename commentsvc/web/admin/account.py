"""A moderator's own account: name, language, notifications, ways to sign in, and sessions."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, settings
from commentsvc.accounts import one_time_links, passkeys, passwords, sessions
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, NotUnderstood, Refusal
from commentsvc.fields import checked_email
from commentsvc.markup.render import one_line
from commentsvc.models.moderator import Moderator
from commentsvc.models.recipient import Frequency, Recipient
from commentsvc.models.subscription import SubscriptionState, Topic
from commentsvc.moderation import team
from commentsvc.notifications import subscriptions
from commentsvc.web.admin import browsers, session

MAX_NAME_LENGTH = 80
MODERATORS_TOPICS = (Topic.HELD, Topic.SITE)


blueprint = Blueprint("account", __name__, url_prefix="/admin/account")
session.guard(blueprint)


class NoOtherWay(Refusal):
    """Without a password and without a passkey, only emails would let them in."""

    status = 409
    sentence = N_(
        "Please set a password or add a passkey first. Otherwise you could only sign in with an emailed link."
    )


@blueprint.get("")
def show() -> str:
    """Show everything; dangerous forms only to those who confirmed who they are a short while ago."""
    return _page()


@blueprint.post("")
def change() -> AnyResponse:
    """Change name and language, that of emails as well."""
    language = request.form.get("language", "")
    if language not in i18n.languages():
        raise NotUnderstood
    db.begin_write()
    who = session.current_moderator()
    who.name, who.language = one_line(request.form.get("name", ""))[:MAX_NAME_LENGTH], language
    Recipient.get_or_create(who.email, language).language = language
    return _back()


@blueprint.post("/email")
def change_email() -> AnyResponse | tuple[str, int]:
    """Change the address, to sign in with and for notifications, once its link was opened."""
    session.require_recent_confirmation()
    db.begin_write()
    new = ""
    try:
        new = checked_email(request.form.get("email", ""))
        team.request_email_change(session.current_moderator(), new)
    except InvalidFields as wrong:
        db.session.rollback()
        return _page(wrong), wrong.status
    db.session.commit()
    waits = session.current_moderator().email != new
    return redirect(url_for("account.show", saved=1 if not waits else None, confirm=1 if waits else None), code=303)


@blueprint.get("/email/<token>")
def show_new_email(token: str) -> str:
    """Show a button first, since mail scanners follow links."""
    new = one_time_links.new_address(token, session.current_moderator())
    return render_template("admin/new_email.html", email=new)


@blueprint.post("/email/<token>")
def confirm_email(token: str) -> AnyResponse:
    """Change the address to the one that the link was sent to."""
    db.begin_write()
    team.confirm_email(session.current_moderator(), token)
    return _back()


@blueprint.post("/emails")
def choose_emails() -> AnyResponse:
    """Choose which notifications to get, from which site, and how often."""
    frequency = request.form.get("frequency", "")
    if frequency not in set(Frequency):
        raise NotUnderstood
    db.begin_write()
    who, ticked = session.current_moderator(), set(request.form.getlist("hears"))
    for site in who.visible_sites():
        for topic in MODERATORS_TOPICS:
            subscription = subscriptions.watch(site, who.email, topic, who.language)
            wants = f"{topic}-{site.id}" in ticked
            subscription.state = SubscriptionState.ACTIVE if wants else SubscriptionState.STOPPED
    Recipient.get_or_create(who.email, who.language).frequency = Frequency(frequency)
    return _back()


@blueprint.post("/password")
def set_password() -> AnyResponse | tuple[str, int]:
    """Set a password: every session ends, and a new one begins here."""
    session.require_recent_confirmation()
    db.begin_write()
    who = session.current_moderator()
    try:
        passwords.set_password(who, request.form.get("password", ""))
    except Refusal as refusal:
        db.session.rollback()
        return _page(refusal), refusal.status
    return session.begin(who, url_for("account.show", saved=1))


@blueprint.post("/password/removal")
def remove_password() -> AnyResponse | tuple[str, int]:
    """Remove the password: passkeys sign in, or a mailed link if they are lost."""
    session.require_recent_confirmation()
    db.begin_write()
    who = session.current_moderator()
    if not passkeys.of(who):
        raise NoOtherWay
    who.password_hash = None
    return _back()


@blueprint.get("/passkeys/question")
def ask_for_passkey() -> Response | AnyResponse:
    """Return what the browser passes to the device, as JSON."""
    session.require_recent_confirmation()
    return Response(passkeys.to_add(session.current_moderator()), content_type="application/json")


@blueprint.post("/passkeys")
def add_passkey() -> AnyResponse | tuple[str, int]:
    """Store a new passkey, named after the browser unless it was given a name."""
    session.require_recent_confirmation()
    db.begin_write()
    name = request.form.get("name", "").strip() or browsers.name_of(request.headers.get("User-Agent", ""))
    try:
        passkeys.add(session.current_moderator(), request.form.get("answer", ""), name)
    except Refusal as refusal:
        db.session.rollback()
        return _page(refusal), refusal.status
    return _back()


@blueprint.post("/passkeys/<id:passkey_id>/removal")
def remove_passkey(passkey_id: int) -> AnyResponse:
    """Remove a passkey. The last one stays while there is no password."""
    session.require_recent_confirmation()
    db.begin_write()
    who = session.current_moderator()
    if who.password_hash is None and len(passkeys.of(who)) == 1:
        raise NoOtherWay
    passkeys.remove(who, passkey_id)
    return _back()


@blueprint.post("/sessions/<id:session_id>/end")
def end_session(session_id: int) -> AnyResponse:
    """End one session."""
    db.begin_write()
    sessions.end_one(session.current_moderator(), session_id)
    return _back()


@blueprint.post("/sessions/end")
def end_others() -> AnyResponse:
    """End all other sessions."""
    db.begin_write()
    own = session.of_request()
    sessions.end_all(session.current_moderator(), but=own.id if own else None)
    return _back()


def _back() -> AnyResponse:
    db.session.commit()
    return redirect(url_for("account.show", saved=1), code=303)


def _emails(who: Moderator) -> dict[str, object]:
    """Return the state of the notifications form: pending comments are on by default, others off."""
    recipient = Recipient.with_email(who.email)
    subscribed = subscriptions.of(recipient) if recipient else []
    states = {f"{one.topic}-{one.site_id}": one.state == SubscriptionState.ACTIVE for one in subscribed}
    return {"states": states, "frequency": recipient.frequency if recipient else Frequency.IMMEDIATE}


def _page(refusal: Refusal | None = None) -> str:
    who, current_session = session.current_moderator(), session.of_request()
    return render_template(
        "admin/account.html",
        errors=refusal.fields if refusal else {},
        refusal=refusal if refusal and not refusal.fields else None,
        emails=_emails(who),
        frequencies=Frequency,
        sites=who.visible_sites(),
        passkeys=passkeys.of(who),
        sessions=sessions.of(who),
        current_session=current_session,
        is_recently_confirmed=current_session is not None and sessions.is_recently_confirmed(current_session),
        name_of=browsers.name_of,
        has_mail_server=bool(settings.current().mail_url),
    )
