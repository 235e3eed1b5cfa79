"""WordPress eXtended RSS: http://wordpress.org/export/1.x/."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, BinaryIO

from commentsvc.errors import N_, Reason
from commentsvc.models.comment import Kind
from commentsvc.transfer import times
from commentsvc.transfer.records import (
    BodyFormat,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceFile,
    SourceState,
)
from commentsvc.transfer.xml import Children, elements, local

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

NAME = "wordpress"
TITLE = "WordPress (WXR)"
STATES = {
    **dict.fromkeys(("1", "approved", "approve"), SourceState.APPROVED),
    **dict.fromkeys(("0", "hold", "unapproved", "pending", "unapprove"), SourceState.PENDING),
    "spam": SourceState.SPAM,
    **dict.fromkeys(("trash", "post-trashed"), SourceState.DELETED),
}
PUBLISHED = ("publish", "")
INHERITED = "inherit"  # of attachments: the status of the article that they belong to
NOT_PUBLISHED = N_("the article is not published (%(status)s)")
HAS_PASSWORD = N_("the article has a password")
COMMENTS = ("", "comment")
RESPONSES = {"webmention": "mention", "mention": "mention", "like": "like", "repost": "repost"}
ENDS = re.compile(r"\s*\[(?:\.\.\.|…|&#8230;|&hellip;)\]\s*")
STRONG = re.compile(r"\s*<strong>(.*?)</strong>\s*", re.S)
BLOG_MARK = re.compile(r"[»«|]")
LONG_NAME = 40  # characters; what stands behind the last mark is a blog's name if it is shorter


@dataclass(frozen=True)
class WordPressPost:
    """An article as WordPress knows it, with the dates as they stand in its file: of the blog's zone, and UTC."""

    url: str
    number: str
    title: str
    name: str
    type: str
    date: str
    date_gmt: str


def is_like(beginning: bytes) -> bool:
    """Return whether a file begins as one of this format; plugins write it for Disqus, too."""
    return b"wordpress.org/export/" in beginning


def read(stream: BinaryIO, options: ParseOptions) -> Iterator[Record]:
    """Yield the articles with their comments and linkbacks."""
    home, hidden = "", dict[str, Reason]()  # why articles are not public, by number
    for element in elements(stream, frozenset({"base_blog_url", "base_site_url", "link", "item"})):
        if isinstance(element, SkippedRecord):
            yield element
        elif local(element) != "item":
            if local(element) == "base_blog_url" or (not home and _is_of_channel(element)):
                home = (element.text or "").strip() or home
        else:
            yield SourceFile(f"{NAME}:{home or 'unknown'}", home)
            item = Children(element)
            if why := _reason_hidden(item, hidden):
                hidden[item.text("post_id")] = why
            comments = [one for one in element if isinstance(one.tag, str) and local(one) == "comment"]
            if comments:
                yield from _item(item, comments, options, why)


def articles(stream: BinaryIO) -> Iterator[WordPressPost]:
    """Yield the articles and pages of a file, whether they have comments or not."""
    for element in elements(stream, frozenset({"item"})):
        if not isinstance(element, SkippedRecord) and (link := (item := Children(element)).text("link")):
            names = ("post_id", "title", "post_name", "post_type", "post_date", "post_date_gmt")
            yield WordPressPost(link, *map(item.text, names))


def _is_of_channel(element: "Element") -> bool:
    parent = element.getparent()
    return local(element) == "link" and parent is not None and local(parent) == "channel"


def _reason_hidden(item: Children, hidden: Mapping[str, Reason]) -> Reason | None:
    """Return why readers do not see an article, if so; parents come before their attachments."""
    status = item.text("status")
    if item.text("post_password"):
        return HAS_PASSWORD
    if status == INHERITED:
        return hidden.get(item.text("post_parent"))
    return None if status in PUBLISHED else [NOT_PUBLISHED, {"status": status}]


def _item(item: Children, comments: list["Element"], options: ParseOptions, hidden: Reason | None) -> Iterator[Record]:
    number, link = item.text("post_id"), item.text("link")
    page = number or link or item.text("thread_identifier")
    created = times.of_sql(item.text("post_date_gmt"), "UTC") or times.of_sql(item.text("post_date"), options.timezone)
    title = unescape(item.text("title"))
    is_closed = item.text("comment_status") == "closed"
    key = item.text("thread_identifier")  # in files made for Disqus
    yield SourceArticle(page, link, key=key, title=title, created=created, is_closed=is_closed)
    for comment in comments:
        location = f"line {comment.sourceline}"
        if hidden:
            yield SkippedRecord(location, hidden, Children(comment).text("comment_content"))
        else:
            yield _comment(Children(comment), page, options, location)


def _comment(comment: Children, page: str, options: ParseOptions, location: str) -> Record:
    body, kind = comment.text("comment_content"), comment.text("comment_type")
    number = comment.text("comment_id")
    written = times.of_sql(comment.text("comment_date_gmt"), "UTC")
    parent = comment.text("comment_parent")
    record = SourceComment(
        id=f"{page}/{number}",
        page=page,
        body=body,
        author=unescape(comment.text("comment_author")),
        text=BodyFormat.BREAKS,
        parent=f"{page}/{parent}" if parent not in ("", "0") else "",
        state=STATES.get(comment.text("comment_approved"), SourceState.APPROVED),
        email=comment.text("comment_author_email"),
        website=comment.text("comment_author_url"),
        address=comment.text("comment_author_IP"),
        written=written or times.of_sql(comment.text("comment_date"), options.timezone),
        cross_id=f"wp:{number}",
        location=location,
    )
    if kind in COMMENTS:
        return record
    if kind == Kind.PINGBACK:
        return _pingback(record)
    if kind == Kind.TRACKBACK:
        return _trackback(record)
    if kind in RESPONSES:
        return _as_linkback(record, Kind.WEBMENTION, RESPONSES[kind], title="", author=record.author, body=body)
    return SkippedRecord(location, [N_("unknown kind of comment: %(kind)s"), {"kind": kind}], body)


def _pingback(record: SourceComment) -> SourceComment:
    """Split the author: it is the linking page's title and, behind the last mark, the blog's name."""
    parts = BLOG_MARK.split(record.author)
    name = parts[-1].strip() if len(parts) > 1 and 0 < len(parts[-1].strip()) <= LONG_NAME else ""
    body = ENDS.sub(" ", record.body).strip()
    return _as_linkback(record, Kind.PINGBACK, "mention", title=record.author, author=name, body=body)


def _trackback(record: SourceComment) -> SourceComment:
    title = STRONG.match(record.body)
    body = record.body[title.end() :] if title else record.body
    found = unescape(title[1].strip()) if title else ""
    return _as_linkback(record, Kind.TRACKBACK, "mention", title=found, author=record.author, body=body)


def _as_linkback(
    record: SourceComment, kind: Kind, response: str, *, title: str, author: str, body: str
) -> SourceComment:
    return SourceComment(
        id=record.id,
        page=record.page,
        body=body,
        author=author,
        text=BodyFormat.HTML,
        kind=kind,
        response=response,
        state=record.state,
        website=record.website,
        title=title,
        written=record.written,
        cross_id=record.cross_id,
        location=record.location,
    )
