"""The files in ``static/`` as they are sent: scripts and styles without comments."""

import mimetypes
from functools import lru_cache
from pathlib import Path

import rcssmin
import rjsmin
from flask import Response, make_response

from commentsvc import paths
from commentsvc.errors import NotFound


def send(name: str) -> Response:
    """Return a file as the response; raises ``NotFound``."""
    if name not in _files():
        raise NotFound
    path = _files()[name]
    response = make_response(_without_comments(path.read_bytes(), path.suffix))
    response.headers["Content-Type"] = f"{mimetypes.guess_type(path)[0]}; charset=utf-8"
    return response


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    return {file.relative_to(paths.STATIC).as_posix(): file for file in paths.STATIC.rglob("*") if file.is_file()}


def _without_comments(source: bytes, suffix: str) -> bytes:
    if suffix == ".js":
        return str(rjsmin.jsmin(source.decode())).encode()
    return str(rcssmin.cssmin(source.decode())).encode() if suffix == ".css" else source
