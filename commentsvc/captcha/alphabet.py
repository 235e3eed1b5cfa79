"""Which characters a challenge uses, and what is meant by others that people type for them."""

import hashlib
import random
import unicodedata

MAX_LENGTH = 100  # characters that are looked at
LETTERS = "ACFHLNPTU369"
LETTERS_USED = 11  # of them are used by one installation: 11⁶ answers are 21 bits
# Letters left out because people confuse them. When typed, they mean one of their look-alikes.
LOOK_ALIKES = {
    "G": "69",
    "Q": "9",
    "E": "F",
    "V": "U",
    "J": "U",
    "R": "AP",
    "8": "3",
    "B": "36",
    "1": "L",
    "I": "L",
    "7": "T",
    "K": "HN",
    "X": "N",
    "Y": "TN",
    "M": "N",
}


def of(secret: str) -> str:
    """Return the characters that the installation with this secret uses, in its own order."""
    rng = random.Random(hashlib.sha256(f"captcha letters {secret}".encode()).digest())
    return "".join(rng.sample(LETTERS, LETTERS_USED))


def matches(typed: str, answer: str) -> bool:
    """Return whether what was typed means ``answer``, ignoring case, spaces and look-alikes."""
    letters = "".join(unicodedata.normalize("NFKC", typed[:MAX_LENGTH]).split()).upper()
    if len(letters) != len(answer):
        return False
    return all(real in LOOK_ALIKES.get(letter, letter) for letter, real in zip(letters, answer, strict=True))


def matches_digits(typed: str, digits: str) -> bool:
    """Return whether what was typed are ``digits``, in any script, with or without spaces and hyphens."""
    typed_digits = "".join(str(unicodedata.digit(char)) for char in typed[:MAX_LENGTH] if char.isdigit())
    return looks_like_audio_answer(typed) and typed_digits == digits


def looks_like_audio_answer(typed: str) -> bool:
    """Return whether what was typed can only answer a sound: digits and nothing else."""
    return bool(typed) and all(char.isdigit() or char in " -" for char in typed[:MAX_LENGTH])
