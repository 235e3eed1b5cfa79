"""Text smilies and the nine pictures they become."""

import re
from dataclasses import dataclass
from html import escape

from commentsvc.characters import BIDI_CONTROLS, ends_word, is_unspaced

FOLDER = "/static/smilies/"
SIZE = 18  # CSS pixels

CODES = {
    ":-)": "smile",
    ":)": "smile",
    ";-)": "wink",
    ";)": "wink",
    ":-(": "sad",
    ":(": "sad",
    ":-D": "laugh",
    ":D": "laugh",
    ":-P": "tongue",
    ":P": "tongue",
    ":-O": "eek",
    ":O": "eek",
    ":-|": "normal",
    ":|": "normal",
    "8-)": "cool",
    ":'(": "cry",
}
# A colon and what follows it, where no space is between words: “料金:(税込)”, “答案:D”.
ALSO_WRITING = frozenset((":(", ":D", ":P", ":O", ":|"))
PICTURES = tuple(dict.fromkeys(CODES.values()))

PATTERN = re.compile("|".join(re.escape(code) for code in sorted(CODES, key=len, reverse=True)))
BEFORE = frozenset(".!?,([\"'*_")
AFTER = frozenset(".!?,)]\"'*_")


@dataclass(frozen=True)
class Smiley:
    """A smiley found in a line: where it ends, and its picture."""

    end: int
    html: str


def at(line: str, position: int, folder: str) -> Smiley | None:
    """Return the smiley that starts at ``position``, if it stands alone."""
    match = PATTERN.match(line, position)
    if match is None or not _stands_free(line, position, match.end()):
        return None
    return Smiley(match.end(), picture(match[0], folder))


def _stands_free(line: str, start: int, end: int) -> bool:
    before, after = line[start - 1 : start], line[end : end + 1]
    if line[start:end] in ALSO_WRITING and is_unspaced(before):
        return False
    return _is_free(before, BEFORE) and _is_free(after, AFTER)


def _is_free(char: str, signs: frozenset[str]) -> bool:
    return not char or char.isspace() or char in signs or ends_word(char) or BIDI_CONTROLS.match(char) is not None


def picture(code: str, folder: str = FOLDER) -> str:
    """Return the ``<img>`` for ``code``; its alternative text is what was typed."""
    return f'<img src="{folder}{CODES[code]}.svg" alt="{escape(code, quote=False)}" width="{SIZE}" height="{SIZE}">'
