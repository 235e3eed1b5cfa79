"""The front page, the element's script, and static files."""

from flask import Blueprint, Response, render_template, request

from commentsvc import edge, i18n
from commentsvc.web import assets, current, snapshots, templating

FOR_EVER = "public, max-age=31536000, immutable"
CHECK_EACH_HOUR = "public, max-age=3600"
CHECK_EACH_TIME = f"public, max-age=0, s-maxage=1, stale-if-error={edge.STALE_IF_ERROR}"  # as threads

NOT_FOR_ROBOTS = ("admin", "api", "captcha", "confirm", "follow", "moderate", "subscriptions", "unsubscribe")

blueprint = Blueprint("front", __name__)


@blueprint.get("/")
def index() -> str:
    """Show what this is, to whoever opens the bare address."""
    i18n.set_language(current.reader_language())
    return render_template("front.html")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Allow threads to be indexed, and nothing that only people or our own scripts use."""
    root = request.script_root
    lines = ["User-agent: *", *(f"Disallow: {root}/{name}/" for name in NOT_FOR_ROBOTS)]
    response = Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = CHECK_EACH_HOUR
    return response


@blueprint.get("/embed.js")
def element() -> Response:
    """Return the script of ``<comment-thread>``; its address never changes."""
    return _shared(assets.send("embed.js"), CHECK_EACH_TIME)


@blueprint.get("/static/<path:name>")
def asset(name: str) -> Response:
    """Return a static file; cached for ever if the address has its fingerprint."""
    response = assets.send(name)
    return _shared(response, FOR_EVER if templating.is_fingerprinted(request, name) else CHECK_EACH_HOUR)


def _shared(response: Response, lifetime: str) -> Response:
    """Mark a response as the same everywhere: ``snapshots`` compresses it and answers 304."""
    response.headers["Cache-Control"] = lifetime
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return snapshots.cache_of_no_site(response)
