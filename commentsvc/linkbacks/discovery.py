"""Find a page's linkback endpoint by the rules of Webmention and Pingback, or TrackBack's RDF block."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import islice

from commentsvc import links
from commentsvc.hosts import join_url
from commentsvc.linkbacks.fetched_pages import HTML, decoded
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind
from commentsvc.safe_http import FetchedPage

# One value of a Link header: the address, then parameters up to the next comma outside of quotes.
LINK = re.compile(r"<([^>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\")*)")
PARAMETER = re.compile(r";\s*([\w*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]+))")
DESCRIPTION = re.compile(r"<rdf:Description(?=\s)", re.I)
ATTRIBUTE = re.compile(r"(?<![\w:-])([\w:-]++)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)')")
# Anything longer is not a real header, description or page; it is there to keep us busy.
MAX_HEADER_LENGTH = 8_000  # characters
MAX_DESCRIPTION_LENGTH = 4_000
MAX_DESCRIPTIONS = 50


@dataclass(frozen=True)
class Endpoint:
    """Where to send, and by which protocol."""

    protocol: Kind
    url: str


def endpoint_of(page: FetchedPage, target: str) -> Endpoint | None:
    """Return the endpoint of the page at ``target``: webmention before pingback before trackback."""
    return next(endpoints(page, target), None)


def endpoints(page: FetchedPage, target: str) -> Iterator[Endpoint]:
    """Yield all endpoints that a page names, in the order to try them."""
    html = decoded(page) if page.content_type in HTML else ""
    reader, base = _RelReader(), plain_text.base_in(html, page.url)
    plain_text.parse(html, reader)
    yield from _absolute(page.url, Kind.WEBMENTION, list(_in_headers(page, "webmention")))
    yield from _absolute(base, Kind.WEBMENTION, reader.found["webmention"])
    header = page.headers.get("x-pingback", "").strip()
    pingbacks = [one for one in reader.found["pingback"] if one]
    yield from _absolute(page.url if header else base, Kind.PINGBACK, [header] if header else pingbacks)
    trackbacks = [*reader.found["trackback"], *_in_rdf(html, {target, page.url})]
    yield from _absolute(base, Kind.TRACKBACK, trackbacks)


def _absolute(base: str, protocol: Kind, hrefs: list[str]) -> Iterator[Endpoint]:
    """Resolve addresses against ``base``: the page's address, unless it names another one."""
    for href in hrefs:
        if url := links.plain(join_url(base, href)):
            yield Endpoint(protocol, url)


def _in_headers(page: FetchedPage, rel: str) -> Iterator[str]:
    for href, parameters in LINK.findall(page.headers.get("link", "")[:MAX_HEADER_LENGTH]):
        values = [quoted or token for name, quoted, token in PARAMETER.findall(parameters) if name.lower() == "rel"]
        if values and rel in values[0].lower().split():
            yield href


def _in_rdf(html: str, addresses: set[str]) -> Iterator[str]:
    """Return the trackback address of the description whose identifier is the article's, in a comment or not."""
    for start in islice(DESCRIPTION.finditer(html), MAX_DESCRIPTIONS):
        description = html[start.end() : start.end() + MAX_DESCRIPTION_LENGTH].partition(">")[0]
        found = {name.lower(): unescape(one or other) for name, one, other in ATTRIBUTE.findall(description)}
        identifier, ping = found.get("dc:identifier", ""), found.get("trackback:ping", "")
        if ping and any(links.same_page(identifier, address) for address in addresses):
            yield ping


class _RelReader(plain_text.TextReader):
    """Addresses by rel, in page order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {"webmention": [], "pingback": [], "trackback": []}

    def link(self, tag: str, attributes: dict[str, str]) -> None:
        if tag not in ("link", "a") or "href" not in attributes:
            return
        for rel in set(attributes.get("rel", "").lower().split()) & set(self.found):
            self.found[rel].append(attributes["href"])
