"""A thread as JSON."""

from flask import Blueprint, Response

from commentsvc import i18n
from commentsvc.threads import threads
from commentsvc.threads.articles import Article
from commentsvc.web import current, snapshots
from commentsvc.web.api.shapes import PublicComment, PublicThread, answer

blueprint = Blueprint("api_threads", __name__, url_prefix="/api/v1/threads")


@blueprint.get("/<site_key>/")
@blueprint.get("/<site_key>/<key:key>")
def show(site_key: str, key: str = "") -> Response:
    """Public fields only; a thread nobody wrote in is empty, not missing."""
    article = Article.find(site_key, key)
    i18n.set_language(current.site_language(article.site))
    shown = current.page_asked_for(article)
    thread = PublicThread(
        url=article.url,
        title=article.title,
        open=shown.thread is None or threads.is_open(shown.thread),
        count=shown.comment_count,
        page=shown.page,
        pages=shown.pages,
        comments=[PublicComment.of(item.comment) for item in shown.items if not item.is_tombstone],
        linkbacks=[PublicComment.of(linkback) for linkback in shown.linkbacks],
    )
    return snapshots.cache(answer(thread, article.site), article)
