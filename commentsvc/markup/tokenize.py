"""Tokenize text for searching: words without case and accents; in scripts without spaces, each character."""

import re
import unicodedata

from commentsvc.characters import UNSPACED

# What people omit in a search: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels.
_LEFT_OUT = re.compile("[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u0652\u0670]")
_NO_LETTER = re.compile(r"[\W_]")
_SIGNS = ("Mn", "Mc")  # categories of vowel signs and the like, which are parts of words in Hindi, Tamil and others
_UNSPACED = re.compile(f"([{UNSPACED}])")


def tokenize(text: str) -> str:
    """Return words separated by spaces: ``Die Straße, déjà vu`` becomes ``die strasse deja vu``, ``東京`` ``東 京``."""
    if text.isascii():
        return " ".join(_NO_LETTER.sub(" ", text.lower()).split())
    plain = _LEFT_OUT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    spaced = _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFKC", plain))
    return " ".join(_NO_LETTER.sub(_between, spaced).split())


def _between(found: re.Match[str]) -> str:
    return found[0] if unicodedata.category(found[0]) in _SIGNS else " "
