"""Does this page really link to our article? And what is it called?"""

import codecs
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

from commentsvc import links
from commentsvc.markup import plain_text
from commentsvc.safe_http import Page

LONGEST_TITLE = 250
LONGEST_EXCERPT = 250
AROUND = 120  # characters kept on each side of the link
INERT = frozenset(
    {"script", "style", "template", "textarea", "noscript", "iframe", "noembed", "noframes", "xmp", "title"}
)
META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)


class NoLink(Exception):
    """The page was read and does not link to the article; the text says what was seen instead."""


@dataclass(frozen=True)
class Finding:
    """A page that links to us: its title, and the text around the link."""

    title: str
    excerpt: str


def read(page: Page, target: str) -> Finding:
    """What ``page`` says where it links to ``target``; raises ``NoLink``."""
    if page.status >= 400:
        raise NoLink(f"the page answers with status {page.status}")
    if page.content_type not in ("text/html", "application/xhtml+xml", ""):
        raise NoLink(f"the page is {page.content_type}, not HTML")
    reader = _LinkReader(page.url, target)
    reader.feed(_decoded(page))
    reader.close()
    if reader.found_at is None:
        raise NoLink("the page does not link to the article")
    return Finding(_title(reader), _around(reader.text, reader.found_at))


def _title(reader: "_LinkReader") -> str:
    return plain_text.crop(plain_text.fold("".join(reader.title)), LONGEST_TITLE)


def _around(text: list[str], place: int) -> str:
    """The words before and after the link in its paragraph, cut at words."""
    before = plain_text.fold("".join(text[:place]).rpartition(plain_text.BREAK)[2])[-AROUND:]
    after = plain_text.fold("".join(text[place:]).partition(plain_text.BREAK)[0])[: AROUND + LONGEST_EXCERPT]
    words = before.partition(" ")[2] if len(before) == AROUND else before
    return plain_text.crop(plain_text.fold(f"{words} {after}"), LONGEST_EXCERPT)


def _decoded(page: Page) -> str:
    """By the declared charset (header, then meta), with replacement; UTF-8 where none is declared or known."""
    header = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", page.headers.get("content-type", ""), re.I)
    meta = META_CHARSET.search(page.body[:4096])
    for name in (header[1] if header else "", meta[1].decode() if meta else ""):
        try:
            codec = codecs.lookup(name).name if name else ""
            if codec and codec != "utf-7":
                return page.body.decode(codec, "replace")
        except (LookupError, UnicodeError, AssertionError):
            continue
    return page.body.decode("utf-8", "replace")


class _LinkReader(HTMLParser):
    """Remembers title and text, and where in the text the first real ``<a href>`` to the target stands."""

    def __init__(self, base: str, target: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.text: list[str] = []
        self.found_at: int | None = None
        self._base, self._target = base, target
        self._inert: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in INERT:
            self._inert.append(tag)
        elif not self._inert and tag == "a" and self.found_at is None and self._is_to_us(dict(attrs).get("href")):
            self.found_at = len(self.text)
        self.text.append(plain_text.gap(tag))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in INERT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inert:
            del self._inert[self._inert.index(tag) :]
        self.text.append(plain_text.gap(tag))

    def handle_data(self, data: str) -> None:
        if self._inert:
            if self._inert[-1] == "title":
                self.title.append(data)
            return
        self.text.append(data)

    def _is_to_us(self, href: str | None) -> bool:
        if not href:
            return False
        try:
            return links.same_page(urljoin(self._base, href.strip()), self._target)
        except ValueError:
            return False
