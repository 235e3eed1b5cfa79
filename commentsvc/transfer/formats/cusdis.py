"""Cusdis' database, as a SQLite file or a dump; times are in milliseconds or ISO 8601."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from commentsvc.transfer import times
from commentsvc.transfer.records import (
    BodyFormat,
    ParseOptions,
    Record,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

NAME = "cusdis"
TITLE = "Cusdis"
TABLES = {
    "projects": frozenset({"id"}),
    "pages": frozenset({"id", "slug"}),
    "comments": frozenset({"id", "pageId", "content"}),
}


def read_rows(rows: Iterator[tuple[str, dict[str, Any]]], _options: ParseOptions) -> Iterator[Record]:
    """Yield the pages and comments."""
    projects: dict[str, str] = {}
    for table, row in rows:
        if table == "projects":
            projects[str(row["id"])] = name = str(row.get("title") or row["id"])
            yield SourceFile(f"{NAME}:{name}")
        elif table == "pages":
            slug, url = str(row.get("slug") or ""), str(row.get("url") or "")
            project = str(row.get("projectId") or "")
            site, title = projects.get(project, project), str(row.get("title") or "")
            yield SourceArticle(str(row["id"]), url or slug, key=slug, title=title, site=site)
        else:
            yield _comment(row)


def _comment(row: dict[str, Any]) -> Record:
    is_approved = str(row.get("approved")).lower() in ("1", "true", "t")
    is_deleted = bool(row.get("deletedAt") or row.get("deleted_at"))
    return SourceComment(
        id=str(row["id"]),
        page=str(row.get("pageId") or ""),
        body=str(row.get("content") or ""),
        author=str(row.get("by_nickname") or ""),
        text=BodyFormat.MARKDOWN,
        parent=str(row.get("parentId") or ""),
        state=SourceState.DELETED if is_deleted else SourceState.APPROVED if is_approved else SourceState.PENDING,
        email=str(row.get("by_email") or ""),
        written=_time(row.get("created_at")),
        location=f"comment {row['id']}",
    )


def _time(value: Any) -> datetime | None:
    text = str(value or "")
    return times.of_epoch(float(text) / 1000) if text.isdecimal() else times.of_iso(text)
