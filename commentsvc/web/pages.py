"""A thread as a page of its own, with everything a thread has; works without JavaScript."""

from urllib.parse import unquote_plus

from flask import Blueprint, Response, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import configuration, i18n, links, throttle
from commentsvc.comments import editing, reading
from commentsvc.db import db
from commentsvc.errors import NotFound, Refusal
from commentsvc.fields import row_id
from commentsvc.hosts import readable
from commentsvc.linkbacks import trackback
from commentsvc.models.comment import Comment, Kind
from commentsvc.models.site import Site, View
from commentsvc.models.thread import Thread
from commentsvc.threads import listing, threads
from commentsvc.threads.articles import Article
from commentsvc.web import (
    anonymous_page,
    compression,
    current,
    embed,
    empty_thread,
    errors,
    forms,
    gate,
    linked_data,
    security,
    snapshots,
    visitor,
)
from commentsvc.web.admin import session
from commentsvc.web.comment_request import CommentRequest
from commentsvc.web.forms import CommentForm
from commentsvc.web.options import choice, int_arg
from commentsvc.web.visitor import Visitor

OPENING, THANKS = '<form class="write"', '<div class="thanks notice'  # as the templates begin them
OURS = snapshots.OF_A_PAGE | {
    "comment",
    "reply_to",
    "email",
    "action",
    "undone",
    "posted",
    "removed",
}  # parameters that pages of threads have
FORM = ("<!--form-->", "<!--/form-->")  # the form for everybody is between these in a fragment

blueprint = Blueprint("pages", __name__)
blueprint.after_request(compression.compress)


@blueprint.get("/t/<site_key>/")
@blueprint.get("/t/<site_key>/<key:key>")
def show(site_key: str, key: str = "") -> AnyResponse:
    """Show an article's thread; with ``?comment=``, the page it is on.

    Without a key, lead to the article that the link was followed on, as it is the same in all of them. If the browser
    does not say, and nobody wrote on the home page, list the articles.
    """
    if not key and (article_key := _key_of_linking_page(site_key)):
        return redirect(links.thread_page(site_key, article_key), code=302)
    if page := anonymous_page.page(site_key, key):
        response = _no_store(make_response(page.html), page.site)
        if page.is_packed:
            response.headers["Content-Encoding"] = "gzip"
        return response
    article = current.article_for_reader(site_key, key)
    if whole_key := _with_query(article):
        return redirect(links.thread_page(article.site_key, whole_key), code=302)
    if article.own_key != article.key:
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return redirect(links.thread_page(article.site_key, article.own_key) + query, code=302)
    is_list = not article.key and article.thread is None
    if shape := snapshots.shape_asked_for():
        return make_response("", 204) if is_list else _anonymous_page(article, shape)
    if is_list:
        return _list(article.site)
    wanted = reading.visible(article.thread, int_arg("comment"))
    return redirect(comment_url(wanted), code=302) if wanted else _page(article, status=200)


@blueprint.post("/t/<site_key>/")
@blueprint.post("/t/<site_key>/<key:key>")
@gate.limit_concurrency
def post(site_key: str, key: str = "") -> AnyResponse:
    """Post a comment; redirect to it, or show the page again with what is wrong and everything typed.

    The buttons "another picture" and "preview" show the page again, too.
    """
    article = current.article_for_reader(site_key, key)
    if "another" in request.form:
        security.check_origin(article.site)
        return _page(article, status=200)
    if "preview" in request.form:
        throttle.hit(throttle.PREVIEWS, current.source())
        security.check_origin(article.site)
        return _page(article, status=200, preview=forms.rendered())
    moderator = session.moderator_of(article.site) if security.is_own_page() else None
    comment_request = CommentRequest(article, forms.typed(), visitor.known(), moderator=moderator)
    try:
        comment = gate.receive(comment_request)
    except Refusal as refusal:
        return _page(article.again(), status=refusal.status, refusal=refusal)
    return redirect(comment_url(comment, is_new=True), code=303)


def _key_of_linking_page(site_key: str) -> str:
    """Return the key of the site's article whose link was followed; empty if it is none, or not known."""
    site, url = configuration.latest().sites.get(site_key), request.referrer or ""
    if site is None or links.origin_of(url) not in site.origins or links.below_base_url(url) is not None:
        return ""
    try:
        return threads.key_of(url)
    except NotFound:
        return ""


def _with_query(article: Article) -> str | None:
    """Return the key meant by whoever put an article's address with its query below ``/t/``."""
    of_article = [one for one in request.query_string.decode("latin-1").split("&") if _name(one) not in OURS]
    if not any(of_article):
        return None
    key = threads.key_of(article.key + ("&" if "?" in article.key else "?") + "&".join(of_article))
    return key if key != article.key and (article.thread is None or not article.key) else None


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _anonymous_page(article: Article, shape: str) -> Response:
    if html := empty_thread.answer(article):
        return snapshots.cache(make_response(html), article)
    form = anonymous_page.form(article, shape)
    if form is None:
        return make_response("", 204)
    db.session.close()
    return snapshots.cache(make_response(_html(form, _view_of_everybody(form))), article)


def _list(site: Site) -> Response:
    html = render_template("thread/articles.html", site=site, threads=listing.commented(site))
    return _no_store(make_response(html), site)


def _page(article: Article, status: int, refusal: Refusal | None = None, preview: str = "") -> Response:
    site, thread = article.site, article.thread
    person, moderator = visitor.current(), session.moderator_of(site)
    reply_to = reading.visible(thread, int_arg("reply_to") or row_id(request.form.get("parent_id")))
    form = forms.personal(article, person, moderator, refusal, reply_to, preview)
    own_view = _moderators_view(form, thread) if moderator and thread else _own_view(form, person)
    # What follows may wait for a second connection; holding one meanwhile could deadlock.
    db.session.close()
    thread_html = own_view or _view_of_everybody(form)
    response = _no_store(make_response(_html(form, thread_html), status), site)
    return errors.set_retry_after(response, refusal) if refusal else response


def _html(form: CommentForm, thread_html: Markup) -> str:
    article, site = form.article, form.site
    return render_template(
        "thread/page.html",
        site=site,
        thread_path=links.thread_path(site.key, article.key),
        title=article.title or readable(article.url),
        article=article.url,
        form=form,
        thread_html=thread_html,
        lost=form.refusal if OPENING not in thread_html else None,
        linked_data=linked_data.of_thread(_snapshot_of("api/v1/threads", article)),
        is_missing=_is_missing(thread_html),
        rdf=trackback.rdf(article.url, article.title, links.trackback(site.key, article.key)),
        asked_for_email="email" in request.args and THANKS not in thread_html,
        posted=request.args.get("posted") if THANKS not in thread_html else None,
        is_removed="removed" in request.args,
    )


def _is_missing(thread_html: Markup) -> bool:
    """Return whether the address names a comment that is not in this thread for its reader."""
    wanted = int_arg("comment")
    return wanted is not None and f' id="comment-{wanted}"' not in thread_html


def _no_store(response: Response, site: Site) -> Response:
    """Mark a response as personal, and name the linkback endpoints in its headers."""
    response.headers["Cache-Control"] = "no-store"
    if site.takes(Kind.PINGBACK):
        response.headers["X-Pingback"] = links.pingback()
    if site.takes(Kind.WEBMENTION):
        response.headers.add("Link", f'<{links.webmention()}>; rel="webmention"')
    return response


def _own_view(form: CommentForm, person: Visitor) -> Markup | None:
    """Return the thread with the reader's own comments, or None if there are none."""
    if not person.came_back:
        return None
    thread = form.article.thread
    held, own = reading.held_of(thread, person.hash), editing.editable_of(thread, person.hash)
    if not held and not own:
        return None
    shown = current.page_asked_for(form.article)
    html = embed.fragment(
        shown,
        form,
        reading.with_held(shown.items, held),
        own,
        posted=max([*own, *(comment.id for comment in held)]) if "posted" in request.args else None,
        asked_for_email="email" in request.args,
    )
    return Markup(html)  # noqa: S704 - a template's


def _moderators_view(form: CommentForm, thread: Thread) -> Markup:
    """Return the thread with pending comments and a moderator's buttons."""
    shown = current.page_asked_for(form.article)
    items = reading.with_held(shown.items, reading.waiting_in(thread))
    return Markup(embed.fragment(shown, form, items, moderates=True))  # noqa: S704 - a template's


def _view_of_everybody(form: CommentForm) -> Markup:
    """Return everybody's snapshot, with this reader's form in place of the empty one."""
    before, opening, rest = _snapshot_of("embed", form.article).partition(FORM[0])
    if not opening:
        return Markup(before)  # noqa: S704 - a template's; the thread is closed and has no form
    after = rest.partition(FORM[1])[2]
    return Markup(before + render_template("thread/_form.html", form=form) + after)  # noqa: S704 - the same


def _snapshot_of(prefix: str, article: Article) -> str:
    parameters = [(name, request.args[name]) for name in ("view", "sort", "page") if name in request.args]
    parameters.append(("lang", i18n.language()))
    return snapshots.body_of(f"/{prefix}/{article.site_key}/{article.key}", parameters).decode()


def comment_url(comment: Comment, *, is_new: bool = False) -> str:
    """Return the page and anchor of a comment, in the view its reader asked for; thank the writer of a new one."""
    site, thread = comment.thread.site, comment.thread
    view = choice("view", View) or View(site.view)
    parameters = [f"view={view}"] if request.args.get("view") else []
    if lang := request.args.get("lang"):
        parameters.append(f"lang={i18n.nearest(lang)}")
    if request.form.get("notify") or request.form.get("follow"):
        parameters.append("email")
    if is_new:
        parameters.append(f"posted={comment.state_for_writer}")
    if comment.is_visible and (page := reading.page_of(site, comment, view)) > 1:
        parameters.append(f"page={page}")
    query = f"?{'&'.join(parameters)}" if parameters else ""
    db.session.rollback()
    return f"{links.thread_page(site.key, thread.key)}{query}#comment-{comment.id}"
