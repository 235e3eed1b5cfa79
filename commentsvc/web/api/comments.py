"""Comments as JSON: post one, and change one's own."""

from flask import Blueprint, Response, request

from commentsvc import i18n
from commentsvc.comments import editing
from commentsvc.models.comment import Comment
from commentsvc.web import current, gate, visitor
from commentsvc.web.api.shapes import NewComment, NewText, OwnComment, PublicComment, answer, parsed
from commentsvc.web.comment_request import CommentRequest

COMMENT = "/comments/<id:comment_id>"

blueprint = Blueprint("api_comments", __name__, url_prefix="/api/v1")


@blueprint.post("/threads/<site_key>/comments", defaults={"key": ""})
@blueprint.post("/threads/<site_key>//comments", defaults={"key": ""})
@blueprint.post("/threads/<site_key>/<key:key>/comments")
@gate.limit_concurrency
def post(site_key: str, key: str) -> Response:
    """201 with the comment, or 202 where it waits for a moderator; with the token to change it."""
    article = current.article_for_reader(site_key, key)
    comment = gate.receive(CommentRequest(article, _typed(parsed(NewComment)), visitor.known(), is_form=False))
    return answer(OwnComment.of(comment), comment.thread.site, status=201 if comment.is_visible else 202)


@blueprint.get(COMMENT)
def show(comment_id: int) -> Response:
    """One's own comment, with the text as it was typed."""
    comment = _authored(comment_id)
    return answer(PublicComment.of(comment), comment.thread.site)


@blueprint.patch(COMMENT)
def edit(comment_id: int) -> Response:
    """Give one's comment a new text; it may have to wait for a moderator again."""
    new = parsed(NewText)
    comment = gate.edit(lambda: _authored(comment_id), new.body)
    return answer(PublicComment.of(comment), comment.thread.site)


@blueprint.delete(COMMENT)
def remove(comment_id: int) -> Response:
    """Take one's comment back; 204."""
    comment = gate.delete_own(lambda: _authored(comment_id))
    response = answer(PublicComment.of(comment), comment.thread.site, status=204)
    response.data = b""
    return response


def _authored(comment_id: int) -> Comment:
    """Return the comment whose edit token the request has as ``Authorization: Bearer …``."""
    i18n.set_language(current.reader_language())
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return editing.own_by_token(comment_id, token.strip() if scheme.lower() == "bearer" else "")


def _typed(new: NewComment) -> dict[str, str]:
    """Return the texts that a form would have sent."""
    return {
        "author": new.author,
        "email": new.email,
        "website": new.website,
        "body": new.body,
        "parent_id": str(new.parent_id or ""),
        "notify": "on" if new.notify else "",
        "follow": "on" if new.follow else "",
        "url": new.url,
        "title": new.title,
        "challenge_token": new.challenge.token,
        "challenge_answer": new.challenge.answer,
        "idempotency_key": request.headers.get("Idempotency-Key", ""),
    }
