"""How many comments each of many threads has, in one request."""

from flask import Blueprint, Response, request

from commentsvc.comments import reading, threads
from commentsvc.models.site import Site
from commentsvc.web.api.shapes import Shape, answer

blueprint = Blueprint("api_counts", __name__, url_prefix="/api/v1/counts")


class Counts(Shape):
    """Approved comments by key, as the keys were asked for."""

    counts: dict[str, int]


@blueprint.get("")
def show() -> Response:
    """``?site=blog&key=…&key=…``, at most a hundred keys."""
    site = Site.named(request.args.get("site", ""))
    asked = {key: threads.key_of(key) for key in request.args.getlist("key")[: reading.MOST_COUNTS]}
    found = reading.counts(site, set(asked.values()))
    return answer(
        Counts(counts={key: found[normal] for key, normal in asked.items()}), site, cache="public, max-age=30"
    )
