"""Classes of characters: controls, surrogates, invisible ones, those of scripts without spaces.

As ranges of Unicode 15, looked up here and nowhere else.
"""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

# C0 and C1 except tab and line feed, and what XML 1.0 excludes (2.2, Char) besides surrogates.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
BIDI_CONTROLS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # UAX 9, Bidi_Control
TURNS = frozenset({"R", "AL", "AN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
ZERO_WIDTH_SPACE = "\u200b"  # zero-width space, used between words of such scripts
FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"
# Letters and symbols by category that are invisible: Hangul fillers, the empty Braille cell.
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
UNSEEN = ("C", "M", "Z")  # first letters of the categories of controls, lone marks, spaces
# Blocks of scripts without spaces between words (UAX 14, classes SA, ID and CJ): Thai, Lao, Burmese, Khmer, Tai Le, New
# Tai Lue, Tai Tham, Javanese, Tai Viet; iteration marks and zero among Han; kana, full and half width; Bopomofo; Han.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9ff\uaa60-\uaadf"
    "\u3005-\u3007\u3031-\u3035\u303b\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f"
    "\u3400-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
# Chinese and Japanese punctuation, and full-width signs: an address in a text ends before them.
ENDS_ADDRESS = (
    "\u200b\ufe10-\ufe19\ufe30-\ufe6f\u3000-\u3004\u3008-\u3020\u3030"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffe6"
)
SIGNS = ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "So", "Sk")  # categories: punctuation, emoji and their skins
STACKING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # marks that go on any letter
# What looks like a letter, digit or mark by its category, and joins no word: variation selectors and the keycap, which
# end emoji; enclosed and full-width characters, which stand among Han and kana (UAX 14, class ID).
_APART = "\ufe00-\ufe0f\U000e0100-\U000e01ef\u20e3\u2460-\u24ff\u3200-\u33ff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_UNSPACED = re.compile(f"[{UNSPACED}]")
JOINS_NO_WORD = UNSPACED + _APART
_JOINS_NO_WORD = re.compile(f"[{JOINS_NO_WORD}]")
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7a3]")  # jamo and syllables
FULL_WIDTH_TILDE = "\uff5e"  # punctuation in Chinese and Japanese, a mathematical sign by its category


def holds_no_text(texts: Iterable[str]) -> bool:
    """Return whether there are lone surrogates, which no database takes."""
    return any("\ud800" <= char <= "\udfff" for text in texts if not text.isascii() for char in text)


def is_seen(text: str) -> bool:
    """Return whether ``text`` has anything visible."""
    return any(char not in BLANK and unicodedata.category(char)[0] not in UNSEEN for char in text)


def continues_word(char: str) -> bool:
    """Return whether ``char`` continues a word beside it: letters, digits, and marks on them.

    In scripts without spaces, any sign stands between two words.
    """
    return bool(char) and (char.isalnum() or unicodedata.category(char)[0] == "M") and not _JOINS_NO_WORD.match(char)


def ends_word(char: str) -> bool:
    """Return whether ``char``, beyond ASCII, ends a word: punctuation, emoji, signs, any in scripts without spaces."""
    if char.isascii():
        return False
    if char in (ZERO_WIDTH_SPACE, FULL_WIDTH_TILDE):
        return True
    return _JOINS_NO_WORD.match(char) is not None or unicodedata.category(char) in SIGNS


def is_unspaced(char: str) -> bool:
    """Return whether ``char`` is of a script without spaces between words."""
    return _UNSPACED.match(char) is not None


def is_hangul(char: str) -> bool:
    """Return whether ``char`` is Korean: particles follow a word without a space, foreign words, too."""
    return _HANGUL.match(char) is not None


def without_turns(address: str) -> str:
    """Percent-encode characters in a web address that change the direction of reading."""
    return BIDI_CONTROLS.sub(lambda found: quote(found[0]), address)


def isolated(text: str) -> str:
    """Return ``text`` for a place without ``<bdi>``, isolated from its surroundings (UAX 9, 2.7)."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in TURNS for char in text):
        return text
    return FIRST_STRONG_ISOLATE + BIDI_CONTROLS.sub("", text) + POP_DIRECTIONAL_ISOLATE
