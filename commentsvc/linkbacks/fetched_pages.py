"""What every fetched page needs: its text decoded, and what its status says."""

from commentsvc.errors import N_
from commentsvc.markup import page_charset, plain_text
from commentsvc.safe_http import FetchedPage

XHTML = "application/xhtml+xml"
HTML = ("text/html", XHTML, "")
GONE_FOR_EVER = 410
GONE = (404, GONE_FOR_EVER)
STATUS = N_("the page answers with status %(status)d")


def decoded(page: FetchedPage) -> str:
    """Decode by the declared charset, header before meta; in XHTML served as XML, no meta counts."""
    content_type = page.headers.get("content-type", "")
    header = plain_text.declared_charset(content_type)
    if content_type.partition(";")[0].strip().lower() == XHTML:
        return decoded_xml(page)
    named = [header] if plain_text.is_charset(header) else page_charset.named_in(page.body)
    return plain_text.decode(page.body, *named)


def decoded_xml(page: FetchedPage) -> str:
    """Decode XML by the charset of the header, else of its declaration."""
    header = plain_text.declared_charset(page.headers.get("content-type", ""))
    return plain_text.decode(page.body, header, plain_text.xml_charset(page.body[:300].decode("latin-1")), "utf-8")
