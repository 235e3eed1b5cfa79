"""Which characters a challenge uses, and what is meant by others that people type for them."""

import unicodedata

LONGEST = 100  # characters that are looked at
ALPHABET = "ACFHKLNPTUY369"
# Letters the alphabet leaves out because people confuse them; typed anyway, they mean one of their look-alikes.
LOOK_ALIKES = {
    "G": "69",
    "Q": "9",
    "E": "F",
    "V": "UY",
    "J": "U",
    "R": "AP",
    "8": "3",
    "B": "36",
    "1": "L",
    "I": "L",
    "7": "T",
    "X": "K",
    "M": "N",
}


def means(typed: str, answer: str) -> bool:
    """Whether what was typed means ``answer``: capitals or not, spaces or not, look-alikes taken for what they mean."""
    letters = "".join(unicodedata.normalize("NFKC", typed[:LONGEST]).split()).upper()
    if len(letters) != len(answer):
        return False
    return all(real in LOOK_ALIKES.get(letter, letter) for letter, real in zip(letters, answer, strict=True))
