"""Which format a file is of, and its records."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from commentsvc.errors import N_
from commentsvc.transfer import databases, dumps, opening, trees
from commentsvc.transfer.formats import (
    artalk,
    blogger,
    commento,
    cusdis,
    disqus,
    duoshuo,
    giscus,
    hashover,
    isso,
    movabletype,
    own,
    remark42,
    serendipity,
    staticman,
    twikoo,
    typecho,
    waline,
    wordpress,
)
from commentsvc.transfer.opening import SQLITE, NotReadable
from commentsvc.transfer.records import Notice, ParseOptions, Record, SkippedRecord

AUTO = "auto"
# In the order in which they are recognised: the surest marks first, of databases those with most tables.
OF_TEXT = (
    *(own, wordpress, disqus, blogger, movabletype, remark42, commento, giscus, duoshuo, artalk, twikoo, waline, isso),
    serendipity,
)
OF_TABLES = (serendipity, cusdis, typecho, isso, waline, hashover)
OF_TREES = (hashover, staticman)
FORMATS: Mapping[str, ModuleType] = {one.NAME: one for one in (*OF_TEXT, *OF_TABLES, *OF_TREES)}
DUMP = re.compile(
    rb"\s*(?:--|/\*|(?:\xef\xbb\xbf)?(?:CREATE\s+(?:TABLE|DATABASE|SCHEMA)|INSERT\s|REPLACE\s+INTO|DROP\s+TABLE|SET\s+\w"
    rb"|PRAGMA\s|BEGIN\b\s*(?:TRANSACTION)?;|START\s+TRANSACTION|USE\s+\S+;|LOCK\s+TABLES|COPY\s+\S+\s*\(|DELIMITER\s)"
    rb"|(?:#[^\n]*\n\s*)+(?:--|/\*|CREATE\s|INSERT\s|DROP\s|SET\s))",
    re.I,
)
LOOKS_LIKE = {  # what people take for an export
    b"<!doctype html": N_("This is a web page, not an export."),
    b"<html": N_("This is a web page, not an export."),
    b"<b:skin": N_(
        "This is a Blogger template, which holds no comments. Please use “Back up content” in Blogger’s settings."
    ),
    b"<rss": N_("This is a feed, which holds only the latest articles. Please use an export."),
    SQLITE: N_("This database belongs to another program. Supported: %(known)s."),
}
NO_COMMENTS = N_("The file holds no comments.")
TORN = N_(
    "If the other program was running when this file was copied, its newest comments may be missing. Copy the file "
    "that ends in -wal, too, or stop the program first."
)
A_DUMP = N_("This is a database dump. Please choose its format.")


class OfNoFormat(NotReadable):
    """Nothing that is known."""

    sentence = N_("The format of this file is unknown. Supported: %(known)s.")


def records(path: Path, name: str, options: ParseOptions) -> Iterator[Record]:
    """Yield everything in a file, of this format or of the one it looks like.

    Raises:
        NotReadable: it cannot be opened, or is of no known format.
    """
    inside = trees.names(path)
    for module in OF_TREES:
        if name in (AUTO, module.NAME) and (wanted := module.wanted(inside)):
            yield from module.read_files(trees.files(path, wanted), options)
            return
    if path.is_dir():
        raise OfNoFormat(NO_COMMENTS)
    with opening.opened(path) as parts:
        refused, number = dict[int, OfNoFormat](), 0
        for number, part in enumerate(parts, 1):
            try:
                yield from _of_part(path, part, name, options)
            except OfNoFormat as error:
                refused[number] = error
        if refused and len(refused) == number:
            raise refused[1]
        for one, refusal in refused.items():  # such as a README beside the comments
            yield SkippedRecord(f"file {one}", [refusal.sentence, refusal.values])


def _of_part(path: Path, part: BinaryIO, name: str, options: ParseOptions) -> Iterator[Record]:
    """Yield what a file holds, or one of those in an archive; raises ``OfNoFormat`` before anything."""
    first = opening.beginning(part)
    if first.startswith(SQLITE):
        yield from _of_database(path, first, name, options)
    elif DUMP.match(first):
        yield from _of_dump(part, first, name, options)
    else:
        yield from _of_text(part, first, name, options)


def _of_text(part: BinaryIO, first: bytes, name: str, options: ParseOptions) -> Iterator[Record]:
    module = next((one for one in OF_TEXT if name in (AUTO, one.NAME) and one.is_like(first)), None)
    if module is None:
        raise _unknown(first)
    yield from module.read(part, options)


def _of_database(path: Path, first: bytes, name: str, options: ParseOptions) -> Iterator[Record]:
    columns = databases.columns_of(path)
    for module in OF_TABLES:
        has_tables = all(databases.table_for(table, columns, needed) for table, needed in module.TABLES.items())
        if name in (AUTO, module.NAME) and has_tables:
            if databases.may_lack_its_log(path):
                yield Notice(TORN)
            yield from module.read_rows(databases.rows_of_file(path, module.TABLES), options)
            return
    raise _unknown(first)


def _of_dump(part: BinaryIO, first: bytes, name: str, options: ParseOptions) -> Iterator[Record]:
    """A dump does not say whose it is before its end: the format has to be named."""
    module = next((one for one in OF_TABLES if name == one.NAME), None)
    if module is None:
        raise _unknown(first)
    text, notices = opening.text(part, options.charset)
    yield from notices
    skipped: list[SkippedRecord] = []
    yield from module.read_rows(dumps.rows_of_dump(text, module.TABLES, skipped.append), options)
    yield from skipped


def _unknown(first: bytes) -> OfNoFormat:
    if DUMP.match(first):
        return OfNoFormat(A_DUMP)
    low = first.lower()
    sentence = next((sentence for sign, sentence in LOOKS_LIKE.items() if sign.lower() in low), None)
    return OfNoFormat(sentence, known=", ".join(FORMATS))
