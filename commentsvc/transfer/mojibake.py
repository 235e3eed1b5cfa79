"""UTF-8 that was once read as another encoding and stored so: “Ã¼” where somebody wrote “ü”."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from commentsvc.transfer.records import Record, Records, SourceArticle, SourceComment

FIELDS = ("author", "title", "body")


@dataclass
class Repair:
    """Repairs the texts of a file if that is wanted. ``found`` is the number of comments with such characters."""

    is_wanted: bool
    found: int = 0

    def __call__(self, records: Records) -> Iterator[Record]:
        """Yield the records, repaired or as they are."""
        for record in records:
            whole = _repaired(record) if isinstance(record, SourceArticle | SourceComment) else record
            self.found += whole is not record and isinstance(record, SourceComment)
            yield whole if self.is_wanted else record


def _repaired(record: SourceArticle | SourceComment) -> SourceArticle | SourceComment:
    texts = {name: text for name in FIELDS if not (text := getattr(record, name, "")).isascii()}
    changed = {name: better for name, text in texts.items() if (better := _as_meant(text)) != text}
    return replace(record, **changed) if changed else record


def _as_meant(text: str) -> str:
    from ftfy import TextFixerConfig, fix_encoding
    from ftfy.badness import is_bad

    # A sequence that has lost a byte stays as it is: what was meant is not known. So does a text that is no better
    # afterwards: it was read in a wrong encoding of another kind.
    better = fix_encoding(text, TextFixerConfig(unescape_html=False, replace_lossy_sequences=False))
    return text if "\ufffd" in text or is_bad(better) else better
