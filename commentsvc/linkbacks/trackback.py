"""TrackBack 1.2 (2004-08-01): the form that another site sends, and the XML response."""

import re
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from commentsvc import links
from commentsvc.errors import N_
from commentsvc.linkbacks.receiving import LinkbackRequest, SourceInvalid
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind

MAX_TITLE_LENGTH = 250  # characters, as WordPress crops them
MAX_EXCERPT_LENGTH = 252
MAX_BLOG_NAME_LENGTH = 80  # as long as a commenter's name
MAX_FIELDS = 50

ABSOLUTE = re.compile(r"https?://[^\s/\x00-\x20\x7f][^\s\x00-\x20\x7f]*", re.I)

MAX_ANSWER_SIZE = 10_000  # bytes
ERROR = re.compile(r"<error>\s*(\d{1,9})\s*</error>", re.I)
MESSAGE = re.compile(r"<message>(.*?)</message>", re.I | re.S)

CONTENT_TYPE = "text/xml; charset=utf-8"
SUCCESS = '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>0</error>\n</response>\n'
FAILURE = '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>1</error>\n<message>{}</message>\n</response>\n'
RDF = """<!--
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:dc="http://purl.org/dc/elements/1.1/"
         xmlns:trackback="http://madskills.com/public/xml/rss/module/trackback/">
<rdf:Description rdf:about="{url}" dc:identifier="{url}" dc:title="{title}" trackback:ping="{ping}" />
</rdf:RDF>
-->"""


class UrlMissing(SourceInvalid):
    """The one required field is missing."""

    sentence = N_("The field “url” is missing or is not a complete web address.")


def success() -> str:
    """Return the response to an accepted ping, byte for byte as specified."""
    return SUCCESS


def failure(message: str) -> str:
    """Return the response to a refused ping."""
    return FAILURE.format(escape(message))


def refusal_in(answer: bytes) -> str | None:
    """Return a receiver's error message, parsed leniently; None if it accepted the ping."""
    text = plain_text.decode(answer[:MAX_ANSWER_SIZE])
    error, message = ERROR.search(text), MESSAGE.search(text)
    if error is None:
        return "no answer that TrackBack knows"
    message_text = plain_text.from_html(message[1]) if message else ""
    return None if int(error[1]) == 0 else message_text or f"error {error[1]}"


def parse(body: bytes, content_type: str) -> LinkbackRequest:
    """Parse a ping. Unknown fields are ignored; title and blog name default to the address.

    Raises:
        UrlMissing: there is no usable ``url``.
    """
    fields = _fields(body, content_type)
    url = fields.get("url", "").strip()
    host = _host(url)
    return LinkbackRequest(
        protocol=Kind.TRACKBACK,
        source=url,
        title=_line(fields, "title", MAX_TITLE_LENGTH) or url[:MAX_TITLE_LENGTH],
        excerpt=_line(fields, "excerpt", MAX_EXCERPT_LENGTH),
        blog_name=_line(fields, "blog_name", MAX_BLOG_NAME_LENGTH) or host[:MAX_BLOG_NAME_LENGTH],
    )


def _host(url: str) -> str:
    if len(url) > links.MAX_ADDRESS_LENGTH or not ABSOLUTE.fullmatch(url) or links.origin_of(url) is None:
        raise UrlMissing
    return urlsplit(url).hostname or ""


def _line(fields: dict[str, str], name: str, length: int) -> str:
    return plain_text.crop(plain_text.from_html(fields.get(name, "")), length)


def rdf(url: str, title: str, ping: str) -> str:
    """Return the autodiscovery block for an article page, safe inside its HTML comment."""
    return RDF.format(
        url=_attribute(url), title=_attribute(re.sub(r"-{2,}", "-", title).strip("-")), ping=_attribute(ping)
    )


def _attribute(text: str) -> str:
    """Escape an attribute without two hyphens in a row, which would end the comment."""
    return escape(text, {'"': "&quot;"}).replace("--", "&#45;&#45;")


def _fields(body: bytes, content_type: str) -> dict[str, str]:
    try:
        fields = plain_text.form_fields(body, content_type, MAX_FIELDS)
    except ValueError:
        raise UrlMissing from None
    return dict(reversed(fields))  # the first of a name counts
