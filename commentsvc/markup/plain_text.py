"""Strangers' HTML to plain text: entities decoded once, tags removed, white space folded; any charset."""

import codecs
import re
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from commentsvc.characters import CONTROLS
from commentsvc.hosts import join_url
from commentsvc.markup import encodings

if TYPE_CHECKING:
    from lxml import etree

SILENT = frozenset(
    {"script", "style", "template", "noscript", "textarea", "title", "iframe", "xmp", "noembed", "noframes"}
)
FOREIGN = frozenset(("svg", "math"))  # not HTML inside, but in these of their elements (HTML Standard, 13.2.6)
HTML_IN_FOREIGN = frozenset(("foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext", "annotation-xml"))
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}
)
BREAK = "\x1e"  # between two blocks of a page; folded into a space like any control character
WHITE_SPACE = re.compile(r"\s+")
DECLARED = re.compile(r"(?:^|[;\s])charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
PIECE = 4096  # characters that the parser gets at once
XML_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.I | re.A)
CHARSET_FIELDS = ("charset", "_charset_")  # of trackbacks, and of forms (HTML Standard, 4.10.21.5)
NO_CHARSET = "replacement"  # the standard's name for charsets that are no longer read
LIKE_BROWSERS = "like-browsers"  # how bytes that do not fit are handled
FREE = range(0x80, 0xA0)
BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
GOOD_TO_WRONG = 2  # characters, in a text that is taken for UTF-8
MAX_DEPTH = 1000  # elements in each other
MAX_FIELD_LENGTH = 8000  # characters of a field that are looked at


def from_html(html: str) -> str:
    """Return the visible text on one line."""
    reader = TextReader()
    parse(html[:MAX_FIELD_LENGTH], reader)
    return fold("".join(reader.text))


def paragraphs(html: str) -> str:
    """Return the visible text, blocks separated by an empty line."""
    reader = TextReader()
    parse(html, reader)
    blocks = (fold(block) for block in "".join(reader.text).split(BREAK))
    return "\n\n".join(block for block in blocks if block)


def parse(html: str, target: "TextReader") -> None:
    """Feed tags and texts of ``html`` to ``target``, as a browser's parser finds them.

    It stops where elements are nested too deeply: from there on each end tag would cost as much as there are open ones.
    """
    from lxml import etree  # 4 MiB, needed only to parse other people's HTML

    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)
    with suppress(TooDeep):  # is noticed only between two pieces
        for start in range(0, len(html) or 1, PIECE):
            parser.feed(html[start : start + PIECE].encode("utf-8", "replace") or b" ")
        parser.close()


def tree(html: str) -> "etree._Element | None":
    """Return the element tree of a page of one of our sites, without comments; None if there is none."""
    from lxml import etree

    return etree.fromstring(html.encode("utf-8", "replace") or b"<p></p>", _tree_parser())


@cache
def _tree_parser() -> "etree.HTMLParser":
    from lxml import etree

    return etree.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=True)


def based_on(url: str, base: str) -> str:
    """Return what the addresses of a page at ``url`` are resolved against, with this ``<base>``."""
    joined = join_url(url, base)
    return joined if joined.startswith(("http://", "https://")) else url


def base_in(html: str, url: str) -> str:
    """The same for HTML text. The first ``<base>`` also counts for what precedes it."""
    if "<base" not in html.lower():
        return url
    reader = _BaseReader()
    parse(html, reader)
    return based_on(url, reader.found[0]) if reader.found else url


def base_of(root: "etree._Element", url: str) -> str:
    """The same for a parsed page."""
    html = (one for one in root.iter("base") if "href" in one.attrib and not _is_foreign(one))
    first = next(html, None)
    return url if first is None else based_on(url, first.attrib["href"])


def _is_foreign(element: "etree._Element") -> bool:
    nearest = (one.tag for one in element.iterancestors() if one.tag in FOREIGN | HTML_IN_FOREIGN)
    return next(nearest, "") in FOREIGN


def xml_charset(beginning: str) -> str:
    """Return the charset in an XML declaration, or an empty text."""
    found = XML_DECLARATION.match(beginning)
    return named_in_bytes(found[1]) if found else ""


def named_in_bytes(charset: str) -> str:
    """Return a charset whose name was found in single bytes: that is not UTF-16, whatever it says (HTML, 13.2.3.2)."""
    import webencodings

    known = webencodings.lookup(charset)
    return "utf-8" if known is not None and known.name.startswith("utf-16") else charset.strip()


def of_xml(raw: bytes) -> str:
    """Decode an XML document by the charset that it declares, under any of its labels; without the declaration."""
    return without_declaration(decode(raw, xml_charset(raw[:300].decode("latin-1")) or "utf-8"))


def without_declaration(xml: str) -> str:
    """Return decoded XML without what named its charset."""
    text = xml.lstrip("\ufeff").strip()
    return text.partition("?>")[2] if text.startswith("<?xml") else text


def declared_charset(content_type: str) -> str:
    """Return the charset in a Content-Type, or an empty text."""
    found = DECLARED.search(content_type)
    return found[1] if found else ""


def form_fields(body: bytes, content_type: str, most: int) -> list[tuple[str, str]]:
    """Return the fields of an urlencoded form, in the charset that its header or a field of it names, else a guess.

    Raises:
        ValueError: there are more than ``most``.
    """
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=most)
    values = [(name, value.encode("latin-1")) for name, value in pairs]
    named = [value.decode("ascii", "replace") for name, value in values if name in CHARSET_FIELDS]
    guessed = "utf-8" if any(is_utf8(value) for _, value in values if not value.isascii()) else "windows-1252"
    charsets = (*map(named_in_bytes, (declared_charset(content_type), *named)), guessed)
    return [(name, decode(value, *charsets)) for name, value in values]


def is_charset(label: str) -> bool:
    """Return whether the Encoding Standard knows an encoding by this name."""
    import webencodings

    return webencodings.lookup(label) is not None


def is_decodable(label: str) -> bool:
    """Return whether the Encoding Standard decodes it: some charsets it only knows, to refuse them."""
    import webencodings

    known = webencodings.lookup(label)
    return known is not None and known.name != NO_CHARSET


def is_legacy(label: str) -> bool:
    """Return whether a declared charset is neither UTF-8 nor UTF-16, or is unknown."""
    import webencodings

    known = webencodings.lookup(label)
    return known is None or not known.name.startswith("utf-")


def is_stateful(label: str) -> bool:
    """Return whether bytes below 0x80 are not always ASCII: only line breaks surely are."""
    import webencodings

    known = webencodings.lookup(label)
    return known is not None and known.name == "iso-2022-jp"


def decode(raw: bytes, *labels: str) -> str:
    """Decode bytes as browsers do; never fails.

    A byte order mark decides, else the first of ``labels`` known to the Encoding Standard, with U+FFFD for what does
    not fit. If none is known, it is UTF-8, or else windows-1252.
    """
    import webencodings

    known = (webencodings.lookup(label) for label in labels if label)
    declared = next((one for one in known if one and one.name != NO_CHARSET), None)
    if declared and declared.name == "x-user-defined":  # where a page is read (Encoding Standard, 14.5)
        declared = webencodings.lookup("windows-1252")
    if declared is None:
        declared = webencodings.lookup("utf-8" if is_utf8(raw) else "windows-1252")
    name = "gb18030" if declared.name == "gbk" else declared.name  # its superset (Encoding Standard, 10.1)
    if not raw.startswith(BYTE_ORDER_MARKS) and (name in encodings.CODECS or name == "iso-2022-jp"):
        return encodings.decode(raw, name)
    if name == "windows-1255" and encodings.POINT_OVER_VAV[0] in raw:
        byte, char = encodings.POINT_OVER_VAV
        return char.join(decode(part, name) for part in raw.split(bytes((byte,))))
    text = str(webencodings.decode(raw, declared, LIKE_BROWSERS)[0])
    return text.translate(encodings.KOI8_U) if name == "koi8-u" else text


def _instead(error: UnicodeError) -> tuple[str, int]:
    """Return U+FFFD; a control character for bytes of it that an encoding with one byte a character leaves free."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start]
    is_free = error.encoding == "charmap" and byte in FREE
    return (chr(byte) if is_free else "\ufffd", error.start + 1 if is_free else error.end)


codecs.register_error(LIKE_BROWSERS, _instead)


def is_utf8(raw: bytes) -> bool:
    """Return whether most of what is not ASCII is UTF-8, though a character may be cut or damaged."""
    text = raw.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    return not wrong or sum(char > "\x7f" for char in text) - wrong >= GOOD_TO_WRONG * wrong


def fold(text: str) -> str:
    """Return ``text`` on one line, without control characters, with single spaces."""
    return WHITE_SPACE.sub(" ", CONTROLS.sub(" ", text)).strip()


def crop(text: str, length: int) -> str:
    """Return ``text``, cut at a word with an ellipsis if it is longer than ``length`` characters."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return at_word.rstrip(" .,;:") + "…"


class TooDeep(Exception):
    """Elements are nested more deeply than on any real page."""


class TextReader:
    """Collects visible text; inside ``SILENT`` elements there is none."""

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
        """A visible tag opens."""

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
    """Collects ``<base>`` elements of HTML; inside SVG or MathML it is another element (HTML Standard, 4.2.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._around: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in FOREIGN | HTML_IN_FOREIGN:
            self._around.append(tag)
        super().start(tag, attributes)

    def end(self, tag: str) -> None:
        if self._around and self._around[-1] == tag:
            self._around.pop()
        super().end(tag)

    def link(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "base" and "href" in attributes and not FOREIGN.intersection(self._around[-1:]):
            self.found.append(attributes["href"])
