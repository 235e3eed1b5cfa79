"""Write WordPress eXtended RSS 1.2, which its importer and others read."""

import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from html import escape
from itertools import count

from commentsvc.characters import CONTROLS
from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.thread import Access, Thread
from commentsvc.transfer import times
from commentsvc.transfer.export_writer import Exported, ExportWriter, html_of, slug
from commentsvc.transfer.formats import wordpress
from commentsvc.transfer.formats.wordpress import WordPressPost

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
END_OF_ARTICLE = "</item>\n"
FOOT = "</channel>\n</rss>\n"
NO_ARTICLE = "threads whose articles are not in the file of articles; WordPress makes empty ones for them"
STATES = {State.APPROVED: "1", State.PENDING: "0", State.SPAM: "spam", State.TRASHED: "trash"}
LIST = re.compile(r"<(?P<kind>ul|ol)>(?P<items>.*?)</(?P=kind)>", re.S)
ITEM = re.compile(r"<li>(.*?)</li>", re.S)
INSTEAD = {"<u>": "<em>", "</u>": "</em>", "<pre><code>": "<p><code>", "</code></pre>": "</code></p>"}
PARAGRAPHS = re.compile(r"</p>\s*<p>")
SQL = "%Y-%m-%d %H:%M:%S"


@dataclass
class WordPressWriter(ExportWriter):
    """Each thread is an article without a text. Comments are numbered anew, parents first.

    WordPress' importer takes a parent only if it came before. It finds an article by title and date, and makes an empty
    one where it does not; ``articles`` are the blog's own, by key of thread.
    """

    title = wordpress.TITLE
    suffix = "xml"

    articles: Mapping[str, WordPressPost] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @cached_property
    def _free(self) -> int:
        """The highest number of an article: WordPress skips a second article with a number that it has seen."""
        return max((int(one.number) for one in self.articles.values() if one.number.isdecimal()), default=0)

    def head(self) -> str:
        """Return the beginning, up to the first article."""
        return HEAD.format(name=escape(self.blog.name), home=escape(self.blog.home))

    def thread(self, exported: Exported) -> Iterator[str]:
        """Yield an article with its comments and linkbacks."""
        yield self._article(exported.thread, exported.aliases)
        numbers: dict[int, int] = {}
        for comment in exported.comments:
            number = numbers[comment.id] = next(self._numbers)
            parent = numbers.get(comment.parent_id or 0, 0)
            local = comment.created_at + self._offset(comment.created_at)
            yield _comment(comment, number, parent, local, with_addresses=self.with_addresses)
        yield END_OF_ARTICLE

    def foot(self) -> str:
        """Return the end."""
        return FOOT

    @cached_property
    def _offsets(self) -> list[tuple[datetime, timedelta]]:
        """How far the blog's clock was ahead of UTC when its articles were written, in the order of time."""
        dates = ([times.of_sql(date, "UTC") for date in (one.date, one.date_gmt)] for one in self.articles.values())
        return sorted((utc, local - utc) for local, utc in dates if local and utc)

    def _offset(self, when: datetime) -> timedelta:
        """Return the offset at a time: that of the article nearest to it, as no file names the zone."""
        place = bisect(self._offsets, when, key=lambda one: one[0])
        near = self._offsets[max(place - 1, 0) : place + 1]
        return min(near, key=lambda one: abs(one[0] - when), default=(when, timedelta()))[1]

    def _article(self, thread: Thread, aliases: Sequence[str]) -> str:
        own = next((self.articles[key] for key in (thread.key, *aliases) if key in self.articles), None)
        self.left_out[NO_ARTICLE] += bool(self.articles) and own is None
        children = {
            "wp:post_id": own.number if own else str(self._free + thread.id),
            "wp:post_date": own.date if own else time(thread.created_at),
            "wp:post_date_gmt": own.date_gmt if own else time(thread.created_at),
            "wp:comment_status": "open" if thread.access == Access.OPEN else "closed",
            "wp:ping_status": "open",
            "wp:post_name": own.name if own else slug(thread),
            "wp:status": "publish",
            "wp:post_type": own.type if own else "post",
        }
        return item(own.title if own else thread.title or thread.key, thread.url, children)


def _comment(comment: Comment, number: int, parent: int, local: datetime, *, with_addresses: bool) -> str:
    is_ping = comment.kind in (Kind.PINGBACK, Kind.WEBMENTION)
    children = {
        "comment_id": str(number),
        "comment_author": escape((comment.title if is_ping else "") or comment.author, quote=False),  # as it keeps them
        "comment_author_email": (comment.email or "") if with_addresses else "",
        "comment_author_url": comment.website or "",
        "comment_author_IP": "",
        "comment_date": time(local),
        "comment_date_gmt": time(comment.created_at),
        "comment_content": content(comment),
        "comment_approved": STATES[State(comment.state)],
        "comment_type": "pingback" if is_ping else str(comment.kind),
        "comment_parent": str(parent),
        "comment_user_id": "0",
    }
    return comment_element(children)


def item(title: str, url: str, fields: dict[str, str]) -> str:
    """Return the beginning of an article's element."""
    inside = "".join(_field(name, value) for name, value in fields.items())
    return f"<item>\n<title>{escape(title)}</title>\n<link>{escape(url)}</link>\n{inside}"


def comment_element(fields: dict[str, str]) -> str:
    """Return a comment's element."""
    inside = "".join(_field(f"wp:{name}", value) for name, value in fields.items())
    return f"<wp:comment>\n{inside}</wp:comment>\n"


def content(comment: Comment) -> str:
    """Return the HTML as WordPress keeps it of those who may not write any: few tags, line breaks as such."""
    text = LIST.sub(_as_lines, html_of(comment))
    for ours, theirs in INSTEAD.items():
        text = text.replace(ours, theirs)
    text = PARAGRAPHS.sub("\n\n", text).replace("<br>", "\n").removeprefix("<p>").removesuffix("</p>")
    if comment.kind == Kind.TRACKBACK and comment.title:
        return f"<strong>{escape(comment.title)}</strong>\n\n{text}"
    return text


def _as_lines(found: re.Match[str]) -> str:
    """Return a list as paragraphs with a sign before each line."""
    lines = ITEM.findall(found["items"])
    signs = (f"{number}." if found["kind"] == "ol" else "-" for number in count(1))
    return f"<p>{'<br>'.join(f'{sign} {line}' for sign, line in zip(signs, lines, strict=False))}</p>"


def _field(name: str, value: str) -> str:
    inside = CONTROLS.sub("", value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{inside}]]></{name}>\n"


def time(when: datetime) -> str:
    """Return a time as WordPress writes it, UTC."""
    return when.astimezone(UTC).strftime(SQL)
