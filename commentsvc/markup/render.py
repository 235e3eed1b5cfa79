"""Render comment text: ``*strong*``, ``_underlined_``, smilies, links, quotes, code.

The rules R1 to R7 and their 73 examples are in tests/markup/test_render.py. In short: nothing is stripped, everything
is escaped; a
delimiter needs a word boundary outside and no space inside; no span crosses a line; of overlapping spans, the one that
closes first
wins. Time is linear in the length.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from commentsvc.characters import CONTROLS
from commentsvc.markup import sanitize, smilies
from commentsvc.markup.inline import Line

FENCE = re.compile(r"(`{3,})[^`]*")  # the rest of the line, such as a language name, is not shown
MAX_QUOTE_DEPTH = 6
LINK = re.compile(r"<a [^>]*>|</a>")  # as we write them: no other > is in a tag
SMILEY = re.compile(r'<img [^>]*alt="([^"]*)"[^>]*>')


def render(source: str, smilies_at: str = smilies.FOLDER) -> str:
    """Return the HTML of a comment; ``smilies_at`` is the folder (path or full address) of the pictures."""
    return sanitize.clean(_blocks(lines(source), smilies_at, depth=0))


def render_for_email(source: str) -> str:
    """Return the HTML of a comment in an email.

    Without links, which emails make look trustworthy, and without images.
    """
    return LINK.sub("", SMILEY.sub(r"\1", render(source)))


def lines(source: str) -> list[str]:
    """Return the lines of ``source``, without control characters."""
    one_kind = source.replace("\r\n", "\n").replace("\r", "\n")
    return CONTROLS.sub("", one_kind).split("\n")


def one_line(source: str) -> str:
    """Return ``source`` on one line, without control characters, with single spaces."""
    return " ".join(CONTROLS.sub("", source).split())


def _blocks(source: list[str], smilies_at: str, depth: int) -> str:
    return "".join(block.html(smilies_at, depth) for block in _split(source, depth))


@dataclass(frozen=True)
class _Paragraph:
    lines: list[str]

    def html(self, smilies_at: str, depth: int) -> str:
        return f"<p>{'<br>'.join(Line(line, smilies_at).html() for line in self.lines)}</p>"


@dataclass(frozen=True)
class _Quote:
    lines: list[str]

    def html(self, smilies_at: str, depth: int) -> str:
        inner = [line[1:].removeprefix(" ") for line in self.lines]
        return f"<blockquote>{_blocks(inner, smilies_at, depth + 1)}</blockquote>"


@dataclass(frozen=True)
class _Code:
    lines: list[str]

    def html(self, smilies_at: str, depth: int) -> str:
        return f"<pre><code>{escape(chr(10).join(self.lines), quote=False)}</code></pre>"


_Block = _Paragraph | _Quote | _Code


def _split(source: list[str], depth: int) -> list[_Block]:
    blocks: list[_Block] = []
    position = 0
    while position < len(source):
        block, position = _next_block(source, position, depth)
        if block.lines:
            blocks.append(block)
    return blocks


def _next_block(source: list[str], start: int, depth: int) -> tuple[_Block, int]:
    if fence := FENCE.fullmatch(source[start]):
        return _code(source, start + 1, fence[1])
    quotes = depth < MAX_QUOTE_DEPTH
    if quotes and source[start].startswith(">"):
        end = _run(source, start, lambda line: line.startswith(">"))
        return _Quote(source[start:end]), end
    if not source[start].strip():
        return _Paragraph([]), start + 1
    end = _run(source, start, lambda line: bool(line.strip()) and not _opens_a_block(line, quotes))
    return _Paragraph(source[start:end]), end


def _code(source: list[str], start: int, fence: str) -> tuple[_Block, int]:
    end = _run(source, start, lambda line: not _closes(line.rstrip(), fence))
    return _Code(source[start:end]), end + 1


def _closes(line: str, fence: str) -> bool:
    return len(line) >= len(fence) and not line.strip("`")


def _opens_a_block(line: str, quotes: bool) -> bool:
    return FENCE.fullmatch(line) is not None or (quotes and line.startswith(">"))


def _run(source: list[str], start: int, belongs: Callable[[str], bool]) -> int:
    end = start
    while end < len(source) and belongs(source[end]):
        end += 1
    return end
