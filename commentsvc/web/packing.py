"""Pages for one person's eyes, packed for the way.

What is packed together may be guessed from its length, where somebody can put words of their own beside a secret and
watch. So each answer gets a random number of further bytes.
"""

import gzip
import io
import secrets

from flask import Response, request

from commentsvc.web.snapshots import takes_gzip

FAST = 3
WORTH_IT = 1000  # bytes
MAX_NOISE = 100  # bytes


def pack(response: Response) -> Response:
    """For ``after_request``: the same answer with gzip around it, for browsers that take that."""
    response.headers.add("Vary", "Accept-Encoding")
    accepted = takes_gzip(request.headers.get("Accept-Encoding", ""))
    is_text = response.mimetype in ("text/html", "application/json")
    if not accepted or not is_text or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) < WORTH_IT:
        return response
    packed = io.BytesIO()
    noise = "x" * secrets.randbelow(MAX_NOISE)  # where gzip has room for the name of a file
    with gzip.GzipFile(noise, "wb", FAST, packed, mtime=0) as stream:
        stream.write(body)
    response.set_data(packed.getvalue())
    response.headers["Content-Encoding"] = "gzip"
    return response
