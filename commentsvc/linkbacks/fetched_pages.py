"""What every fetched page needs: its text decoded, and what its status says."""

from collections.abc import Iterator

from commentsvc.errors import N_
from commentsvc.markup import plain_text
from commentsvc.safe_http import FetchedPage

XHTML = "application/xhtml+xml"
HTML = ("text/html", XHTML, "")
BEGINNING = 4096  # bytes in which a page mostly names its charset
GONE_FOR_EVER = 410
GONE = (404, GONE_FOR_EVER)
STATUS = N_("the page answers with status %(status)d")


def decoded(page: FetchedPage) -> str:
    """Decode by the declared charset, header before meta; in XHTML served as XML, no meta counts."""
    content_type = page.headers.get("content-type", "")
    header = plain_text.declared_charset(content_type)
    if content_type.partition(";")[0].strip().lower() == XHTML:
        return plain_text.decode(page.body, header, plain_text.xml_charset(page.body[:300].decode("latin-1")), "utf-8")
    named = [header] if plain_text.is_charset(header) else list(_named_in(page.body[:BEGINNING].decode("latin-1")))
    if not any(map(plain_text.is_charset, named)):  # styles or scripts may come before it
        named = list(_named_in(page.body.decode("latin-1")))
    return plain_text.decode(page.body, *named)


def _named_in(beginning: str) -> Iterator[str]:
    """Yield charsets that the page's first bytes name, as browsers look for them (HTML, 13.2.3.2)."""
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
