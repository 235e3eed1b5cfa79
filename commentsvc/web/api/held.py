"""A visitor's own held comments, for the element on their next visit."""

from flask import Blueprint, Response, make_response, render_template, request

from commentsvc import i18n
from commentsvc.comments import reading
from commentsvc.threads.articles import Article
from commentsvc.web import current, security, visitor

blueprint = Blueprint("api_held", __name__, url_prefix="/api/v1/held")


@blueprint.get("")
def show() -> Response:
    """``?site=blog&key=…``: their held comments as a fragment, empty for whom we do not know; never kept."""
    article = Article.find(request.args.get("site", ""), request.args.get("key", ""))
    i18n.set_language(current.site_language(article.site))
    person = visitor.known()
    held = reading.held_of(article.thread, person.hash) if person else []
    items = reading.with_held([], held)
    response = make_response(
        render_template("thread/held.html", items=items, is_open=False, moderates=False, posted=None, own=())
    )
    response.headers["Cache-Control"] = "no-store"
    return security.allow_site(response, article.site)
