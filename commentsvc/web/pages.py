"""A thread as a page of its own: works without JavaScript, with everything a thread has."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, links, throttle
from commentsvc.comments import editing, reading, threads
from commentsvc.comments.submission import whole
from commentsvc.db import db
from commentsvc.errors import Refusal
from commentsvc.linkbacks import trackback
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.site import Site, View
from commentsvc.models.thread import Thread
from commentsvc.web import current, embed, errors, forms, gate, linked_data, security, snapshots, visitor
from commentsvc.web.admin import signed_in
from commentsvc.web.arrival import Arrival
from commentsvc.web.forms import CommentForm
from commentsvc.web.options import choice, number

OPENING = '<form class="write"'
FORM = ("<!--form-->", "<!--/form-->")  # between these stands the form for everybody in a fragment

blueprint = Blueprint("pages", __name__)


@blueprint.get("/t/<site_key>/")
@blueprint.get("/t/<site_key>/<path:key>")
def show(site_key: str, key: str = "") -> AnyResponse:
    """The thread of an article, or an empty one where nobody has written yet; with ``?comment=``, its page."""
    site, key = _address(site_key, key)
    thread = Thread.at(site, key)
    if thread is not None and thread.key != key:
        asked = f"?{request.query_string.decode()}" if request.query_string else ""
        return redirect(links.thread_page(site.key, thread.key) + asked, code=302)
    wanted = reading.visible(thread, number("comment"))
    return redirect(place_of(wanted), code=302) if wanted else _page(site, key, status=200)


@blueprint.post("/t/<site_key>/")
@blueprint.post("/t/<site_key>/<path:key>")
def post(site_key: str, key: str = "") -> AnyResponse:
    """Post a comment; back to it, or the page again with what is wrong and all that was typed.

    The buttons "another picture" and "preview" show the page again, too.
    """
    site, key = _address(site_key, key)
    if "another" in request.form:
        security.check_origin(site)
        return _page(site, key, status=200)
    if "preview" in request.form:
        throttle.hit(throttle.PREVIEWS, current.source())
        security.check_origin(site)
        return _page(site, key, status=200, preview=forms.rendered())
    moderator = signed_in.moderator_of(site) if security.is_own_page() else None
    arrival = Arrival(site, key, forms.typed(), visitor.known(), moderator=moderator)
    try:
        comment = gate.receive(arrival)
    except Refusal as refusal:
        return _page(site, key, status=refusal.status, refusal=refusal)
    return redirect(place_of(comment), code=303)


def _address(site_key: str, key: str) -> tuple[Site, str]:
    site = Site.named(site_key)
    i18n.speak(current.reader_language(site))
    return site, threads.key_of(key)


def _page(site: Site, key: str, status: int, refusal: Refusal | None = None, preview: str = "") -> Response:
    person, moderator = visitor.current(), signed_in.moderator_of(site)
    thread = Thread.at(site, key)
    reply_to = reading.visible(thread, number("reply_to") or whole(request.form.get("parent_id")))
    form = forms.personal(site, key, person, moderator, refusal, reply_to, preview)
    article = thread.url if thread else links.article(site.home, key)
    title = thread.title if thread else ""
    own_view = _moderators_view(form, thread) if moderator and thread else _own_view(form, thread, person.hash)
    # What comes now may wait for a connection of its own; whoever held another meanwhile could wait for ever.
    db.session.close()
    thread_html = own_view or _view_of_everybody(form)
    response = make_response(
        render_template(
            "thread/page.html",
            site=site,
            thread_path=links.thread_path(site.key, key),
            title=title or article,
            article=article,
            form=form,
            thread_html=thread_html,
            lost=refusal if OPENING not in thread_html else None,
            linked_data=linked_data.of_thread(_kept("api/v1/threads", site, key)),
            rdf=trackback.rdf(article, title, links.trackback(site.key, key)),
            asked_for_letters="letter" in request.args,
        ),
        status,
    )
    response.headers["Cache-Control"] = "no-store"
    _advertise(site, response)
    return errors.say_when(response, refusal) if refusal else response


def _advertise(site: Site, response: Response) -> None:
    """Tell other blogs' programs where to send linkbacks, for those that do not look at elements."""
    if site.takes(Kind.PINGBACK):
        response.headers["X-Pingback"] = links.pingback()
    if site.takes(Kind.WEBMENTION):
        response.headers.add("Link", f'<{links.webmention()}>; rel="webmention"')


def _own_view(form: CommentForm, thread: Thread | None, visitor: str) -> Markup | None:
    """The thread with what its reader wrote and may still change, or None for who has nothing of their own in it."""
    held, own = reading.held_of(thread, visitor), editing.editable_of(thread, visitor)
    if not held and not own:
        return None
    shown = current.page_asked_for(form.site, form.key)
    return Markup(embed.fragment(shown, form, reading.with_held(shown.items, held), own))  # noqa: S704 - a template's


def _moderators_view(form: CommentForm, thread: Thread) -> Markup:
    """The thread with what waits in it, and with what a moderator may do about each comment."""
    shown = current.page_asked_for(form.site, form.key)
    items = reading.with_held(shown.items, reading.waiting_in(thread))
    return Markup(embed.fragment(shown, form, items, moderates=True))  # noqa: S704 - a template's


def _view_of_everybody(form: CommentForm) -> Markup:
    """The snapshot that everybody gets, with this reader's form in the place of the empty one."""
    before, opening, rest = _kept("embed", form.site, form.key).partition(FORM[0])
    if not opening:
        return Markup(before)  # noqa: S704 - a template's; the thread is closed and has no form
    after = rest.partition(FORM[1])[2]
    return Markup(before + render_template("thread/_form.html", form=form) + after)  # noqa: S704 - the same


def _kept(door: str, site: Site, key: str) -> str:
    asked = [(name, request.args[name]) for name in ("view", "sort", "page") if name in request.args]
    return snapshots.whole(f"/{door}/{site.key}/{key}", [*asked, ("lang", i18n.language())])


def place_of(comment: Comment) -> str:
    """The page and anchor where a comment stands, laid out as its reader asked."""
    site, thread = comment.thread.site, comment.thread
    view = choice("view", View) or View(site.view)
    asked = [f"view={view}"] if request.args.get("view") else []
    if lang := request.args.get("lang"):
        asked.append(f"lang={i18n.nearest(lang)}")
    if request.form.get("notify") or request.form.get("follow"):
        asked.append("letter")
    if comment.is_visible and (page := reading.page_of(site, comment, view)) > 1:
        asked.append(f"page={page}")
    query = f"?{'&'.join(asked)}" if asked else ""
    db.session.rollback()
    return f"{links.thread_page(site.key, thread.key)}{query}#comment-{comment.id}"
