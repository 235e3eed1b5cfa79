"""A comment's permanent address, and the forms to edit or delete it without JavaScript."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n, links
from commentsvc.comments import editing
from commentsvc.db import db
from commentsvc.errors import InvalidFields, NotFound, NotYours, Refusal
from commentsvc.models.comment import Comment
from commentsvc.models.decision import is_pending_for_author
from commentsvc.web import current, errors, forms, gate, security, visitor
from commentsvc.web.pages import comment_url

COMMENT = "<id:comment_id>"

blueprint = Blueprint("comments", __name__, url_prefix="/comments")


@blueprint.get(f"/{COMMENT}")
def show(comment_id: int) -> AnyResponse:
    """Redirect to where the comment is now, on whichever page."""
    comment, person = db.session.get(Comment, comment_id), visitor.known()
    is_own_held = comment and is_pending_for_author(comment) and person and comment.visitor == person.hash
    if comment is None or not (comment.is_visible or is_own_held):
        raise NotFound
    return redirect(comment_url(comment), code=302)


@blueprint.get(f"/{COMMENT}/revision")
def ask(comment_id: int) -> Response:
    """Show the text in a form, to its author."""
    return _form(_authored(comment_id))


@blueprint.post(f"/{COMMENT}/revision")
def revise(comment_id: int) -> AnyResponse:
    """Store the new text, or show the form again with what is wrong, or with a preview."""
    security.check_own_page()
    if "preview" in request.form:
        return _form(_authored(comment_id), preview=forms.rendered())
    try:
        comment = gate.edit(lambda: _authored(comment_id), request.form.get("body", ""))
    except NotYours:
        raise
    except Refusal as refusal:
        return _form(_authored(comment_id), refusal)
    return redirect(comment_url(comment), code=303)


@blueprint.post(f"/{COMMENT}/removal")
def remove(comment_id: int) -> AnyResponse:
    """Delete the comment."""
    security.check_own_page()
    comment = gate.delete_own(lambda: _authored(comment_id))
    return redirect(f"{links.thread_page(comment.thread.site.key, comment.thread.key)}?removed=1", code=303)


def _authored(comment_id: int) -> Comment:
    person = visitor.known()
    if person is None:
        raise NotYours
    return editing.own_by_visitor(comment_id, person.hash)


def _form(comment: Comment, refusal: Refusal | None = None, preview: str = "") -> Response:
    i18n.set_language(current.reader_language(comment.thread.site))
    wrong = refusal.fields.get("body", refusal) if isinstance(refusal, InvalidFields) else refusal
    html = render_template(
        "thread/edit.html",
        comment=comment,
        typed=request.form.get("body", comment.body),
        wrong=wrong,
        preview=preview,
        page=links.thread_page(comment.thread.site.key, comment.thread.key),
    )
    response = make_response(html, refusal.status if refusal else 200)
    response.headers["Cache-Control"] = "no-store"
    return errors.set_retry_after(response, refusal) if refusal else response
