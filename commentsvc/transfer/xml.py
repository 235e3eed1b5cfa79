"""XML of strangers: read piece by piece, without entities, network or recursion; damaged files as far as they go."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from commentsvc.errors import N_
from commentsvc.markup import plain_text
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import SkippedRecord

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# What XML 1.0 does not allow: 2.2 of the recommendation.
BEGINNING = 4096  # bytes
CDATA, CDATA_END = b"<![CDATA[", b"]]>"
BARE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")  # XML 1.0, 4.1 and 4.6
BETWEEN = (b">", b" ", b"\n")  # in no entity, and in no mark but at its end
ILLEGAL = bytes(set(range(32)) - {9, 10, 13})
NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())


class HasDoctype(NotReadable):
    """A document type may expand to anything."""

    sentence = N_("This XML file starts with a DOCTYPE, which exports never do. Please export it again.")


class _Clean:
    """A stream that XML allows, from its first tag on: without illegal bytes, each ``&`` outside of CDATA an entity's.

    WordPress writes both as they are typed.
    """

    def __init__(self, stream: "_AsUtf8") -> None:
        self._stream, self._has_begun, self._drops = stream, False, ILLEGAL
        self._tail, self._is_cdata = b"", False

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        if piece.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\x00" in piece[:4]:  # UTF-16, which has no bytes to drop
            self._has_begun, self._drops = True, b""
        while piece and not self._has_begun:
            start = piece.find(b"<")
            if start >= 0:
                self._has_begun, piece = True, piece[start:]
            else:
                piece = self._stream.read(size)
        if not self._drops:
            return piece
        text = self._with_entities(piece)
        while piece and not text:  # an address longer than what was read
            piece = self._stream.read(size)
            text = self._with_entities(piece)
        return text

    def _with_entities(self, piece: bytes) -> bytes:
        """Return what came so far, up to where no entity or mark can be under way; all of it at the end."""
        text = self._tail + piece.translate(None, self._drops)
        cut = max(text.rfind(sign) for sign in BETWEEN) + 1 if piece else len(text)
        text, self._tail = text[:cut], text[cut:]
        for char in NONCHARACTERS:
            text = text.replace(char, b"")
        out, start = [], 0
        while start < len(text):
            mark = CDATA_END if self._is_cdata else CDATA
            found = text.find(mark, start)
            end = found if found >= 0 else len(text)
            inside = text[start:end]
            out += [inside if self._is_cdata else BARE.sub(b"&amp;", inside), text[end : end + len(mark)]]
            self._is_cdata ^= found >= 0
            start = end + len(mark)
        return b"".join(out)


class _AsUtf8:
    """A stream in UTF-8, decoded as browsers do by the charset that its XML declaration names.

    libxml2 knows other labels than the web, takes each for exactly what it says, and gives up at the first byte that
    does not fit.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._rest = stream, stream.read(BEGINNING)
        declared = plain_text.xml_charset(self._rest[max(self._rest.find(b"<"), 0) :][:300].decode("latin-1"))
        self.label = declared if declared and plain_text.is_legacy(declared) else ""
        self.encoding = "utf-8" if declared else None  # whatever else is declared: it was found in single bytes
        self._cut = b"\n" if plain_text.is_stateful(self.label) else b"<"  # part of no character

    def read(self, size: int) -> bytes:
        if not self.label:
            piece, self._rest = self._rest or self._stream.read(size), b""
            return piece
        raw = self._rest
        while (end := raw.rfind(self._cut)) <= 0 and (piece := self._stream.read(size)):
            raw += piece
        end = end if end > 0 else len(raw)
        self._rest = raw[end:]
        return plain_text.decode(raw[:end], self.label).encode()


def elements(stream: BinaryIO, names: frozenset[str]) -> Iterator["Element | SkippedRecord"]:
    """Yield whole elements with these local names, each freed afterwards, and a ``SkippedRecord`` for damaged XML.

    A match inside another one stays part of it.

    Raises:
        HasDoctype: there is a document type declaration.
    """
    from lxml import etree  # needed only to bring comments in

    text = _AsUtf8(stream)
    events = etree.iterparse(
        _Clean(text),
        encoding=text.encoding,
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        recover=True,
    )
    is_checked = False
    with suppress(etree.XMLSyntaxError):  # nothing in it is XML
        for _, element in events:
            parent = element.getparent()
            if parent is not None and local(parent) in names:  # a part of what is yielded later
                continue
            if not is_checked:
                is_checked = True
                if element.getroottree().docinfo.internalDTD is not None:
                    raise HasDoctype
            yield element
            element.clear()
            while (before := element.getprevious()) is not None:
                element.getparent().remove(before)
    for error in list(events.error_log)[:20]:
        yield SkippedRecord(f"line {error.line}", [N_("the XML is damaged: %(problem)s"), {"problem": error.message}])


def local(element: "Element") -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


class Children(dict[str, "Element"]):
    """The first child elements of each local name."""

    def __init__(self, element: "Element | None") -> None:
        for one in () if element is None else reversed(element):
            if isinstance(tag := one.tag, str):  # no comment
                self[tag.rpartition("}")[2]] = one

    def text(self, name: str) -> str:
        """Return the text of a child, without spaces around it; empty if there is none."""
        found = self.get(name)
        return "" if found is None else (found.text or "").strip()
