"""Typecho's database, as a SQLite file or a dump."""

from collections.abc import Iterator
from typing import Any

from commentsvc.models.comment import Kind
from commentsvc.transfer import permalinks, times
from commentsvc.transfer.records import (
    NO_SOURCE,
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)

NAME = "typecho"
TITLE = "Typecho"
TABLES = {"contents": frozenset({"cid"}), "comments": frozenset({"coid", "cid", "text"})}
MARKDOWN = "<!--markdown-->"
STATES = {"approved": SourceState.APPROVED, "waiting": SourceState.PENDING, "spam": SourceState.SPAM}
KINDS = {"trackback": Kind.TRACKBACK, "pingback": Kind.PINGBACK}


def read_rows(rows: Iterator[tuple[str, dict[str, Any]]], options: ParseOptions) -> Iterator[Record]:
    """Yield the articles, at the addresses that the pattern gives, and the comments."""
    yield SourceFile(NAME)
    pattern = options.permalink or "archives/{id}/"
    for table, row in rows:
        if table == "contents":
            number, title, created = str(row["cid"]), str(row.get("title") or ""), times.of_epoch(row.get("created"))
            slug = str(row.get("slug") or "")
            url = permalinks.address(pattern, number=number, slug=slug, title=title, date=created)
            yield SourceArticle(number, url, title=title, created=created)
        else:
            yield _comment(row)


def _comment(row: dict[str, Any]) -> Record:
    body, kind = str(row.get("text") or ""), KINDS.get(str(row.get("type") or ""), Kind.COMMENT)
    location, is_linkback, parent = f"comment {row['coid']}", kind != Kind.COMMENT, str(row.get("parent") or "0")
    if is_linkback and not row.get("url"):
        return SkippedRecord(location, NO_SOURCE, body)
    return SourceComment(
        id=str(row["coid"]),
        page=str(row["cid"]),
        body=body.removeprefix(MARKDOWN),
        author=str(row.get("author") or ""),
        text=BodyFormat.MARKDOWN if body.startswith(MARKDOWN) else BodyFormat.BREAKS,
        parent="" if parent == "0" else parent,
        kind=kind,
        response="mention" if is_linkback else "",
        state=STATES.get(str(row.get("status") or ""), SourceState.PENDING),
        email=str(row.get("mail") or ""),
        website=str(row.get("url") or ""),
        address=str(row.get("ip") or ""),
        written=times.of_epoch(row.get("created")),
        location=location,
    )
