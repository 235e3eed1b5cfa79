"""Read a page's microformats2, as far as they are about our article.

The order is that of the IndieWeb's response type discovery: rsvp, repost, like, reply, else a mention.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from commentsvc import clock, links
from commentsvc.markup import plain_text
from commentsvc.models.comment import ResponseKind

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

MAX_NAME_LENGTH = 80
MAX_TEXT_LENGTH = 2000  # characters
OLDEST = datetime(1994, 1, 1, tzinfo=UTC)  # before that nobody kept a blog
# The cost limit of a page. The parser visits everything below a property once per property, so its work grows
# with the tags times the nesting of properties.
MAX_SIZE = 300_000  # characters
MAX_TAGS = 10_000
MAX_WORK = 30_000  # tags, each counted once per property around it
CHARACTERS_A_TAG = 500  # what a text costs beside a tag
PROPERTY = re.compile(r"(?:h|p|u|dt|e)-[a-z0-9-]+")
RSVPS = {
    "yes": ResponseKind.RSVP_YES,
    "no": ResponseKind.RSVP_NO,
    "maybe": ResponseKind.RSVP_MAYBE,
    "interested": ResponseKind.RSVP_INTERESTED,
}
RESPONSES = (("repost-of", ResponseKind.REPOST), ("like-of", ResponseKind.LIKE), ("in-reply-to", ResponseKind.REPLY))
Fits = Callable[[str], bool]
Properties = dict[str, list[Any]]


@dataclass(frozen=True)
class Entry:
    """The content of an h-entry; empty texts and None for what it leaves out."""

    response: ResponseKind
    name: str
    summary: str
    text: str
    author: str
    author_url: str | None
    url: str | None
    published_at: datetime | None


def about_us(html: str, url: str, is_our_article: Fits) -> Entry | None:
    """Return the page's entry about our article; None if there is none, or parsing would cost too much."""
    if len(html) > MAX_SIZE or html.count("<") > MAX_TAGS:
        return None
    from bs4 import BeautifulSoup  # large, and only jobs use it

    page = BeautifulSoup(html, "lxml")
    if _work(page) > MAX_WORK:
        return None
    entries = list(_entries(page, url))
    for properties in entries:
        if response := _response(properties, is_our_article):
            return _entry(properties, response, url)
    for properties in entries:
        if any(is_our_article(href) for href in _hrefs(properties)) or len(entries) == 1:
            return _entry(properties, ResponseKind.MENTION, url)
    return None


def _work(page: "BeautifulSoup") -> float:
    """Return the cost of parsing; removes all classes but those of microformats2, since older ones multiply."""
    from bs4.element import AttributeValueList, Tag

    around = {id(page): 0}
    work = 0.0
    for node in page.descendants:
        above = around.get(id(node.parent), 0)
        if not isinstance(node, Tag):
            work += above * len(str(node)) / CHARACTERS_A_TAG
            continue
        named = [name for name in node.get_attribute_list("class") if name and PROPERTY.fullmatch(name)]
        if "class" in node.attrs:
            node["class"] = AttributeValueList(named)
        around[id(node)] = above + len(named)
        work += 1 + above
    return work


def _entries(page: "BeautifulSoup", url: str) -> Iterator[Properties]:
    """Yield the properties of every h-entry, outer ones first."""
    import mf2py  # as above

    try:
        waiting = list(mf2py.parse(doc=page, url=url)["items"])
    except (RecursionError, ValueError):
        return
    while waiting:
        item = waiting.pop(0)
        properties = item.get("properties", {})
        if {"h-entry", "h-event", "h-review"} & set(item.get("type", ())):
            yield properties
        waiting += item.get("children", [])
        waiting += [value for values in properties.values() for value in values if _is_item(value)]


def _response(properties: Properties, is_our_article: Fits) -> ResponseKind | None:
    answered = any(is_our_article(url) for url in _urls(properties, "in-reply-to"))
    rsvp = plain_text.fold(_text(properties, "rsvp")).lower()
    if answered and rsvp in RSVPS:
        return RSVPS[rsvp]
    for name, response in RESPONSES:
        if any(is_our_article(url) for url in _urls(properties, name)):
            return response
    return None


def _entry(properties: Properties, response: ResponseKind, page: str) -> Entry:
    author, author_url = _author(properties)
    own = (links.plain(url) for url in _urls(properties, "url"))
    same_host = [url for url in own if url and links.host_of(url) == links.host_of(page)]
    return Entry(
        response=response,
        name=plain_text.fold(_text(properties, "name")),
        summary=plain_text.fold(_text(properties, "summary")),
        text=plain_text.crop(_content(properties), MAX_TEXT_LENGTH),
        author=plain_text.crop(author, MAX_NAME_LENGTH),
        author_url=author_url,
        url=same_host[0] if same_host else None,
        published_at=_published(properties),
    )


def _author(properties: Properties) -> tuple[str, str | None]:
    """Return name and address in the entry itself; nothing is fetched for more."""
    for author in properties.get("author", []):
        if _is_item(author):
            card = author["properties"]
            urls = (links.plain(url) for url in _urls(card, "url"))
            return plain_text.fold(_text(card, "name")), next((url for url in urls if url), None)
        if isinstance(author, str):
            url = links.plain(author)
            return ("", url) if url else (plain_text.fold(author), None)
    return "", None


def _published(properties: Properties) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(properties, "published").strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if OLDEST < moment <= clock.now() else None


def _content(properties: Properties) -> str:
    for content in properties.get("content", []):
        if isinstance(content, dict) and isinstance(content.get("html"), str):
            return plain_text.paragraphs(content["html"])
        if isinstance(content, str):
            return plain_text.fold(content)
    return ""


def _hrefs(properties: Properties) -> Iterator[str]:
    """Yield the addresses in the entry's text."""
    from bs4 import BeautifulSoup

    for content in properties.get("content", []):
        if isinstance(content, dict):
            for anchor in BeautifulSoup(str(content.get("html", "")), "lxml").find_all("a", href=True):
                yield str(anchor["href"])


def _urls(properties: Properties, name: str) -> Iterator[str]:
    """Yield the addresses of a property, plain or in a citation."""
    for value in properties.get(name, []):
        if isinstance(value, str):
            yield value
        elif _is_item(value):
            yield from (url for url in value["properties"].get("url", []) if isinstance(url, str))
            if isinstance(value.get("value"), str):
                yield value["value"]


def _text(properties: Properties, name: str) -> str:
    for value in properties.get(name, []):
        if isinstance(value, dict):
            value = value.get("value")
        if isinstance(value, str):
            return value
    return ""


def _is_item(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("properties"), dict)
