"""Does this page really link to our article? And what is it called?"""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from commentsvc import links
from commentsvc.markup import plain_text
from commentsvc.safe_http import Page

LONGEST_TITLE = 250
LONGEST_EXCERPT = 250
AROUND = 120  # characters kept on each side of the link
MOST_LINKS = 5000  # links of a page that are compared
MOST_OF = 0.6  # of an excerpt's words must stand on the page
WORD = re.compile(r"[^\W\d_]{3,}")
META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)


class NoLink(Exception):
    """The page was read and does not link to the article; the text says what was seen instead."""


@dataclass(frozen=True)
class Finding:
    """A page that links to us: its title, the text around the link, how much it links to, and its words."""

    title: str
    excerpt: str
    links: int = 0
    words: frozenset[str] = frozenset()

    def says(self, excerpt: str) -> bool:
        """Whether most words of an excerpt stand on the page, whatever was cut or folded on the way."""
        claimed = _words(excerpt)
        return len(claimed & self.words) >= MOST_OF * len(claimed)


def read(page: Page, target: str) -> Finding:
    """What ``page`` says where it links to ``target``; raises ``NoLink``."""
    if page.status >= 400:
        raise NoLink(f"the page answers with status {page.status}")
    if page.content_type not in ("text/html", "application/xhtml+xml", ""):
        raise NoLink(f"the page is {page.content_type[:60]}, not HTML")
    reader = _LinkReader(page.url, target)
    plain_text.parse(_decoded(page), reader)
    if reader.found_at is None:
        raise NoLink("the page does not link to the article")
    title = plain_text.crop(plain_text.fold("".join(reader.title)), LONGEST_TITLE)
    return Finding(
        title, _around(reader.text, reader.found_at), reader.links, _words(f"{title}\n{''.join(reader.text)}")
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text.casefold()))


def _around(text: list[str], place: int) -> str:
    """The words before and after the link in its paragraph, cut at words."""
    before = plain_text.fold("".join(text[:place]).rpartition(plain_text.BREAK)[2])[-AROUND:]
    after = plain_text.fold("".join(text[place:]).partition(plain_text.BREAK)[0])[: AROUND + LONGEST_EXCERPT]
    words = before.partition(" ")[2] if len(before) == AROUND else before
    return plain_text.crop(plain_text.fold(f"{words} {after}"), LONGEST_EXCERPT)


def _decoded(page: Page) -> str:
    """By the declared charset, header before meta."""
    header = plain_text.declared_charset(page.headers.get("content-type", ""))
    meta = META_CHARSET.search(page.body[:4096])
    return plain_text.decode(page.body, header, meta[1].decode() if meta else "")


class _LinkReader(plain_text.TextReader):
    """Remembers the title besides, and where in the text the first real ``<a href>`` to the target stands."""

    def __init__(self, base: str, target: str) -> None:
        super().__init__()
        self.title: list[str] = []
        self.found_at: int | None = None
        self.links = 0
        self._base, self._target = base, target

    def link(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "a":
            return
        self.links += 1
        if self.found_at is not None or self.links > MOST_LINKS:
            return
        if self._is_to_us(attributes.get("href", "")):
            self.found_at = len(self.text)

    def data(self, text: str) -> None:
        if self.silent == ["title"]:
            self.title.append(text)
        super().data(text)

    def _is_to_us(self, href: str) -> bool:
        try:
            return links.same_page(urljoin(self._base, href[: links.LONGEST_ADDRESS].strip()), self._target)
        except ValueError:
            return False
