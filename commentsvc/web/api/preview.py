"""Preview a text."""

from flask import Blueprint, Response

from commentsvc import configuration, throttle
from commentsvc.errors import TooLarge
from commentsvc.fields import MAX_BODY_LENGTH, rendered
from commentsvc.web import current, security
from commentsvc.web.api.shapes import Draft, Rendered, answer, parsed

blueprint = Blueprint("api_preview", __name__, url_prefix="/api/v1/preview")


@blueprint.post("")
def post() -> Response:
    """The text's HTML; nothing is stored."""
    throttle.hit(throttle.PREVIEWS, current.source())
    draft = parsed(Draft)
    site = configuration.current().site(draft.site)
    security.check_origin(site)
    if len(draft.body) > MAX_BODY_LENGTH:
        raise TooLarge
    return answer(Rendered(html=rendered(draft.body)), site)
