"""Write the WXR that Disqus imports.

https://help.disqus.com/en/articles/1717222-custom-xml-import-format: every field is there, even if it is empty; links
are absolute; a person is an email address. Linkbacks, spam and deleted comments have no place in it.
"""

from collections.abc import Iterator

from commentsvc.models.comment import Comment, Kind, State
from commentsvc.models.thread import Access, Thread
from commentsvc.transfer.export_writer import LINKBACKS, Exported, ExportWriter
from commentsvc.transfer.formats import disqus
from commentsvc.transfer.formats.wordpress_out import END_OF_ARTICLE, comment_element, content, item, time

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dsq="http://www.disqus.com/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.0/">
<channel>
"""
FOOT = "</channel>\n</rss>\n"
STATES = {State.APPROVED: "1", State.PENDING: "0"}
MIN_LENGTH = 3  # characters; Disqus refuses shorter ones
NOT_PUBLISHED = "spam and deleted comments"
TOO_SHORT = "comments with fewer than three characters, which Disqus refuses"


class DisqusWriter(ExportWriter):
    """Without email addresses, each author gets one that is made up from their avatar's seed."""

    title = disqus.TITLE
    suffix = "xml"

    def head(self) -> str:
        """Return the beginning, up to the first article."""
        return HEAD

    def thread(self, exported: Exported) -> Iterator[str]:
        """Yield an article with its comments, or nothing if none can be exported."""
        written: set[int] = set()
        elements = []
        for comment in exported.comments:
            if why := _reason_left_out(comment):
                self.left_out[why] += 1
                continue
            parent = comment.parent_id if comment.parent_id in written else None
            elements.append(_comment(comment, parent or 0, with_addresses=self.with_addresses))
            written.add(comment.id)
        if elements:
            yield _article(exported.thread)
            yield from elements
            yield END_OF_ARTICLE

    def foot(self) -> str:
        """Return the end."""
        return FOOT


def _reason_left_out(comment: Comment) -> str | None:
    if comment.kind != Kind.COMMENT:
        return LINKBACKS
    if comment.state not in STATES:
        return NOT_PUBLISHED
    return TOO_SHORT if len(comment.body) < MIN_LENGTH else None


def _article(thread: Thread) -> str:
    children = {
        "content:encoded": "",
        "dsq:thread_identifier": thread.key,
        "wp:post_date_gmt": time(thread.created_at),
        "wp:comment_status": "open" if thread.access == Access.OPEN else "closed",
    }
    return item(thread.title or thread.key, thread.url, children)


def _comment(comment: Comment, parent: int, *, with_addresses: bool) -> str:
    children = {
        "comment_id": str(comment.id),
        "comment_author": comment.author,
        "comment_author_email": (comment.email if with_addresses else "") or f"{comment.seed}@example.invalid",
        "comment_author_url": comment.website or "",
        "comment_author_IP": "",
        "comment_date_gmt": time(comment.created_at),
        "comment_content": content(comment),
        "comment_approved": STATES[State(comment.state)],
        "comment_parent": str(parent),
    }
    return comment_element(children)
