"""Middleware in front of everything: each request reaches the application as if it had been sent to ``BASE_URL``.

So every address made for a reader begins with it, whatever a proxy or a client sends as Host; and paths that are not
UTF-8 keep their bytes.
"""

from collections.abc import Callable, Iterable
from typing import Any

from commentsvc import settings
from commentsvc.links import BYTES, with_bytes

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class AtBaseUrl:
    """WSGI middleware. A path in ``BASE_URL`` becomes ``SCRIPT_NAME``: a proxy must pass paths unchanged.

    Requests without that path, such as ``/health`` from the machine itself, are answered as if they had it.
    """

    def __init__(self, app: Wsgi) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        address = settings.current().address
        environ["wsgi.url_scheme"], environ["HTTP_HOST"] = address.scheme, address.netloc
        path = environ.get("PATH_INFO", "")
        if path.startswith("//"):  # as Flask reads it, before it is compared
            path = f"/{path.lstrip('/')}"
        if address.path:
            environ["SCRIPT_NAME"] = address.path
            if path == address.path or path.startswith(f"{address.path}/"):
                path = path[len(address.path) :]
        environ["PATH_INFO"] = path if path.isascii() else _as_utf8(path)
        return self.app(environ, start_response)


def _as_utf8(path: str) -> str:
    """Percent-encode bytes of a path that are not UTF-8: ``%E9``."""
    return with_bytes(path.encode("latin-1").decode("utf-8", BYTES)).encode().decode("latin-1")
