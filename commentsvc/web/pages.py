"""A thread as a page of its own: works without JavaScript, with everything a thread has."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, links, throttle
from commentsvc.comments import reading, threads
from commentsvc.comments.submission import whole
from commentsvc.db import db
from commentsvc.errors import Refusal
from commentsvc.linkbacks import trackback
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site, View
from commentsvc.web import current, errors, forms, gate, security, visitor
from commentsvc.web.admin import signed_in
from commentsvc.web.options import choice, number

blueprint = Blueprint("pages", __name__)


@blueprint.get("/t/<site_key>/")
@blueprint.get("/t/<site_key>/<path:key>")
def show(site_key: str, key: str = "") -> Response:
    """The thread of an article, or an empty one where nobody has written yet."""
    site, key = _address(site_key, key)
    return _page(site, key, status=200)


@blueprint.post("/t/<site_key>/")
@blueprint.post("/t/<site_key>/<path:key>")
def post(site_key: str, key: str = "") -> AnyResponse:
    """Post a comment; back to it, or the page again with what is wrong and all that was typed.

    The buttons "another picture" and "preview" show the page again, too.
    """
    site, key = _address(site_key, key)
    if "another" in request.form:
        return _page(site, key, status=200)
    if "preview" in request.form:
        throttle.hit(throttle.PREVIEWS, current.source())
        security.check_origin(site)
        return _page(site, key, status=200, preview=forms.rendered())
    moderator = signed_in.moderator() if security.is_own_page() else None
    arrival = gate.Arrival(site, key, forms.typed(), visitor.known(), moderator=moderator)
    try:
        comment = gate.receive(arrival)
    except Refusal as refusal:
        return _page(site, key, status=refusal.status, refusal=refusal)
    return redirect(_place_of(comment), code=303)


def _address(site_key: str, key: str) -> tuple[Site, str]:
    site = Site.named(site_key)
    i18n.speak(current.reader_language(site))
    return site, threads.key_of(key)


def _page(site: Site, key: str, status: int, refusal: Refusal | None = None, preview: str = "") -> Response:
    person = visitor.current()
    moderator = signed_in.moderator()
    shown = current.page_asked_for(site, key)
    article = shown.thread.url if shown.thread else links.article(site.home, key)
    reply_to = reading.visible(shown.thread, number("reply_to") or whole(request.form.get("parent_id")))
    response = make_response(
        render_template(
            "thread/page.html",
            shown=shown,
            form=forms.personal(site, key, person, moderator, refusal, reply_to, preview),
            items=reading.with_held(shown.items, reading.held_of(shown.thread, person.hash)),
            is_open=shown.thread is None or threads.is_open(site, shown.thread),
            article=article,
            rdf=trackback.rdf(article, shown.thread.title if shown.thread else "", links.trackback(site.key, key)),
            asked_for_letters="letter" in request.args,
        ),
        status,
    )
    response.headers["Cache-Control"] = "no-store"
    return errors.say_when(response, refusal) if refusal else response


def _place_of(comment: Comment) -> str:
    """The page and anchor where the writer finds their comment."""
    site, thread = comment.thread.site, comment.thread
    view = choice("view", View) or View(site.view)
    asked = [f"view={view}"] if request.args.get("view") else []
    if lang := request.args.get("lang"):
        asked.append(f"lang={i18n.nearest(lang)}")
    if request.form.get("notify"):
        asked.append("letter")
    if comment.is_visible and (page := reading.page_of(site, comment, view)) > 1:
        asked.append(f"page={page}")
    query = f"?{'&'.join(asked)}" if asked else ""
    db.session.rollback()
    return f"{links.thread_page(site.key, thread.key)}{query}#comment-{comment.id}"
