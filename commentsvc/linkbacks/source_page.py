"""Check whether a page links to our article, and extract what it says."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from commentsvc import links
from commentsvc.errors import N_, Explained, PermanentFailure
from commentsvc.hosts import join_url
from commentsvc.linkbacks import microformats
from commentsvc.linkbacks.fetched_pages import GONE_FOR_EVER, HTML, STATUS, decoded
from commentsvc.linkbacks.microformats import Entry
from commentsvc.markup import plain_text
from commentsvc.models.comment import ResponseKind
from commentsvc.safe_http import FetchedPage, FetchFailed

MAX_TITLE_LENGTH = 250
MAX_EXCERPT_LENGTH = 250
AROUND = 120  # characters kept on each side of the link
MAX_LINKS = 5000  # links of a page that are compared
MIN_SHARE = 0.6  # of an excerpt's words must be on the page
WORD = re.compile(r"[^\W\d_]{3,}")
ADDRESS = re.compile(r"https?://[^\s<>\"'\\]+", re.I)
END_OF_SENTENCE = ".,;:!?)]}*_"
# Where an element may name our article so that a reader can reach or see it.
ATTRIBUTES = {
    **dict.fromkeys(("a", "area"), ("href",)),
    **dict.fromkeys(("img", "audio", "source", "iframe", "embed", "track"), ("src",)),
    **dict.fromkeys(("blockquote", "q", "ins", "del"), ("cite",)),
    "video": ("src", "poster"),
    "object": ("data",),
}
ONLY_ANCHORS = {"a": ("href",)}


class NoLink(Explained, PermanentFailure):
    """The page does not link to the article, cannot be read for links, or says that it is gone; the text says which.

    ``is_certain`` unless the page only seems to be away.
    """

    is_certain = True


class SourceMissing(NoLink):
    """There is no such page at the moment, or not for us."""

    is_certain = False


@dataclass(frozen=True)
class Target:
    """The address of our article as the sender gave it.

    If ``is_exact``, only that very address counts; if ``reads_all``, every way in which a webmention's source may name
    it, and its microformats.
    """

    url: str
    is_exact: bool = False
    reads_all: bool = False

    def fits(self, address: str) -> bool:
        """Return whether this is the article's address."""
        compare = links.same_address if self.is_exact else links.same_page
        return compare(address[: links.MAX_ADDRESS_LENGTH + 1], self.url)


@dataclass(frozen=True)
class SourceContent:
    """A page that links to us: its text about our article, its number of links, its words."""

    title: str
    excerpt: str
    links: int = 0
    words: frozenset[str] = frozenset()
    response: ResponseKind = ResponseKind.MENTION
    author: str = ""
    author_url: str | None = None
    url: str | None = None  # the entry's own address, as its microformats name it
    published_at: datetime | None = None
    fetched_url: str = ""  # the final address, after redirects

    def contains(self, excerpt: str) -> bool:
        """Return whether most words of an excerpt are on the page, however it was cut or folded."""
        claimed = _words(excerpt)
        return len(claimed & self.words) >= MIN_SHARE * len(claimed)


def read(page: FetchedPage, target: Target) -> SourceContent:
    """Extract what ``page`` says where it links to ``target``.

    Raises:
        NoLink: it does not; ``SourceMissing`` if there is no such page.
        FetchFailed: it is not available at the moment.
    """
    _check_status(page)
    return replace(_read(page, target), fetched_url=page.url)


def _read(page: FetchedPage, target: Target) -> SourceContent:
    if page.content_type in HTML:
        return _read_html(page, target)
    if target.reads_all and page.content_type == "text/plain":
        return _read_text(page, target)
    if target.reads_all and re.fullmatch(r"application/([\w.-]+\+)?json", page.content_type):
        return _read_json(page, target)
    raise NoLink(N_("the page is %(kind)s, not HTML"), kind=page.content_type[:60])


def _check_status(page: FetchedPage) -> None:
    if page.status == GONE_FOR_EVER:
        raise NoLink(STATUS, status=page.status)
    if page.is_temporary_error:
        raise FetchFailed(STATUS, status=page.status)
    if not page.is_success:
        raise SourceMissing(STATUS, status=page.status)


def _read_html(page: FetchedPage, target: Target) -> SourceContent:
    html = decoded(page)
    reader = _LinkReader(plain_text.base_in(html, page.url), target)
    plain_text.parse(html, reader)
    if reader.says_gone:
        raise NoLink(N_("the page says that it is gone"))
    if reader.found_at is None:
        raise NoLink(N_("the page does not link to the article"))
    title = plain_text.crop(plain_text.fold("".join(reader.title)), MAX_TITLE_LENGTH)
    words = _words(f"{title}\n{''.join(reader.text)}")
    excerpt = _around(reader.text, reader.found_at)
    entry = microformats.about_us(html, page.url, target.fits) if target.reads_all else None
    if entry is None:
        return SourceContent(title, excerpt, reader.links, words)
    return SourceContent(
        title=plain_text.crop(entry.name, MAX_TITLE_LENGTH) or title,
        excerpt=_excerpt(entry, excerpt),
        links=reader.links,
        words=words,
        response=entry.response,
        author=entry.author,
        author_url=entry.author_url,
        url=entry.url,
        published_at=entry.published_at,
    )


def _excerpt(entry: Entry, around: str) -> str:
    """Return the text to show: all of a reply, nothing of a like or repost, a summary of others."""
    if entry.response == ResponseKind.REPLY:
        return entry.text or entry.summary or around
    if entry.response == ResponseKind.MENTION:
        return plain_text.crop(entry.summary, MAX_EXCERPT_LENGTH) or around
    if entry.response in (ResponseKind.LIKE, ResponseKind.REPOST):
        return ""
    return plain_text.crop(entry.summary or plain_text.fold(entry.text), MAX_EXCERPT_LENGTH)


def _read_text(page: FetchedPage, target: Target) -> SourceContent:
    text = decoded(page)
    for found in ADDRESS.finditer(text):
        if target.fits(found[0]) or target.fits(found[0].rstrip(END_OF_SENTENCE)):
            around = _around([text[: found.start()], text[found.end() :]], 1)
            return SourceContent("", around, len(ADDRESS.findall(text)), _words(text))
    raise NoLink(N_("the text does not name the article"))


def _read_json(page: FetchedPage, target: Target) -> SourceContent:
    try:
        strings = list(_strings(json.loads(page.body)))
    except (ValueError, RecursionError):
        raise NoLink(N_("the JSON cannot be read")) from None
    if not any(target.fits(one) for one in strings if one.startswith("http")):
        raise NoLink(N_("the JSON does not name the article"))
    return SourceContent("", "", sum(one.startswith("http") for one in strings), _words("\n".join(strings)))


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text.casefold()))


def _around(text: list[str], place: int) -> str:
    """Return the words around the link in its paragraph."""
    before = plain_text.fold("".join(text[:place]).rpartition(plain_text.BREAK)[2])[-AROUND:]
    after = plain_text.fold("".join(text[place:]).partition(plain_text.BREAK)[0])[: AROUND + MAX_EXCERPT_LENGTH]
    words = before.partition(" ")[2] if len(before) == AROUND else before
    return plain_text.crop(plain_text.fold(f"{words} {after}"), MAX_EXCERPT_LENGTH)


class _LinkReader(plain_text.TextReader):
    """Collects the title, the text, and where in it the first link to the target is."""

    def __init__(self, base: str, target: Target) -> None:
        super().__init__()
        self.title: list[str] = []
        self.found_at: int | None = None
        self.links = 0
        self.says_gone = False
        self._base, self._fits = base, target.fits
        self._attributes = ATTRIBUTES if target.reads_all else ONLY_ANCHORS

    def link(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "status":
            self.says_gone = attributes.get("content", "").strip().startswith("410")
        self.links += tag == "a"
        if self.found_at is not None or self.links > MAX_LINKS:
            return
        if any(self._is_to_us(attributes.get(name, "")) for name in self._attributes.get(tag, ())):
            self.found_at = len(self.text)

    def data(self, text: str) -> None:
        if self.silent == ["title"]:
            self.title.append(text)
        super().data(text)

    def _is_to_us(self, href: str) -> bool:
        return bool(href) and self._fits(join_url(self._base, href))
