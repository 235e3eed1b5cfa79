"""The files below ``static/`` as they are sent: scripts and styles without what only their writers need, and packed."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import rcssmin
import rjsmin
from flask import Response, make_response, request

from commentsvc import paths
from commentsvc.errors import NotFound
from commentsvc.web.snapshots import takes_gzip

TEXTS = (".js", ".css", ".svg")


@dataclass(frozen=True)
class Asset:
    """A file's bytes, plain and packed; packed is empty where that would save nothing."""

    body: bytes
    packed: bytes
    etag: str
    content_type: str


def send(name: str) -> Response:
    """Answer this request with a file; raises ``NotFound``."""
    if name not in _files():
        raise NotFound
    asset = _prepared(name)
    response = make_response(asset.body)
    response.headers["Content-Type"] = asset.content_type
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(asset.etag, weak=True)
    if asset.packed and takes_gzip(request.headers.get("Accept-Encoding", "")):
        response.set_data(asset.packed)
        response.headers["Content-Encoding"] = "gzip"
    response.make_conditional(request)
    return response


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    return {file.relative_to(paths.STATIC).as_posix(): file for file in paths.STATIC.rglob("*") if file.is_file()}


@lru_cache(maxsize=256)
def _prepared(name: str) -> Asset:
    path = _files()[name]
    body = _without_comments(path.read_bytes(), path.suffix)
    packed = gzip.compress(body, 9, mtime=0) if path.suffix in TEXTS else b""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    text = "; charset=utf-8" if path.suffix in TEXTS else ""
    return Asset(body, packed if len(packed) < len(body) else b"", hashlib.sha256(body).hexdigest()[:20], kind + text)


def _without_comments(source: bytes, suffix: str) -> bytes:
    if suffix == ".js":
        return str(rjsmin.jsmin(source.decode())).encode()
    return str(rcssmin.cssmin(source.decode())).encode() if suffix == ".css" else source
