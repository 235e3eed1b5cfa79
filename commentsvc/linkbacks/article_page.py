"""Read an article of one of our sites: title, excerpt, and links to other sites."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from commentsvc import links
from commentsvc.hosts import join_url
from commentsvc.linkbacks.fetched_pages import decoded
from commentsvc.markup import plain_text
from commentsvc.safe_http import FetchedPage

if TYPE_CHECKING:
    from lxml import etree

MAX_LINKS = 100
MAX_TITLE_LENGTH = 250
MAX_EXCERPT_LENGTH = 252
# The article's part of the page, by the first of these that exists: menus link to nobody's articles.
PARTS = (
    "//*[contains(concat(' ', normalize-space(@class), ' '), ' h-entry ')]",
    "//article",
    "//main",
    "//body",
    "/*",  # who leaves the body out
)
NOT_THE_AUTHORS = frozenset({"ugc", "nofollow", "sponsored", "tag", "author", "me"})


@dataclass(frozen=True)
class ParsedArticle:
    """``links`` are absolute, without fragments, unique, in page order; empty if the article is gone."""

    url: str
    title: str
    excerpt: str
    links: list[str]
    is_gone: bool = False


def read(page: FetchedPage, own_origins: Iterable[str]) -> ParsedArticle:
    """Extract title, excerpt and external links of an article."""
    root = _tree(decoded(page))
    title = _first(root, "//meta[@property='og:title']/@content", "//title//text()", "//h1//text()")
    _silence(root, "//title")
    part = next(found[0] for path in PARTS if (found := root.xpath(path)))
    text = next(iter(part.xpath(".//*[contains(concat(' ', @class, ' '), ' e-content ')]")), part)
    description = _first(root, "//meta[@name='description']/@content") or plain_text.fold(" ".join(text.itertext()))
    return ParsedArticle(
        page.url,
        plain_text.crop(plain_text.fold(title), MAX_TITLE_LENGTH),
        plain_text.crop(plain_text.fold(description), MAX_EXCERPT_LENGTH),
        _links(part, plain_text.base_of(root, page.url), set(own_origins)),
    )


def _tree(html: str) -> "etree._Element":
    root = plain_text.tree(html)
    if root is None:
        root = plain_text.tree("")
    _silence(root, "//script|//style|//template|//noscript|//textarea|//comment-thread")
    return root


def _silence(root: "etree._Element", path: str) -> None:
    for element in root.xpath(path):
        element.clear(keep_tail=True)


def _first(root: "etree._Element", *paths: str) -> str:
    found = ("".join(map(str, root.xpath(path))) for path in paths)
    return next((text for text in found if text.strip()), "")


def _links(part: "etree._Element", base: str, own_origins: set[str]) -> list[str]:
    found: dict[str, None] = {}
    for anchor in part.iter("a"):
        if NOT_THE_AUTHORS & set(anchor.get("rel", "").lower().split()):
            continue
        url = urldefrag(join_url(base, anchor.get("href", ""))).url
        origin = links.origin_of(url)
        if origin and origin not in own_origins and links.plain(url):
            found[url] = None
    return list(found)[:MAX_LINKS]
