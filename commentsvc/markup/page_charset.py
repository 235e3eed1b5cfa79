"""The charset that an HTML page names in itself, as browsers look for it (HTML Standard, 13.2.3.2)."""

from collections.abc import Iterator

from commentsvc.markup import plain_text

BEGINNING = 4096  # bytes in which a page mostly names it


def named_in(page: bytes) -> list[str]:
    """Return the charsets that a page names, the first of which counts; also those that nobody knows."""
    named = list(_named_in(page[:BEGINNING].decode("latin-1")))
    if not any(map(plain_text.is_charset, named)):  # styles or scripts may come before it
        named = list(_named_in(page.decode("latin-1")))
    return named


def _named_in(beginning: str) -> Iterator[str]:
    reader = _CharsetReader()
    plain_text.parse(beginning, reader)
    yield from map(plain_text.named_in_bytes, reader.found)
    yield plain_text.xml_charset(beginning)


class _CharsetReader(plain_text.TextReader):
    """Collects the charsets that elements declare, also for readers without JavaScript."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "meta" and set(self.silent) <= {"noscript"}:
            self._declaration(attributes)
        super().start(tag, attributes)

    def _declaration(self, attributes: dict[str, str]) -> None:
        if "charset" in attributes:
            self.found.append(attributes["charset"])
        elif attributes.get("http-equiv", "").lower() == "content-type":
            self.found.append(plain_text.declared_charset(attributes.get("content", "")))
