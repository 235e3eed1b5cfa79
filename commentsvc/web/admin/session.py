"""Who is signed in, what they may do, and what all admin pages have in common."""

from contextlib import suppress

from flask import Blueprint, abort, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, links, settings, tokens
from commentsvc.accounts import sessions
from commentsvc.db import db
from commentsvc.errors import FormTooOld, LinkInvalid, OwnersOnly
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.moderator_session import ModeratorSession
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.read_only import ReadOnly
from commentsvc.web import compression, current, security, uploads
from commentsvc.web.options import int_arg

KNOWN_BROWSER = "known-browser"  # a purpose of signed texts, and a cookie
KNOWN_BROWSER_FOR = 365 * 24 * 3600  # seconds

csrf = CSRFProtect()


def cookie_name() -> str:
    """The name of the moderators' cookie, which is not the visitors'."""
    return _named("moderator")


def moderator() -> Moderator | None:
    """Return the moderator of this request's session, if any."""
    found = of_request()
    return found.moderator if found else None


def current_moderator() -> Moderator:
    """Return the moderator, on pages that require one."""
    found = moderator()
    if found is None:
        raise LookupError("this page does not require signing in")
    return found


def moderator_of(site: Site) -> Moderator | None:
    """Return the moderator who is signed in, if they moderate ``site``."""
    found = moderator()
    return found if found and found.moderates(site.id) else None


def of_request() -> ModeratorSession | None:
    """Return the live session of this request's cookie."""
    if "moderator_session" not in g:
        token = request.cookies.get(cookie_name())
        g.moderator_session = sessions.of_token(token) if token else None
    found: ModeratorSession | None = g.moderator_session
    return found


def guard(blueprint: Blueprint, *, anonymous: bool = False, owner: bool = False) -> None:
    """Protect every page of ``blueprint``: not cached, signed in, owners only if asked, and form token checked."""
    blueprint.before_request(_set_language)
    if not anonymous:
        blueprint.before_request(_require_moderator)
        blueprint.context_processor(lambda: {"moderator": moderator()})
    if owner:
        blueprint.before_request(_require_owner)
    blueprint.before_request(_check_form)
    blueprint.after_request(compression.compress)
    blueprint.after_request(security.no_store)


def check_form() -> None:
    """Raise ``OpenedElsewhere`` or ``FormTooOld`` unless the form was sent from a page of ours, to this person."""
    security.check_own_page()
    try:
        csrf.protect()
    except CSRFError:
        raise FormTooOld from None


def require_recent_confirmation() -> None:
    """Ask moderators to confirm who they are, unless they did so a short while ago; for dangerous actions."""
    found = of_request()
    if found is not None and not sessions.is_recently_confirmed(found):
        abort(redirect(url_for("confirmation.show", next=_page_asked_for()), code=303))


def moderated(comment: Comment | None) -> Comment | None:
    """Return the comment if this moderator may decide about it."""
    return comment if comment and current_moderator().moderates(comment.thread.site_id) else None


def moderated_thread(thread_id: int | None) -> Thread | None:
    """Return the thread with this id if this moderator may decide about it."""
    thread = db.session.get(Thread, thread_id or 0)
    return thread if thread and current_moderator().moderates(thread.site_id) else None


def requested_action(name: str) -> ModeratorAction | None:
    """Return this moderator's action that a query parameter names."""
    action = db.session.get(ModeratorAction, int_arg(name) or 0)
    return action if action and action.moderator_id == current_moderator().id else None


def begin(who: Moderator, target: str) -> AnyResponse:
    """Sign somebody in and redirect; commits."""
    token = sessions.start(who, request.headers.get("User-Agent", ""))
    return respond_with_session(who, token, target)


def respond_with_session(who: Moderator, token: str, target: str) -> AnyResponse:
    """Set the cookies of a new session and redirect; commits."""
    known = tokens.sign(KNOWN_BROWSER, who.id)
    db.session.commit()
    response = redirect(target, code=303)
    _set_cookie(response, cookie_name(), token, int(sessions.ABSOLUTE.total_seconds()))
    _set_cookie(response, _named(KNOWN_BROWSER), known, KNOWN_BROWSER_FOR)
    return response


def is_known_browser(who: Moderator | None) -> bool:
    """Return whether they signed in from this browser before."""
    try:
        moderator_id, _ = tokens.read_with_time(KNOWN_BROWSER, request.cookies.get(_named(KNOWN_BROWSER), ""))
    except LinkInvalid:
        return False
    return who is not None and moderator_id == who.id


def next_url() -> str:
    """Return the wanted admin page or thread page, never another host's."""
    wanted, root = request.values.get("next", ""), request.script_root
    is_ours = wanted.startswith((f"{root}/admin/", f"{root}/t/")) and not links.HIDDEN.search(wanted)
    return wanted if is_ours else url_for("queue.show")


def _page_asked_for() -> str | None:
    """Return where to come back to: this page, or the one whose form was sent."""
    if request.method == "GET":
        return _this_page()
    sent_from = request.headers.get("Referer", "").partition(links.own_origin())[2]
    return sent_from or None


def _this_page() -> str:
    return request.script_root + request.full_path.rstrip("?")


def _named(name: str) -> str:
    return settings.current().cookie_prefix + name


def _set_cookie(response: AnyResponse, name: str, value: str, seconds: int) -> None:
    secure, path = settings.current().is_https, settings.current().cookie_path
    response.set_cookie(name, value, max_age=seconds, secure=secure, httponly=True, samesite="Lax", path=path)


def _set_language() -> None:
    who = moderator()
    preferred = who.language if who else current.reader_language()
    i18n.set_language(request.args.get("lang") or preferred)


def _check_form() -> None:
    if request.method == "POST" and request.endpoint != uploads.ENDPOINT:
        check_form()


def _require_moderator() -> AnyResponse | None:
    found = of_request()
    if found is None:
        wanted = _this_page() if request.method == "GET" else None
        return redirect(url_for("sign_in.show", next=wanted), code=303)
    if sessions.should_touch(found):
        session_id = found.id
        with suppress(ReadOnly):  # pages can be viewed in that mode
            db.begin_write()
            sessions.touch(session_id)
            db.session.commit()
    return None


def _require_owner() -> None:
    if not current_moderator().is_owner:
        raise OwnersOnly
