"""Which format a file is of, and its records."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from commentsvc.transfer import opening
from commentsvc.transfer.formats import (
    artalk,
    blogger,
    commento,
    disqus,
    isso,
    movabletype,
    own,
    remark42,
    twikoo,
    waline,
    wordpress,
)
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import Reading, Record

AUTO = "auto"
# In the order in which they are recognised: the surest marks first.
READERS = (own, wordpress, disqus, blogger, isso, movabletype, remark42, commento, artalk, twikoo, waline)
FORMATS: Mapping[str, ModuleType] = {one.NAME: one for one in READERS}
LOOKS_LIKE = {  # what people take for an export
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<b:skin": "a Blogger template",
    b"<rss": "a feed, which holds the latest articles only",
    b"%PDF": "a PDF document",
}


class OfNoFormat(NotReadable):
    """Nothing that is known."""

    sentence = "Unrecognised format: the file looks like %(what)s. Supported: %(known)s."


def records(path: Path, name: str, reading: Reading) -> Iterator[Record]:
    """Yield everything in a file, of this format or of the one it looks like.

    Raises:
        NotReadable: it cannot be opened, or is of no known format.
    """
    with opening.opened(path) as parts:
        for part in parts:
            first = opening.beginning(part)
            module = FORMATS[name] if name != AUTO else _recognised(first)
            if not module.is_like(first) and name != AUTO:
                raise OfNoFormat(known=name, what=_what(first))
            if hasattr(module, "read_file"):
                yield from module.read_file(path, reading)
            else:
                yield from module.read(part, reading)


def _recognised(beginning: bytes) -> ModuleType:
    for module in FORMATS.values():
        if module.is_like(beginning):
            return module
    raise OfNoFormat(known=", ".join(FORMATS), what=_what(beginning))


def _what(beginning: bytes) -> str:
    low = beginning.lower()
    return next((what for sign, what in LOOKS_LIKE.items() if sign.lower() in low), "something else")
