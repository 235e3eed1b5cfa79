"""The picture and the sound of a challenge."""

from flask import Blueprint, Response, request

from commentsvc import throttle
from commentsvc.captcha import challenge
from commentsvc.web import current

blueprint = Blueprint("captcha", __name__)


@blueprint.get("/captcha/<token>.png")
def picture(token: str) -> Response:
    """Return a PNG, not cached, as each token is shown once."""
    person = challenge.person_of(token)
    throttle.hit(throttle.PICTURES, current.source())
    throttle.hit(throttle.PICTURES, person)
    throttle.hit(throttle.PICTURES_NEARBY, current.neighbourhood())
    return _unkept(challenge.picture(token), "image/png")


@blueprint.get("/captcha/<token>.wav")
def sound(token: str) -> Response:
    """Return a WAV in the language of ``?lang=``, if available; listening again is not counted."""
    person = challenge.person_of(token)
    throttle.hit(throttle.SOUNDS_PLAYED, current.source())
    throttle.hit_once(throttle.SOUNDS, token, current.source())
    throttle.hit_once(throttle.SOUNDS, token, person)
    throttle.hit_once(throttle.SOUNDS_NEARBY, token, current.neighbourhood())
    return _unkept(challenge.sound(token, challenge.spoken(request.args.get("lang", ""))), "audio/wav")


def _unkept(body: bytes, mimetype: str) -> Response:
    response = Response(body, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
