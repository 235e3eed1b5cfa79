"""What ``embed.js`` loads and posts to: a thread as an HTML fragment for ``<comment-thread>``, and its form."""

from collections.abc import Collection
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, make_response, render_template, request

from commentsvc import i18n, links
from commentsvc.comments import editing
from commentsvc.comments.reading import Item, ThreadPage
from commentsvc.errors import Refusal
from commentsvc.models.site import Site
from commentsvc.threads import threads
from commentsvc.threads.articles import Article
from commentsvc.web import current, empty_thread, errors, forms, gate, security, snapshots, visitor
from commentsvc.web.comment_request import CommentRequest
from commentsvc.web.forms import CommentForm

blueprint = Blueprint("embed", __name__)


@blueprint.get("/embed/<site_key>/")
@blueprint.get("/embed/<site_key>/<key:key>")
def show(site_key: str, key: str = "") -> Response:
    """Return the thread; the same bytes for everybody, so that they can be kept and shared."""
    article = _article(site_key, key)
    if wanted := current.page_of_comment_asked_for(article):
        return _redirect_to_page(wanted, article.site)
    if html := empty_thread.answer(article):
        return snapshots.cache(make_response(html), article)
    shown = current.page_asked_for(article)
    return snapshots.cache(
        make_response(fragment(shown, forms.blank(article, folded=shown.comment_count > 0))), article
    )


@blueprint.post("/embed/<site_key>/")
@blueprint.post("/embed/<site_key>/<key:key>")
@gate.limit_concurrency
def post(site_key: str, key: str = "") -> Response:
    """Post a comment: 201 or 202 with its fragment, or the form again with what is wrong."""
    article = _article(site_key, key)
    try:
        comment = gate.receive(CommentRequest(article, forms.typed(), visitor.known()))
    except Refusal as refusal:
        return _form_again(article, refusal)
    item = Item(comment, 0, is_tombstone=False, visible_parent=None)
    html = render_template(
        "thread/posted.html",
        item=item,
        is_open=True,
        moderates=False,
        posted=None,
        own=(),
        shown=None,
        edit_token=editing.edit_token(comment),
        editable_until=editing.editable_until(comment).isoformat(timespec="seconds"),
        asked_for_email=bool(request.form.get("notify") or request.form.get("follow")),
    )
    response = make_response(html, 201 if comment.is_visible else 202)
    response.headers["Location"] = links.comment(article.site_key, comment.thread.key, comment.id)
    return _private(response, comment.thread.site)


def fragment(
    shown: ThreadPage,
    form: CommentForm,
    items: list[Item] | None = None,
    own: Collection[int] = (),
    *,
    posted: int | None = None,
    asked_for_email: bool = False,
    moderates: bool = False,
) -> str:
    """Render the thread. ``items`` replace its own; ``own`` are ids that the reader may edit.

    The comment just ``posted`` gets a notice for its author. Moderators also get buttons to decide.
    """
    thread = shown.thread
    return render_template(
        "thread/fragment.html",
        shown=shown,
        form=form,
        items=shown.items if items is None else items,
        own=own,
        posted=posted,
        asked_for_email=asked_for_email,
        moderates=moderates,
        is_open=thread is None or threads.is_open(thread),
        closed_on=threads.closed_since(thread) if thread else None,
    )


def _redirect_to_page(page: int, site: Site) -> Response:
    """Redirect to the page that the comment is on, so that each page is kept once only."""
    parameters = {name: value for name, value in request.args.items() if name != "comment"} | {"page": page}
    response = make_response("", 302)
    response.headers["Location"] = links.absolute(f"{quote(request.path)}?{urlencode(parameters)}")
    return _private(response, site)


def _form_again(article: Article, refusal: Refusal) -> Response:
    article = article.again()
    form = forms.personal(article, visitor.current(), refusal=refusal, embedded=True)
    response = make_response(render_template("thread/form_again.html", form=form), refusal.status)
    return _private(errors.set_retry_after(response, refusal), article.site)


def _private(response: Response, site: Site) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return security.allow_site(response, site)


def _article(site_key: str, key: str) -> Article:
    article = Article.find(site_key, key)
    i18n.set_language(current.site_language(article.site))
    return article
