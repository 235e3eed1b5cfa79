"""HashOver's files: a folder each thread, whose name is the address with dashes; ``3-1.json`` answers ``3.json``.

Its SQLite file has the same names in columns.
The folder does not say where a dash was a slash: ``--map`` leads from ``/folder`` to the article. Addresses are
encrypted there, and stay behind.
"""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from commentsvc.markup import plain_text
from commentsvc.transfer import times
from commentsvc.transfer.json_files import text_in, votes_in
from commentsvc.transfer.records import (
    NO_LINE,
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)
from commentsvc.transfer.trees import File

NAME = "hashover"
TITLE = "HashOver"
TABLES = {"comments": frozenset({"domain", "thread", "comment", "body"})}
NUMBERED = re.compile(r"\d+(?:-\d+)*\.(?:json|xml)")
STATES = {"pending": SourceState.PENDING, "deleted": SourceState.DELETED}


def wanted(names: list[PurePosixPath]) -> list[PurePosixPath]:
    """Return which of the files hold comments."""
    return [name for name in names if len(name.parts) > 1 and NUMBERED.fullmatch(name.name)]


def read_files(files: Iterator[File], options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    yield SourceFile(NAME)
    for name, raw in files:
        row = _parsed(name, raw)
        if row is None:
            yield SkippedRecord(str(name), NO_LINE, raw[:200].decode("utf-8", "replace"))
        else:
            yield from _comment(row, name.parent.name, name.stem, str(name), options)


def read_rows(rows: Iterator[tuple[str, dict[str, Any]]], options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments of a database."""
    yield SourceFile(NAME)
    for _, row in rows:
        thread, number = text_in(row, "thread"), text_in(row, "comment")
        yield from _comment(row, thread, number, f"{thread}, comment {number}", options)


def _comment(row: dict[str, Any], thread: str, number: str, location: str, options: ParseOptions) -> Iterator[Record]:
    above, domain = number.rpartition("-")[0], text_in(row, "domain")
    page = f"{domain}/{thread}" if domain else thread
    yield SourceArticle(page, f"/{thread}", key=thread, site=domain)
    yield SourceComment(
        id=f"{page}/{number}",
        page=page,
        body=text_in(row, "body"),
        author=text_in(row, "name"),
        text=BodyFormat.HTML,
        parent=f"{page}/{above}" if above else "",
        state=STATES.get(text_in(row, "status"), SourceState.APPROVED),
        website=text_in(row, "website"),
        address=text_in(row, "ipaddr"),
        written=times.of_iso(text_in(row, "date"), options.timezone),
        votes=votes_in(row, "likes", "dislikes"),
        location=location,
    )


def _parsed(name: PurePosixPath, raw: bytes) -> dict[str, Any] | None:
    if name.suffix == ".json":
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(plain_text.of_xml(raw), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return {str(child.tag): "".join(child.itertext()) for child in root if isinstance(child.tag, str)}
