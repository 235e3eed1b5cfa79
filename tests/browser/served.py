"""The server of all tests in a browser: as ``serve`` runs it, with one more address, where it forgets the test before.

``python -m tests.browser.served PORT``, with its settings in the environment and a migrated database.
"""

import sys
from collections.abc import Iterable
from typing import Any

from flask import Flask

from commentsvc import server, throttle
from commentsvc.app import create_serving_app
from commentsvc.web import snapshots

FORGET = "/tests/forget"


def create() -> Flask:
    """The application with its worker; what limits counted and what was kept as bytes can be forgotten."""
    app = create_serving_app()
    own = app.wsgi_app

    def with_forgetting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        nonlocal own
        if environ["PATH_INFO"] != FORGET:
            return own(environ, start_response)
        throttle.forget()
        snapshots.install(app)
        own, app.wsgi_app = app.wsgi_app, with_forgetting  # type: ignore[method-assign]
        start_response("204 No Content", [])
        return []

    app.wsgi_app = with_forgetting  # type: ignore[method-assign]
    return app


if __name__ == "__main__":
    server.listen("127.0.0.1", int(sys.argv[1]), workers=1, target=f"{__spec__.name}:create")  # type: ignore[name-defined]
