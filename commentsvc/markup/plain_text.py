"""HTML of strangers to plain text: entities decoded once, tags gone, white space folded; bytes in any charset."""

import codecs
import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

SILENT = frozenset(
    {"script", "style", "template", "noscript", "textarea", "title", "iframe", "xmp", "noembed", "noframes"}
)
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}
)
BREAK = "\x1e"  # between two blocks of a page; folded into a space like any control character
WHITE_SPACE = re.compile(r"\s+")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
DECLARED = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)
PIECE = 4096  # characters that the parser gets at once
DEEPEST = 1000  # elements in each other
LONGEST_FIELD = 8000  # characters of a field that are looked at
# Charsets that texts are written in; Python knows codecs that are none, and one that runs escapes.
CHARSET = re.compile(
    r"(us-?)?ascii|utf-?(8|16|16le|16be)|(iso-?)?(8859|latin)-?\d{1,2}|windows-?\d{3,4}|cp-?\d{3,4}"
    r"|koi8-?[rtu]|shift-?jis|s-?jis|euc-?(jp|kr)|iso-?2022-?jp|gb-?(2312|k|18030)|big-?5|mac-?roman|tis-?620",
    re.I,
)


def from_html(html: str) -> str:
    """The text a reader would see, on one line."""
    reader = TextReader()
    parse(html[:LONGEST_FIELD], reader)
    return fold("".join(reader.text))


def paragraphs(html: str) -> str:
    """The text a reader would see, its blocks separated by an empty line."""
    reader = TextReader()
    parse(html, reader)
    blocks = (fold(block) for block in "".join(reader.text).split(BREAK))
    return "\n\n".join(block for block in blocks if block)


def parse(html: str, target: "TextReader") -> None:
    """Let ``target`` see the tags and texts of ``html``, as a browser's parser would find them.

    It ends where elements stand in each other too deeply: from there on each end tag costs as much as there are open.
    """
    from lxml import etree  # 4 MiB, for who reads other people's HTML

    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)
    with suppress(TooDeep):  # is heard of between two pieces only
        for start in range(0, len(html) or 1, PIECE):
            parser.feed(html[start : start + PIECE].encode("utf-8", "replace") or b" ")
        parser.close()


def tree(html: str) -> "etree._Element | None":
    """The elements of one of our own blogs' pages, without comments; None where comments are all there is."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=True)
    return etree.fromstring(html.encode("utf-8", "replace") or b"<p></p>", parser)


def declared_charset(content_type: str) -> str:
    """The charset that a Content-Type names, or an empty text."""
    found = DECLARED.search(content_type)
    return found[1] if found else ""


def decode(raw: bytes, *charsets: str) -> str:
    """Bytes by the first of ``charsets`` that is one and fits, else UTF-8, else Windows-1252; never fails."""
    for name in (*charsets, "utf-8", "windows-1252"):
        try:
            if CHARSET.fullmatch(name.replace("_", "-")):
                return raw.decode(codecs.lookup(name).name)
        except (LookupError, UnicodeError):
            continue
    return raw.decode("latin-1")


def fold(text: str) -> str:
    """``text`` on one line, without control characters, runs of white space made one space."""
    return WHITE_SPACE.sub(" ", CONTROLS.sub(" ", text)).strip()


def crop(text: str, length: int) -> str:
    """``text``, cut at a word with an ellipsis where it is longer than ``length`` characters."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return at_word.rstrip(" .,;:") + "…"


class TooDeep(Exception):
    """No page that somebody wrote has so many elements in each other."""


class TextReader:
    """Collects what is to be read; inside of ``SILENT`` elements that is nothing."""

    def __init__(self) -> None:
        self.depth = 0
        self.text: list[str] = []
        self.silent: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag opens."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooDeep
        if not self.silent:
            self.link(tag, attributes)
        if tag in SILENT:
            self.silent.append(tag)
        self._gap(tag)

    def link(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag that is to be seen opens."""

    def end(self, tag: str) -> None:
        """A tag closes."""
        self.depth -= 1
        if self.silent and self.silent[-1] == tag:
            self.silent.pop()
        self._gap(tag)

    def data(self, text: str) -> None:
        """Text between tags."""
        if not self.silent:
            self.text.append(text)

    def close(self) -> None:
        """The end of the page."""

    def _gap(self, tag: str) -> None:
        if tag not in INLINE and not self.silent:
            self.text.append(BREAK)
