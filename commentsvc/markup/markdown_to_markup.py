"""Markdown, as other comment systems take it, as our markup: by way of HTML."""

from functools import cache
from typing import TYPE_CHECKING

from commentsvc.markup import html_to_markup
from commentsvc.markup.html_to_markup import Converted

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def convert(markdown: str) -> Converted:
    """Return Markdown (CommonMark and ``~~``, with HTML inside, line breaks as typed) as markup."""
    return html_to_markup.convert(str(_renderer().render(markdown)))


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # needed only to bring comments in

    return MarkdownIt("commonmark", {"html": True, "breaks": True, "linkify": False}).enable("strikethrough")
