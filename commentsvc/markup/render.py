"""Render comment text: ``*strong*``, ``_underlined_``, smilies, links, quotes, lists, code.

The rules R1 to R7 and their 73 examples are in tests/markup/test_render.py. In short: nothing is stripped, everything
is escaped; a delimiter needs a word boundary outside and no space inside; no span crosses a line; of overlapping spans,
the one that closes first wins. Time is linear in the length.

Beside these, as Markdown has them: ``**strong**``, ``[words](address)``, lists of ``- `` or ``1. `` with at least two
items, and ``***`` alone on a line between others.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape, unescape

from commentsvc.characters import CONTROLS
from commentsvc.markup import inline, sanitize, smilies

FENCE = re.compile(r" {0,3}(`{3,})[^`]*")  # the rest of the line, such as a language name, is not shown
MAX_FENCE_INDENT = 3
MAX_QUOTE_DEPTH = 6
LIST_ITEM = re.compile(r"(?:-|(?P<number>0|[1-9][0-9]{0,8})\.)[ \t]+(?=\S)")
RULE = "***"
OPENING = frozenset("`>-*0123456789")  # what a line that opens a block begins with, after spaces
LABELLED_LINK = re.compile(r'<a href="([^">]*)" rel="[^">]*" title="[^">]*">(.*?)</a>')
LINK = re.compile(r"<a [^>]*>|</a>")  # as we write them: no other > is in a tag
TAG = re.compile(r"<[^>]*>")  # no attribute of ours holds a >
SMILEY = re.compile(r'<img [^>]*alt="([^"]*)"[^>]*>')


def render(source: str, smilies_at: str = smilies.FOLDER) -> str:
    """Return the HTML of a comment; ``smilies_at`` is the folder (path or full address) of the pictures."""
    return sanitize.clean(_blocks(lines(source), smilies_at, depth=0))


def render_for_email(source: str) -> str:
    """Return the HTML of a comment in an email.

    Without links, which emails make look trustworthy, and without images; an address behind words stands after them.
    """
    return LINK.sub("", LABELLED_LINK.sub(r"\2 (\1)", SMILEY.sub(r"\1", render(source))))


def visible_text(source: str) -> str:
    """Return what a reader sees of a comment, smilies as typed."""
    return unescape(TAG.sub(" ", SMILEY.sub(r"\1", _blocks(lines(source), smilies.FOLDER, depth=0))))


def lines(source: str) -> list[str]:
    """Return the lines of ``source``, without control characters."""
    one_kind = source.replace("\r\n", "\n").replace("\r", "\n")
    return [line if line.isprintable() else CONTROLS.sub("", line) for line in one_kind.split("\n")]


def one_line(source: str) -> str:
    """Return ``source`` on one line, without control characters, with single spaces."""
    return " ".join(CONTROLS.sub("", source).split())


def _blocks(source: list[str], smilies_at: str, depth: int) -> str:
    return "".join(block.html(smilies_at, depth) for block in _split(source, depth))


@dataclass(frozen=True)
class _Paragraph:
    lines: list[str]

    def html(self, smilies_at: str, depth: int) -> str:
        return f"<p>{'<br>'.join(inline.html(line, smilies_at) for line in self.lines)}</p>"


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


@dataclass(frozen=True)
class _List:
    lines: list[str]

    def html(self, smilies_at: str, depth: int) -> str:
        tag = "ul" if self.lines[0].startswith("-") else "ol"
        return f"<{tag}>{''.join(self._items(smilies_at))}</{tag}>"

    def _items(self, smilies_at: str) -> Iterator[str]:
        expected = 1
        for mark, text in _items(self.lines):
            number = int(mark["number"] or expected)  # browsers count themselves where it is as expected
            value = f' value="{number}"' if number != expected else ""
            expected = number + 1
            yield f"<li{value}>{'<br>'.join(inline.html(line, smilies_at) for line in text)}</li>"


@dataclass(frozen=True)
class _Rule:
    lines: list[str]

    def html(self, smilies_at: str, depth: int) -> str:
        return "<hr>"


_Block = _Paragraph | _Quote | _Code | _List | _Rule


def _split(source: list[str], depth: int) -> list[_Block]:
    blocks: list[_Block] = []
    source = _without_blank_ends(source)
    position = 0
    while position < len(source):
        block, position = _next_block(source, position, depth)
        if block.lines:
            blocks.append(block)
    return blocks


def _without_blank_ends(source: list[str]) -> list[str]:
    start, end = 0, len(source)
    while start < end and not source[start].strip():
        start += 1
    while start < end and not source[end - 1].strip():
        end -= 1
    return source[start:end]


def _next_block(source: list[str], start: int, depth: int) -> tuple[_Block, int]:
    quotes, line = depth < MAX_QUOTE_DEPTH, source[start]
    if not line.strip():
        return _Paragraph([]), start + 1
    if _may_open_a_block(line):
        if fence := FENCE.fullmatch(line):
            return _code(source, start + 1, fence[1])
        if quotes and line.startswith(">"):
            end = _run(source, start, lambda at: source[at].startswith(">"))
            return _Quote(source[start:end]), end
        if end := _list_end(source, start):
            return _List(source[start:end]), end
        if _is_rule(source, start):
            return _Rule([RULE]), start + 1
    end = _run(source, start + 1, lambda at: bool(source[at].strip()) and not _opens_a_block(source, at, quotes))
    return _Paragraph(source[start:end]), end


def _code(source: list[str], start: int, fence: str) -> tuple[_Block, int]:
    end = _run(source, start, lambda at: not _closes(source[at].rstrip(), fence))
    return _Code(source[start:end]), end + 1


def _closes(line: str, fence: str) -> bool:
    bare = line.lstrip(" ")
    return len(line) - len(bare) <= MAX_FENCE_INDENT and len(bare) >= len(fence) and not bare.strip("`")


def _may_open_a_block(line: str) -> bool:
    """Return whether a line is worth a closer look; most are not."""
    return line.lstrip()[:1] in OPENING


def _opens_a_block(source: list[str], at: int, quotes: bool) -> bool:
    line = source[at]
    if not _may_open_a_block(line):
        return False
    is_quote = quotes and line.startswith(">")
    return FENCE.fullmatch(line) is not None or is_quote or _is_rule(source, at) or bool(_list_end(source, at))


def _is_rule(source: list[str], at: int) -> bool:
    """Return whether it is a rule: between other lines; alone it is what somebody wrote."""
    return source[at].strip() == RULE and 0 < at < len(source) - 1


def _list_end(source: list[str], start: int) -> int:
    """Return where the list that begins at this line ends, 0 if none does: one item alone may be anything.

    Indented lines belong to the item above them; blank ones may stand between two items.
    """
    first = LIST_ITEM.match(source[start])
    if not first:
        return 0
    end, items = start + 1, 1
    for at in range(start + 1, len(source)):
        mark = LIST_ITEM.match(source[at])
        if mark and bool(mark["number"]) == bool(first["number"]):
            end, items = at + 1, items + 1
        elif source[at].strip():
            if not source[at].startswith(("  ", "\t")) or end < at:
                break
            end = at + 1
    return end if items > 1 else 0


def _items(source: list[str]) -> Iterator[tuple[re.Match[str], list[str]]]:
    """Yield each item of a list: its mark, and its lines without it."""
    item: tuple[re.Match[str], list[str]] | None = None
    for line in source:
        if mark := LIST_ITEM.match(line):
            if item:
                yield item
            item = mark, [line[mark.end() :]]
        elif item and line.strip():
            item[1].append(line.strip())
    if item:
        yield item


def _run(source: list[str], start: int, belongs: Callable[[int], bool]) -> int:
    end = start
    while end < len(source) and belongs(end):
        end += 1
    return end
