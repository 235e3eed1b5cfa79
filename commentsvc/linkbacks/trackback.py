"""TrackBack 1.2 (2004-08-01): the form another blog sends, and the XML it gets back."""

import codecs
import re
from email.message import Message
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from commentsvc.errors import N_, PingRefused
from commentsvc.linkbacks.receiving import Offer
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind

LONGEST_TITLE = 250  # characters, as WordPress crops them
LONGEST_EXCERPT = 252
LONGEST_BLOG_NAME = 100
MOST_FIELDS = 50

SUCCESS = '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>0</error>\n</response>\n'
FAILURE = '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>1</error>\n<message>{}</message>\n</response>\n'
RDF = """<!--
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:dc="http://purl.org/dc/elements/1.1/"
         xmlns:trackback="http://madskills.com/public/xml/rss/module/trackback/">
<rdf:Description rdf:about="{url}" dc:identifier="{url}" dc:title="{title}" trackback:ping="{ping}" />
</rdf:RDF>
-->"""


class UrlMissing(PingRefused):
    """The one required field."""

    sentence = N_("The field url is missing or is not an absolute http address.")


def success() -> str:
    """The answer to a ping that was taken, byte for byte as the specification has it."""
    return SUCCESS


def failure(message: str) -> str:
    """The answer to a ping that was not taken."""
    return FAILURE.format(escape(message))


def parse(body: bytes, content_type: str) -> Offer:
    """What a ping offers; unknown fields are ignored, a missing title or blog name is made from the address.

    Raises:
        UrlMissing: there is no usable ``url``.
    """
    fields = _fields(body, content_type)
    url = fields.get("url", "").strip()
    parts = urlsplit(url) if re.fullmatch(r"https?://[^\s/]+\S*", url, re.I) and len(url) <= 2000 else None
    if parts is None or not parts.hostname:
        raise UrlMissing
    return Offer(
        protocol=Kind.TRACKBACK,
        source=url,
        title=plain_text.crop(plain_text.from_html(fields.get("title", "")), LONGEST_TITLE) or url[:LONGEST_TITLE],
        excerpt=plain_text.crop(plain_text.from_html(fields.get("excerpt", "")), LONGEST_EXCERPT),
        blog_name=plain_text.crop(plain_text.from_html(fields.get("blog_name", "")), LONGEST_BLOG_NAME)
        or parts.hostname,
    )


def rdf(url: str, title: str, ping: str) -> str:
    """The block for the article page that lets senders find the trackback address; safe inside its HTML comment."""
    return RDF.format(
        url=_attribute(url), title=_attribute(re.sub(r"-{2,}", "-", title).strip("-")), ping=_attribute(ping)
    )


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"}).replace("--", "%2D%2D")


def _fields(body: bytes, content_type: str) -> dict[str, str]:
    try:
        raw = parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise UrlMissing from None
    values = {name: entries[0].encode("latin-1") for name, entries in raw.items()}
    declared = (_charset(content_type), values.get("charset", b"").decode("ascii", "replace"))
    return {name: _text(value, declared) for name, value in values.items()}


def _charset(content_type: str) -> str:
    header = Message()
    header["Content-Type"] = content_type.replace("\r", "").replace("\n", "")
    return str(header.get_content_charset() or "")


def _text(value: bytes, declared: tuple[str, ...]) -> str:
    """In the declared charset, else UTF-8, else Windows-1252; UTF-7 and unknown names are passed over."""
    for name in (*declared, "utf-8", "cp1252"):
        try:
            codec = codecs.lookup(name).name if name else ""
            if codec and codec not in ("utf-7", "idna", "punycode", "rot13", "unicode_escape", "raw_unicode_escape"):
                return value.decode(codec)
        except (LookupError, UnicodeError, AssertionError):
            continue
    return value.decode("latin-1")
