"""Post a comment as JSON."""

from flask import Blueprint, Response, request

from commentsvc import i18n
from commentsvc.comments import threads
from commentsvc.models.site import Site
from commentsvc.web import current, gate, visitor
from commentsvc.web.api.shapes import NewComment, PublicComment, answer, asked

blueprint = Blueprint("api_comments", __name__, url_prefix="/api/v1/threads")


@blueprint.post("/<site_key>/comments", defaults={"key": ""})
@blueprint.post("/<site_key>/<path:key>/comments")
def post(site_key: str, key: str) -> Response:
    """201 with the comment, or 202 where it waits for a moderator."""
    site = Site.named(site_key)
    i18n.speak(current.reader_language(site))
    arrival = gate.Arrival(site, threads.key_of(key), _typed(asked(NewComment)), visitor.known(), is_form=False)
    comment = gate.receive(arrival)
    return answer(PublicComment.of(comment), site, status=201 if comment.is_visible else 202)


def _typed(new: NewComment) -> dict[str, str]:
    """The same texts that a form would have sent."""
    return {
        "author": new.author,
        "email": new.email,
        "website": new.website,
        "body": new.body,
        "parent_id": str(new.parent_id or ""),
        "notify": "on" if new.notify else "",
        "url": new.url,
        "title": new.title,
        "challenge_token": new.challenge.token,
        "challenge_answer": new.challenge.answer,
        "idempotency_key": request.headers.get("Idempotency-Key", ""),
    }
