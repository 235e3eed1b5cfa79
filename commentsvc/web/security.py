"""Security headers, and which pages may talk to us."""

from flask import Flask, Response, make_response, request

from commentsvc import links, settings
from commentsvc.errors import NotFound, NotUnderstood, OpenedElsewhere, WrongOrigin
from commentsvc.models.site import Site
from commentsvc.web import bodies, current, uploads
from commentsvc.web.bodies import Bodies, Paced
from commentsvc.web.visitor import HEADER as VISITOR_HEADER

# ``own`` is the origin of ``BASE_URL``, from which a page that was opened at another address loads its styles.
PAGE_CSP = (
    "default-src 'none'; script-src 'self' {own}; style-src 'self' {own}; img-src 'self' {own}; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)

# A fragment opened by itself can do nothing.
FRAGMENT_CSP = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


WITH_BODY = ("POST", "PUT", "PATCH")
FORM = "application/x-www-form-urlencoded"
MAX_REQUEST_SIZE = 256 * 1024  # bytes

_bodies = Bodies()


def no_store(response: Response) -> Response:
    """Mark a response as personal; for ``after_request``."""
    response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Set every response's headers, and answer CORS preflights."""
    app.before_request(_read_whole)
    app.before_request(_preflight)
    app.after_request(_set_headers)


def _read_whole() -> None:
    """Read the whole body first, or ignore it, so that a slow sender holds no database connection.

    Raises:
        TooSlow, TooMany: as ``bodies.collect`` does.
        NotFound: the address contains a NUL.
        NotUnderstood: the form has a field without a name.
    """
    is_batch = request.path == "/api/v1/counts"  # where one wrong key must not affect the others
    if "\0" in request.path or ("%00" in request.query_string.decode("latin-1") and not is_batch):
        raise NotFound
    if request.endpoint == uploads.ENDPOINT:
        return
    if request.method not in WITH_BODY:
        bodies.ignore(request.environ)
    elif (request.content_length or 0) <= MAX_REQUEST_SIZE:
        _bodies.collect(request.environ, current.source(), MAX_REQUEST_SIZE)
        if request.mimetype == FORM and not _is_ping():
            bodies.put_in_utf8(request.environ)
    if _is_ping():
        request.get_data(cache=True)
    elif request.method in WITH_BODY:
        request.get_data(cache=True, parse_form_data=True)
        if None in request.form or None in request.files:  # a part without a name
            raise NotUnderstood


def paced_body() -> Paced:
    """Return the body of this request, to be read as it arrives."""
    return Paced(request.environ["wsgi.input"])


def _is_ping() -> bool:
    """Return whether the body is another site's, in a charset of its own."""
    return request.path.startswith("/trackback/") or request.path == "/pingback"


def _preflight() -> Response | None:
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asks or not request.path.startswith(("/embed/", "/api/")):
        return None
    response = make_response("", 204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PATCH, DELETE"
    response.headers["Access-Control-Allow-Headers"] = f"Authorization, Content-Type, Idempotency-Key, {VISITOR_HEADER}"
    response.headers["Access-Control-Max-Age"] = "600"
    return allow_site(response, current.site_asked_for() or current.site_of_origin())


def _set_headers(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if response.mimetype == "text/html":
        is_fragment = request.path.startswith("/embed/")
        response.headers.setdefault("Content-Security-Policy", FRAGMENT_CSP if is_fragment else _page_csp())
        if is_fragment:  # part of an article's page, and not to be indexed by itself
            response.headers.setdefault("X-Robots-Tag", "noindex")
    if settings.current().is_https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.headers.get("Set-Cookie"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _page_csp() -> str:
    return PAGE_CSP.format(own=links.own_origin())


def check_origin(site: Site) -> None:
    """Raise ``WrongOrigin`` if the browser says that the request comes from a page of neither the site nor ourselves.

    Programs send no origin and pass: they carry nobody's cookies.
    """
    origin = _origin()
    if origin is not None:
        if origin not in (*site.origins, links.own_origin()):
            is_our_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
            raise _opened_elsewhere() if is_our_page else WrongOrigin
    elif request.headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none"):
        raise WrongOrigin


def check_own_page() -> None:
    """Raise ``OpenedElsewhere`` unless the request comes from our own page, as far as the browser says."""
    if not is_own_page():
        raise _opened_elsewhere()


def _opened_elsewhere() -> OpenedElsewhere:
    return OpenedElsewhere(address=settings.current().base_url)


def is_own_page() -> bool:
    """Return whether the request comes from no other site's page, as far as the browser says."""
    is_own = _origin() in (None, links.own_origin())
    return is_own and request.headers.get("Sec-Fetch-Site") in (None, "same-origin", "none")


def _origin() -> str | None:
    """Return whose page sends this. Some browsers say ``null`` for pages of ours that send no referrer."""
    origin = request.headers.get("Origin")
    if origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return links.own_origin()
    return origin


def allow_site(response: Response, site: Site | None) -> Response:
    """Let the pages of ``site``, and no others, read this response and send their cookies."""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if site and origin in site.origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
