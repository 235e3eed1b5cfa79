"""The latest comments of a blog, as a list for the element ``<comment-latest>`` in its side columns."""

from flask import Blueprint, Response, make_response, render_template

from commentsvc import configuration, i18n
from commentsvc.comments import reading
from commentsvc.web import current, snapshots
from commentsvc.web.options import int_arg

COUNT = 5  # comments, if the page does not say how many

blueprint = Blueprint("latest", __name__, url_prefix="/latest")


@blueprint.get("/<site_key>")
def show(site_key: str) -> Response:
    """Return the newest comments, each linked to its article; the same bytes for everybody."""
    site = configuration.current().site(site_key)
    activity_version = site.activity_version  # before anything is read that may be newer
    i18n.set_language(current.reader_language(site))
    count = int_arg("count") or COUNT
    comments = reading.latest_in_discussion(site, count if 0 < count <= snapshots.MAX_LATEST else COUNT)
    html = render_template("thread/latest.html", comments=comments)
    return snapshots.cache_for_many(make_response(html), site, activity_version)
