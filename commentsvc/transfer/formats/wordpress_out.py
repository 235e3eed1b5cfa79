"""Write WordPress eXtended RSS 1.2, which its importer and others read."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from commentsvc.characters import CONTROLS
from commentsvc.markup.render import SMILEY
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.thread import Access, Thread
from commentsvc.transfer.records import Exported

HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
<title>{name}</title>
<link>{home}</link>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>{home}</wp:base_site_url>
<wp:base_blog_url>{home}</wp:base_blog_url>
"""
FOOT = "</channel>\n</rss>\n"
STATES = {State.APPROVED: "1", State.PENDING: "0", State.SPAM: "spam", State.TRASHED: "trash"}
LINK = re.compile(r'(<a href="[^">]*")[^>]*>')  # without rel and title, which WordPress writes itself
PARAGRAPHS = re.compile(r"</p>\s*<p>")
SQL = "%Y-%m-%d %H:%M:%S"


def lines(site: tuple[str, str, str], threads: Iterator[Exported], *, with_addresses: bool) -> Iterator[str]:
    """Yield the lines of a site, given by key, home and name. Each thread is an article without a text.

    WordPress finds the article by title and date; where it does not, it makes an empty one. Comments are numbered anew,
    parents first, as its importer takes a parent only if it came before.
    """
    _, home, name = site
    yield HEAD.format(name=escape(name), home=escape(home))
    number = 0
    for thread, comments in threads:
        yield _article(thread)
        numbers: dict[int, int] = {}
        for comment in comments:
            number += 1
            numbers[comment.id] = number
            yield _comment(comment, number, numbers.get(comment.parent_id or 0, 0), with_addresses=with_addresses)
        yield "</item>\n"
    yield FOOT


def _article(thread: Thread) -> str:
    slug = thread.key.partition("?")[0].rstrip("/").rpartition("/")[2].partition(".")[0]
    said = {
        "wp:post_id": str(thread.id),
        "wp:post_date": time(thread.created_at),
        "wp:post_date_gmt": time(thread.created_at),
        "wp:comment_status": "open" if thread.access == Access.OPEN else "closed",
        "wp:ping_status": "open",
        "wp:post_name": slug,
        "wp:status": "publish",
        "wp:post_type": "post",
    }
    return item(thread, said)


def _comment(comment: Comment, number: int, parent: int, *, with_addresses: bool) -> str:
    is_ping = comment.kind in (Kind.PINGBACK, Kind.WEBMENTION)
    said = {
        "comment_id": str(number),
        "comment_author": (comment.title or comment.author) if is_ping else comment.author,
        "comment_author_email": (comment.email or "") if with_addresses else "",
        "comment_author_url": comment.website or "",
        "comment_author_IP": "",
        "comment_date": time(comment.created_at),
        "comment_date_gmt": time(comment.created_at),
        "comment_content": content(comment),
        "comment_approved": STATES[State(comment.state)],
        "comment_type": "pingback" if is_ping else str(comment.kind),
        "comment_parent": str(parent),
        "comment_user_id": "0",
    }
    return comment_element(said)


def item(thread: Thread, fields: dict[str, str]) -> str:
    """Return the beginning of an article's element."""
    inside = "".join(_field(name, value) for name, value in fields.items())
    return f"<item>\n<title>{escape(thread.title or thread.key)}</title>\n<link>{escape(thread.url)}</link>\n{inside}"


def comment_element(fields: dict[str, str]) -> str:
    """Return a comment's element."""
    inside = "".join(_field(f"wp:{name}", value) for name, value in fields.items())
    return f"<wp:comment>\n{inside}</wp:comment>\n"


def content(comment: Comment) -> str:
    """Return the HTML as WordPress keeps it: line breaks as such, smilies as typed."""
    html = LINK.sub(r"\1>", SMILEY.sub(r"\1", comment.body_html))
    text = PARAGRAPHS.sub("\n\n", html).replace("<br>", "\n").removeprefix("<p>").removesuffix("</p>")
    if comment.kind == Kind.TRACKBACK and comment.title:
        return f"<strong>{escape(comment.title)}</strong>\n\n{text}"
    return text


def _field(name: str, value: str) -> str:
    inside = CONTROLS.sub("", value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{inside}]]></{name}>\n"


def time(when: datetime) -> str:
    """Return a time as WordPress writes it, UTC."""
    return when.astimezone(UTC).strftime(SQL)
