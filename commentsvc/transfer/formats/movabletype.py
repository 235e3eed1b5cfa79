"""Movable Type's import format, which TypePad and Hatena write, too."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from commentsvc.models.comment import Kind
from commentsvc.transfer import opening, permalinks
from commentsvc.transfer.records import (
    NO_SOURCE,
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
)

NAME = "movabletype"
TITLE = "Movable Type, TypePad"
ENTRY_END, SECTION_END = "-" * 8, "-" * 5
SECTIONS = ("BODY", "EXTENDED BODY", "EXCERPT", "KEYWORDS", "COMMENT", "PING")
COMMENT_KEYS = ("AUTHOR", "EMAIL", "IP", "URL", "DATE", "TITLE", "BLOG NAME")
FIELD = re.compile(r"([A-Z][A-Z ]*):[ \t]*(.*)")
DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AP]M)?", re.I)
NOT_OF_A_SECTION = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:AUTHOR|TITLE|BASENAME|STATUS|ALLOW COMMENTS|DATE):")


@dataclass
class _Section:
    name: str
    lines: list[str] = field(default_factory=list)


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format."""
    return NOT_OF_A_SECTION.match(beginning) is not None


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield the entries with their comments and pings. Comments have neither ids nor parents."""
    text, notices = opening.text(stream, options.charset)
    yield SourceFile(NAME)
    yield from notices
    entry: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.rstrip() == ENTRY_END:
            yield from _entry(entry, options)
            entry = []
        else:
            entry.append(line)
    yield from _entry(entry, options)


def _entry(lines: Sequence[str], options: ParseOptions) -> Iterator[Record]:
    head, sections = _sections(lines)
    fields = {found[1]: found[2].strip() for line in head if (found := FIELD.fullmatch(line))}
    records = [one for one in sections if one.name in ("COMMENT", "PING")]
    if not records:
        return
    title, slug, created = (
        fields.get("TITLE", ""),
        fields.get("BASENAME", ""),
        _date(fields.get("DATE", ""), options.timezone),
    )
    url = fields.get("UNIQUE URL", "")
    if not url and options.permalink:
        url = permalinks.address(options.permalink, number="", slug=slug, title=title, date=created)
    page = _hashed(fields.get("DATE", ""), slug, title)
    yield SourceArticle(page, url, title=title, created=created, is_closed=fields.get("ALLOW COMMENTS") == "0")
    for section in records:
        yield _record(section, page, title, options.timezone)


def _sections(lines: Sequence[str]) -> tuple[list[str], list[_Section]]:
    """Return the head and the sections; a line of hyphens inside a text does not end it."""
    head: list[str] = []
    sections: list[_Section] = []
    begins = False
    for line in lines:
        name = line.strip().removesuffix(":")
        if line.rstrip() == SECTION_END:
            begins = True
        elif begins and line.strip().endswith(":") and name in SECTIONS:
            sections.append(_Section(name))
            begins = False
        elif not sections:
            head.append(line)
        else:
            sections[-1].lines += [SECTION_END, line] if begins else [line]
            begins = False
    return head, sections


def _record(section: _Section, page: str, title: str, zone: str) -> Record:
    fields: dict[str, str] = {}
    rest = list(section.lines)
    while rest and (found := FIELD.fullmatch(rest[0])) and found[1] in COMMENT_KEYS:
        fields[found[1]] = found[2].strip()
        del rest[0]
    body = "\n".join(rest).strip()
    location = f"{section.name.lower()} under “{title}”"
    key = _hashed(page, section.name, fields.get("AUTHOR", ""), fields.get("DATE", ""), body)
    if section.name == "PING" and not fields.get("URL"):
        return SkippedRecord(location, NO_SOURCE, body)
    is_ping = section.name == "PING"
    return SourceComment(
        id=key,
        page=page,
        body=body,
        author=fields.get("BLOG NAME" if is_ping else "AUTHOR", ""),
        text=BodyFormat.HTML if is_ping else BodyFormat.BREAKS,
        kind=Kind.TRACKBACK if is_ping else Kind.COMMENT,
        response="mention" if is_ping else "",
        email=fields.get("EMAIL", ""),
        website=fields.get("URL", ""),
        address=fields.get("IP", ""),
        title=fields.get("TITLE", "") if is_ping else "",
        written=_date(fields.get("DATE", ""), zone),
        location=location,
    )


def _date(text: str, zone: str) -> datetime | None:
    found = DATE.fullmatch(text.strip())
    if not found:
        return None
    month, day, year, hour, minute, second = (int(one or 0) for one in found.groups()[:6])
    if found[7]:
        hour = hour % 12 + (12 if found[7].upper() == "PM" else 0)
    try:
        return datetime(year + 1900 if year < 100 else year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
