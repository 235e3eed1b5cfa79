"""Write one web page with everything that readers see: to keep, or to put beside the articles."""

from collections.abc import Iterator
from html import escape

from commentsvc.markup.render import SMILEY
from commentsvc.models.comment import Comment, State
from commentsvc.models.thread import Thread
from commentsvc.transfer.export_writer import NOT_APPROVED, Exported, ExportWriter

HEAD = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>body {{ max-width: 40em; margin: 1em auto; padding: 0 1em; font: 1em/1.5 sans-serif; overflow-wrap: anywhere }}
article {{ border-top: 1px solid #ccc }} header {{ margin-top: 1em }} .reply {{ margin-inline-start: 2em }}</style>
<h1>{name}</h1>
"""
FOOT = "</html>\n"


class PageWriter(ExportWriter):
    """Writes one page."""

    title = "HTML"
    suffix = "html"

    def head(self) -> str:
        """Return the beginning, with the name of the blog."""
        return HEAD.format(name=escape(self.blog.name), language=self.blog.language)

    def thread(self, exported: Exported) -> Iterator[str]:
        """Yield a section, if anything in the thread can be read."""
        comments = list(exported.comments)
        inside = [_comment(one, with_addresses=self.with_addresses) for one in comments if one.state == State.APPROVED]
        self.left_out[NOT_APPROVED] += len(comments) - len(inside)
        if inside:
            yield _heading(exported.thread)
            yield from inside
            yield "</section>\n"

    def foot(self) -> str:
        """Return the end."""
        return FOOT


def _heading(thread: Thread) -> str:
    title = escape(thread.title or thread.key)
    return f'<section>\n<h2 dir="auto"><a href="{escape(thread.url)}">{title}</a></h2>\n'


def _comment(comment: Comment, *, with_addresses: bool) -> str:
    when = comment.written_at
    site = escape(comment.website or "")
    link = f' <a href="{site}" rel="nofollow ugc">{site}</a>' if site else ""
    email = f" {escape(comment.email)}" if with_addresses and comment.email else ""
    body = SMILEY.sub(r"\1", comment.body_html)
    kind = ' class="reply"' if comment.parent_id else ""
    reply = f' <a href="#comment-{comment.parent_id}">↩</a>' if comment.parent_id else ""
    is_its_own = comment.title and comment.title != comment.thread.title  # else each repeats the heading
    title = f"<p><b>{escape(comment.title)}</b></p>" if is_its_own else ""
    return (
        f'<article id="comment-{comment.id}"{kind} lang="{escape(comment.language)}" dir="auto">\n'
        f'<header><b>{escape(comment.author)}</b>{email}{link} <time datetime="{when.isoformat()}">'
        f"{when:%Y-%m-%d %H:%M}</time>{reply}</header>\n{title}{body}\n</article>\n"
    )
