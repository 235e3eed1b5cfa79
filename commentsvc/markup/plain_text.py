"""HTML of strangers to plain text: entities decoded once, tags gone, white space folded."""

import re
from html.parser import HTMLParser

SILENT = frozenset({"script", "style", "template", "noscript", "textarea", "title", "iframe"})
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}
)
BREAK = "\x1e"  # between two blocks of a page; folded into a space like any control character
WHITE_SPACE = re.compile(r"\s+")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def from_html(html: str) -> str:
    """The text a reader would see, on one line."""
    reader = _TextReader()
    reader.feed(html)
    reader.close()
    return fold("".join(reader.pieces))


def fold(text: str) -> str:
    """``text`` on one line, without control characters, runs of white space made one space."""
    return WHITE_SPACE.sub(" ", CONTROLS.sub(" ", text)).strip()


def crop(text: str, length: int) -> str:
    """``text``, cut at a word with an ellipsis where it is longer than ``length`` characters."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return at_word.rstrip(" .,;:") + "…"


def gap(tag: str) -> str:
    """What a reader sees between the texts before and after ``tag``: nothing for words in a line, else a break."""
    return "" if tag in INLINE else BREAK


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self.pieces.append(gap(tag))

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in SILENT))
        self.pieces.append(gap(tag))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)
