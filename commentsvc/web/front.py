"""The front page, the element's script, and the files below ``static/``."""

from flask import Blueprint, Response, render_template, request

from commentsvc import i18n
from commentsvc.web import assets, current, snapshots, templating

FOR_EVER = "public, max-age=31536000, immutable"
CHECK_EACH_HOUR = "public, max-age=3600"
CHECK_EACH_TIME = "public, no-cache"

NOT_FOR_ROBOTS = ("admin", "api", "captcha", "confirm", "follow", "moderate", "subscriptions", "unsubscribe")

blueprint = Blueprint("front", __name__)


@blueprint.get("/")
def index() -> str:
    """What lives here, for whoever looks at the bare address."""
    i18n.speak(current.reader_language())
    return render_template("front.html")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Threads may be found; what only people and programs of ours use need not be looked through."""
    root = request.script_root
    lines = ["User-agent: *", *(f"Disallow: {root}/{name}/" for name in NOT_FOR_ROBOTS)]
    response = Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = CHECK_EACH_HOUR
    return response


@blueprint.get("/embed.js")
def element() -> Response:
    """The element ``<comment-thread>``; its address never changes, and new modules need a new one."""
    return _shared(assets.send("embed.js"), CHECK_EACH_TIME)


@blueprint.get("/static/<path:name>")
def asset(name: str) -> Response:
    """A file; kept for ever where its address carries its fingerprint."""
    response = assets.send(name)
    return _shared(response, FOR_EVER if templating.is_fingerprinted(request, name) else CHECK_EACH_HOUR)


def _shared(response: Response, lifetime: str) -> Response:
    """For every page, in its smallest form: ``snapshots`` packs it and compares what browsers have."""
    response.headers["Cache-Control"] = lifetime
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return snapshots.keep_for_good(response)
