"""The picture of a challenge."""

from flask import Blueprint, Response

from commentsvc import throttle
from commentsvc.captcha import challenge
from commentsvc.web import current

blueprint = Blueprint("captcha", __name__)


@blueprint.get("/captcha/<token>.png")
def picture(token: str) -> Response:
    """A PNG; never kept, as each token is shown once."""
    throttle.hit(throttle.PICTURES_NEARBY, current.neighbourhood())
    throttle.hit(throttle.PICTURES, current.source())
    response = Response(challenge.picture(token), mimetype="image/png")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
