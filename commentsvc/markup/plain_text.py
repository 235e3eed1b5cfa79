"""HTML of strangers to plain text: entities decoded once, tags gone, white space folded; bytes in any charset."""

import codecs
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from commentsvc.characters import CONTROLS

if TYPE_CHECKING:
    from lxml import etree

SILENT = frozenset(
    {"script", "style", "template", "noscript", "textarea", "title", "iframe", "xmp", "noembed", "noframes"}
)
FOREIGN = frozenset(("svg", "math"))  # not HTML inside
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}
)
BREAK = "\x1e"  # between two blocks of a page; folded into a space like any control character
WHITE_SPACE = re.compile(r"\s+")
DECLARED = re.compile(r"(?:^|[;\s])charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
PIECE = 4096  # characters that the parser gets at once
XML_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.I | re.A)
NO_CHARSET = "replacement"  # the standard's name for charsets that nobody reads any more
LIKE_BROWSERS = "like-browsers"  # what is done with bytes that do not fit
EURO_BYTE = 0x80
MAX_DEPTH = 1000  # elements in each other
MAX_FIELD_LENGTH = 8000  # characters of a field that are looked at


def from_html(html: str) -> str:
    """The text a reader would see, on one line."""
    reader = TextReader()
    parse(html[:MAX_FIELD_LENGTH], reader)
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


def based_on(url: str, base: str) -> str:
    """What the addresses of a page at ``url`` count from, if it has a ``<base>`` with that address."""
    try:
        joined = urljoin(url, base.strip())
    except ValueError:
        return url
    return joined if joined.lower().startswith(("http://", "https://")) else url


def base_in(html: str, url: str) -> str:
    """The same for a page that is read in pieces: its first ``<base>`` counts for what stands before it, too."""
    if "<base" not in html.lower():
        return url
    reader = _BaseReader()
    parse(html, reader)
    return based_on(url, reader.found[0]) if reader.found else url


def base_of(root: "etree._Element", url: str) -> str:
    """The same for a page that is read already."""
    return based_on(url, "".join(root.xpath("(//base[@href][not(ancestor::svg or ancestor::math)])[1]/@href")))


def xml_charset(beginning: str) -> str:
    """The charset that an XML declaration names, or an empty text."""
    found = XML_DECLARATION.match(beginning)
    return found[1] if found else ""


def declared_charset(content_type: str) -> str:
    """The charset that a Content-Type names, or an empty text."""
    found = DECLARED.search(content_type)
    return found[1] if found else ""


def decode(raw: bytes, *labels: str) -> str:
    """Bytes as browsers read them; never fails.

    A byte order mark decides, else the first of ``labels`` that the Encoding Standard knows, with U+FFFD for what does
    not fit. Only where none is known is there a guess: UTF-8, or what older programs on Windows wrote.
    """
    import webencodings

    known = (webencodings.lookup(label) for label in labels if label)
    declared = next((one for one in known if one and one.name != NO_CHARSET), None)
    if declared and declared.name == "x-user-defined":  # where a page is read (Encoding Standard, 14.5)
        declared = webencodings.lookup("windows-1252")
    if declared is None:
        declared = webencodings.lookup("utf-8" if _is_utf8(raw) else "windows-1252")
    if declared.name == "gbk":  # whose decoder is the larger one's (Encoding Standard, 10.1)
        declared = webencodings.lookup("gb18030")
    return str(webencodings.decode(raw, declared, LIKE_BROWSERS)[0])


def _instead(problem: UnicodeError) -> tuple[str, int]:
    """U+FFFD, or € for the byte 0x80 of Chinese text (Encoding Standard, 10.2.1)."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    is_euro = problem.encoding == "gb18030" and problem.object[problem.start] == EURO_BYTE
    return ("€", problem.start + 1) if is_euro else ("\ufffd", problem.end)


codecs.register_error(LIKE_BROWSERS, _instead)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


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
        if self.depth > MAX_DEPTH:
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


class _BaseReader(TextReader):
    """Finds the ``<base>`` elements of HTML; one inside of SVG or MathML is another element (HTML Standard, 4.2.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._foreign: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in FOREIGN:
            self._foreign.append(tag)
        super().start(tag, attributes)

    def end(self, tag: str) -> None:
        if self._foreign and self._foreign[-1] == tag:
            self._foreign.pop()
        super().end(tag)

    def link(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "base" and "href" in attributes and not self._foreign:
            self.found.append(attributes["href"])
