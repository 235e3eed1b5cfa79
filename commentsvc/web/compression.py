"""Compress personal pages.

Lengths of compressed pages can reveal secrets beside text that an attacker controls, so each response gets a random
number of extra bytes.
"""

import gzip
import io
import secrets

from flask import Response, request

from commentsvc.web.snapshots import takes_gzip

FAST = 3
WORTH_IT = 1000  # bytes
MAX_PADDING = 100  # bytes


def compress(response: Response) -> Response:
    """Compress the response, if the browser accepts gzip; for ``after_request``."""
    response.headers.add("Vary", "Accept-Encoding")
    accepted = takes_gzip(request.headers.get("Accept-Encoding", ""))
    is_text = response.mimetype in ("text/html", "application/json")
    if not accepted or not is_text or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) < WORTH_IT:
        return response
    packed = io.BytesIO()
    noise = "x" * secrets.randbelow(MAX_PADDING)  # gzip's field for a file name
    with gzip.GzipFile(noise, "wb", FAST, packed, mtime=0) as stream:
        stream.write(body)
    response.set_data(packed.getvalue())
    response.headers["Content-Encoding"] = "gzip"
    return response
