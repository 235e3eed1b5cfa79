"""Other systems' HTML as our markup. What it cannot say is counted; that the words stay the same is checked.

``body`` is our markup and ``body_html`` is rendered from it, always: there is no second truth beside it.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commentsvc.characters import ENDS_ADDRESS, JOINS_NO_WORD
from commentsvc.errors import N_
from commentsvc.markup import plain_text, smilies
from commentsvc.markup.inline import LABELLED_LINK
from commentsvc.markup.render import RULE, visible_text

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MAX_DEPTH = 40  # elements inside each other; deeper ones are read as text
MAX_QUOTES = 6
STRONG = frozenset({"b", "strong", "h1", "h2", "h3", "h4", "h5", "h6"})
UNDERLINED = frozenset({"em", "i", "u", "cite", "ins"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = HEADINGS | {
    *("p", "div", "section", "article", "header", "footer", "figure", "figcaption", "address", "center", "details"),
    *("summary", "main", "aside", "nav", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "table", "hr"),
    *("html", "body", "thead", "tbody", "tfoot", "tr"),
}
GONE = frozenset(
    {"script", "style", "form", "input", "button", "select", "textarea", "object", "noscript", "head", "title"}
)
MEDIA = frozenset({"iframe", "video", "audio", "embed", "source"})
ITALICS, TITLES, SCRIPTS = N_("italics, now underlined"), N_("headings"), N_("scripts and forms")
LAYOUT = frozenset({ITALICS, TITLES, SCRIPTS})  # no word is lost with these
STRUCK_OR_RAISED = N_("strikethrough, superscript or subscript text")
WEB = re.compile(r"https?://", re.I)
URL = re.compile(r"(?:https?://|www\.)\S+", re.I)
# Only between letters of a script with spaces is a delimiter nothing but a sign.
DELIMITER = re.compile(rf"(?<![^\W{JOINS_NO_WORD}])[*_]+|[*_]+(?![^\W{JOINS_NO_WORD}])|\[(?=[^\[\]\n]*\]\()")
ADDRESS_END = "\x1f"  # after an address that stands for itself, until it is known what follows
# By what would be taken for a part of it.
FOLLOWED = re.compile(rf"{ADDRESS_END}(?=[^\s.,;:!?)\]\"'<>”’»›{ENDS_ADDRESS}])")
FIRST = re.compile(r"(?=>|`{3}|(?:-|\d{1,9}\.)[ \t])")  # what would begin another block
SPACES = re.compile(r"[^\w*]+")
BLANK_LINE, BLANKS = re.compile(r"\n[ \t]*\n\s*"), re.compile(r"[ \t\f]+")
LIST_MARK = re.compile(r"^(?:-|\d+\.) ", re.M)
SIGNS = "*_`\\[>"  # without these and without a mark of a list, all of a text is visible


@dataclass
class Converted:
    """``lost`` counts what our markup cannot say, by name; ``text changed`` is among it if words are not the same."""

    markup: str
    lost: Counter[str] = field(default_factory=Counter)


def convert(html: str, *, breaks: bool = False) -> Converted:
    """Return HTML as markup. With ``breaks``, a line break in the text is one, as WordPress stores it."""
    root = plain_text.tree(html)
    if root is None:
        return Converted("")
    source = " ".join(_visible(root, []))
    first = _Converter(breaks=breaks, marks=True).convert(root)
    if _has_words(first.markup, source):
        return first
    plain = _Converter(breaks=breaks, marks=False).convert(root)
    if not _has_words(plain.markup, source):
        plain.lost[N_("text changed")] += 1
    return plain


def escape(text: str) -> str:
    """Return plain text as markup that says exactly this."""
    return "\n".join(_kept_apart(_escaped(line)) for line in text.split("\n"))


def _escaped(text: str) -> str:
    if "*" not in text and "_" not in text and "[" not in text:  # as in most texts
        return text
    out, position = [], 0
    for address in URL.finditer(text):
        out += [DELIMITER.sub(_with_backslashes, text[position : address.start()]), address[0]]
        position = address.end()
    return "".join([*out, DELIMITER.sub(_with_backslashes, text[position:])])


def _with_backslashes(found: re.Match[str]) -> str:
    return "".join(f"\\{char}" for char in found[0])


def _kept_apart(line: str) -> str:
    return f" {line}" if FIRST.match(line) else line


def _around(line: str, mark: str) -> str:
    bare = line.strip()
    return line.replace(bare, f"{mark}{bare}{mark}", 1) if bare else line


def _letters(text: str) -> str:
    return SPACES.sub("", URL.sub("", text)).casefold()


def _has_words(markup: str, source: str) -> bool:
    """Return whether readers of the markup see the words of the source, whatever follows an address without a space."""
    shown = visible_text(markup) if any(sign in markup for sign in SIGNS) else markup
    if shown.split() == source.split():  # as mostly
        return True
    letters = _letters(visible_text(LIST_MARK.sub("", markup)))
    return letters == _letters(source) or letters == _letters(visible_text(escape(source)))


def _visible(node: "Element", texts: list[str]) -> list[str]:
    """Append the texts that a reader sees to ``texts``, without addresses that stand for themselves; return them."""
    tag = node.tag
    if not isinstance(tag, str) or tag in GONE:
        return texts
    if tag == "a" and _is_address("".join(node.itertext()), node.get("href", "")):
        return texts
    if tag == "img":
        texts.append(_smiley(node))
    if node.text:
        texts.append(node.text)
    for child in node:
        _visible(child, texts)
        if child.tail:
            texts.append(child.tail)
    return texts


def _is_address(text: str, href: str) -> bool:
    """Return whether a link's text is its address, whole or cut."""
    bare, target = text.strip().rstrip("…").removesuffix("..."), WEB.sub("", href)
    return bool(bare) and bool(target) and target.startswith(WEB.sub("", bare)) and ("." in bare or "/" in bare)


def _smiley(image: "Element") -> str:
    alt = (image.get("alt") or "").strip()
    return alt if alt in smilies.CODES else ""


@dataclass
class _Converter:
    breaks: bool
    marks: bool
    lost: Counter[str] = field(default_factory=Counter)

    def convert(self, root: "Element") -> Converted:
        blocks = self._blocks(root, depth=0, quotes=0)
        while blocks and blocks[0] == RULE:  # a rule stands between others
            del blocks[0]
        while blocks and blocks[-1] == RULE:
            del blocks[-1]
        markup = FOLLOWED.sub(" ", "\n\n".join(blocks)).replace(ADDRESS_END, "")
        return Converted(markup, self.lost)

    def _blocks(self, node: "Element", depth: int, quotes: int) -> list[str]:
        """Return the blocks inside an element, each without blank lines around it."""
        blocks: list[str] = []
        line: list[str] = [self._text(node.text)]

        def flush() -> None:
            found = "".join(line)
            line.clear()
            if not found or found.isspace():  # as between two paragraphs
                return
            for part in BLANK_LINE.split(found) if "\n" in found else [found]:
                kept = "\n".join(_kept_apart(one.strip()) for one in part.split("\n"))
                if kept.strip():
                    blocks.append(kept.strip("\n"))

        for child in node:
            if isinstance(child.tag, str) and child.tag in BLOCKS:
                flush()
                blocks += self._block(child, depth + 1, quotes)
            elif isinstance(child.tag, str):
                line.append(self._inline(child, depth + 1))
            line.append(self._text(child.tail))
        flush()
        return blocks

    def _block(self, node: "Element", depth: int, quotes: int) -> list[str]:
        if depth > MAX_DEPTH:
            self.lost[N_("nesting")] += 1
            return [self._text(" ".join(node.itertext())).strip()]
        match node.tag:
            case "blockquote" if quotes < MAX_QUOTES:
                inside = "\n\n".join(self._blocks(node, depth, quotes + 1))
                return ["\n".join(f"> {one}".rstrip() for one in inside.split("\n"))] if inside else []
            case "pre":
                text = "".join(node.itertext()).strip("\n")
                return [f"```\n{text}\n```"] if text.strip() and "```" not in text else []
            case "ul" | "ol":
                return self._list(node, depth, quotes)
            case "table":
                return self._table(node)
            case "hr":
                return [RULE]
            case tag if tag in HEADINGS:
                self.lost[TITLES] += 1
                return [self._marked(one, "*") for one in self._blocks(node, depth, quotes)]
        return self._blocks(node, depth, quotes)

    def _list(self, node: "Element", depth: int, quotes: int) -> list[str]:
        items = []
        for child in node:
            if not isinstance(child.tag, str):
                continue
            inside = self._blocks(child, depth + 1, quotes)
            if child.tag in ("ul", "ol"):
                self.lost[N_("nesting")] += 1
                items += inside
            elif inside:
                mark = f"{len(items) + 1}. " if node.tag == "ol" else "- "
                first, *others = "\n".join(inside).split("\n")
                items.append("\n".join([mark + first.strip(), *(f"  {one.strip()}" for one in others)]))
        return ["\n".join(items)] if items else []

    def _table(self, node: "Element") -> list[str]:
        self.lost[N_("tables")] += 1
        rows = []
        for row in node.iter("tr"):
            cells = [
                " ".join(self._text(" ".join(cell.itertext())).split()) for cell in row if isinstance(cell.tag, str)
            ]
            rows.append(" | ".join(cells))
        return ["\n".join(rows)] if rows else []

    def _inline(self, node: "Element", depth: int) -> str:
        tag = node.tag
        if tag in GONE:
            self.lost[SCRIPTS] += 1
            return ""
        if tag == "br":
            return "\n"
        if tag == "img":
            return self._image(node)
        if tag in MEDIA:
            self.lost[N_("media")] += 1
            return f" {node.get('src') or ''} "
        if depth > MAX_DEPTH:
            self.lost[N_("nesting")] += 1
            return self._text(" ".join(node.itertext()))
        if tag in ("code", "tt", "kbd", "samp"):
            return self._code(node)
        if tag in ("del", "s", "strike", "sub", "sup"):
            self.lost[STRUCK_OR_RAISED] += 1
        inside = self._inside(node, depth)
        if tag == "a":
            return self._link(node, inside)
        if tag in STRONG:
            return self._marked(inside, "*")
        if tag in UNDERLINED:
            if tag not in ("u", "ins"):
                self.lost[ITALICS] += 1
            return self._marked(inside, "_")
        return inside

    def _inside(self, node: "Element", depth: int) -> str:
        parts = [self._text(node.text)]
        for child in node:
            if isinstance(child.tag, str) and child.tag in BLOCKS:
                parts.append("\n\n" + "\n\n".join(self._block(child, depth + 1, MAX_QUOTES)) + "\n\n")
            elif isinstance(child.tag, str):
                parts.append(self._inline(child, depth + 1))
            parts.append(self._text(child.tail))
        return "".join(parts)

    def _text(self, text: str | None) -> str:
        if not text:
            return ""
        if self.breaks:
            return _escaped(BLANKS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")))
        before, after = " " * text[0].isspace(), " " * text[-1].isspace()
        return _escaped(f"{before}{' '.join(text.split())}{after}" if not text.isspace() else " ")

    def _marked(self, text: str, mark: str) -> str:
        """Put marks around each line, as no span crosses one, and inside the spaces."""
        if not self.marks:
            self.lost[N_("emphasis")] += 1
            return text
        return "\n".join(_around(one, mark) for one in text.split("\n"))

    def _link(self, node: "Element", inside: str) -> str:
        href = (node.get("href") or "").strip()
        text = inside.strip()
        if not WEB.match(href) or re.search(r"\s", href):
            if href:
                self.lost[N_("links that lead nowhere")] += 1
            return inside
        if not text or _is_address("".join(node.itertext()), href):
            return href + ADDRESS_END
        labelled = f"[{' '.join(text.split())}]({href})"
        return labelled if LABELLED_LINK.fullmatch(labelled) and not URL.search(text) else f"{text} ({href})"

    def _image(self, node: "Element") -> str:
        if code := _smiley(node):
            return f" {code} "
        self.lost[N_("images")] += 1
        source = (node.get("src") or "").strip()
        return f" {source} " if WEB.match(source) else ""

    def _code(self, node: "Element") -> str:
        text = "".join(node.itertext())
        if "`" in text or "\n" in text.strip("\n"):
            self.lost[N_("code")] += 1
            return self._text(text)
        return f"`{text}`" if text.strip() else text
