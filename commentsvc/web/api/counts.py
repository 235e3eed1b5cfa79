"""The number of comments of many threads, in one request."""

from urllib.parse import parse_qsl

from flask import Blueprint, Response, request

from commentsvc import configuration, i18n
from commentsvc.comments import reading
from commentsvc.errors import NotFound
from commentsvc.links import BYTES, with_bytes
from commentsvc.threads import threads
from commentsvc.web import current, snapshots
from commentsvc.web.api.shapes import Counts, answer

blueprint = Blueprint("api_counts", __name__, url_prefix="/api/v1/counts")


@blueprint.get("")
def show() -> Response:
    """``?site=blog&key=…&key=…``, at most a hundred keys; ``labels`` say it in the language of ``?lang=``."""
    site = configuration.current().site(request.args.get("site", ""))
    activity_version = site.activity_version  # before anything is read that may be newer
    i18n.set_language(current.site_language(site))
    normalised = {key: _normal(key) for key in _keys()[: reading.MAX_COUNTS]}
    found = reading.counts(site, {key for key in normalised.values() if key is not None})
    counts = {key: 0 if normal is None else found[normal] for key, normal in normalised.items()}
    labels = {key: _label(count) for key, count in counts.items()}
    return snapshots.cache_for_many(answer(Counts(counts=counts, labels=labels), site), site, activity_version)


def _keys() -> list[str]:
    """Return keys as sent; bytes that are not UTF-8 are part of them."""
    query = request.query_string.decode("latin-1")
    return [
        with_bytes(value) for name, value in parse_qsl(query, keep_blank_values=True, errors=BYTES) if name == "key"
    ]


def _normal(key: str) -> str | None:
    """Return a key in normal form; None if it is invalid, so that the others get their counts."""
    try:
        return None if "\0" in key else threads.key_of(key)
    except NotFound:
        return None


def _label(count: int) -> str:
    return i18n.ngettext("%(count)s comment", "%(count)s comments", count) % {"count": count}
