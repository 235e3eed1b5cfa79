"""Comments kept as files beside the articles, as Staticman and Jekyll themes do: YAML or JSON, a folder each article.

The folder is named after the article, unless ``_parent`` says more. ``replying_to`` counts the top-level comments of
an article in the order of their names; ``replying_to_uid`` names one. The email address is only there as a hash.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import Any

from commentsvc.transfer import permalinks, times
from commentsvc.transfer.json_files import MAX_DIGITS, text_in
from commentsvc.transfer.records import (
    NO_LINE,
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
)
from commentsvc.transfer.trees import File

NAME = "staticman"
TITLE = "Staticman, Jekyll"
SUFFIXES = (".yml", ".yaml", ".json")


def wanted(names: list[PurePosixPath]) -> list[PurePosixPath]:
    """Return which of the files hold comments."""
    files = [name for name in names if name.suffix in SUFFIXES and len(name.parts) > 1]
    is_yaml = any(name.suffix != ".json" for name in files)
    return files if is_yaml or any("comments" in name.parts for name in files) else []


def read_files(files: Iterator[File], options: ParseOptions) -> Iterator[Record]:
    """Yield pages and comments."""
    yield SourceFile(NAME)
    tops: dict[str, list[str]] = {}  # ids of top-level comments by folder
    for name, raw in files:
        row = _parsed(name, raw)
        if row is None:
            yield SkippedRecord(str(name), NO_LINE, raw[:200].decode("utf-8", "replace"))
            continue
        slug, number = name.parent.name, text_in(row, "_id", "id") or str(name)
        parent = text_in(row, "replying_to_uid") or _counted(text_in(row, "replying_to"), tops.get(slug, []))
        if not parent:
            tops.setdefault(slug, []).append(number)
        page = _address(text_in(row, "_parent"), slug, options)
        yield SourceArticle(page, page, key=slug)
        yield SourceComment(
            id=number,
            page=page,
            body=text_in(row, "message", "comment", "body"),
            author=text_in(row, "name", "author"),
            text=BodyFormat.MARKDOWN,
            parent=parent,
            website=text_in(row, "url", "website"),
            written=_time(row.get("date"), options),
            location=str(name),
        )


def _parsed(name: PurePosixPath, raw: bytes) -> dict[str, Any] | None:
    import yaml

    try:
        found = json.loads(raw) if name.suffix == ".json" else yaml.safe_load(raw)
    except (ValueError, yaml.YAMLError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _counted(ordinal: str, tops: list[str]) -> str:
    number = int(ordinal[:MAX_DIGITS]) if ordinal.isdecimal() else 0
    return tops[number - 1] if 0 < number <= len(tops) else ""


def _address(parent: str, slug: str, options: ParseOptions) -> str:
    if "/" in parent:
        return parent
    if options.permalink:
        return permalinks.address(options.permalink, number=slug, slug=parent or slug, title=slug, date=None)
    return f"/{parent or slug}/"


def _time(value: object, options: ParseOptions) -> datetime | None:
    if isinstance(value, datetime):
        return times.of_iso(value.isoformat())
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return times.of_epoch(value) or times.of_iso(str(value), options.timezone)
