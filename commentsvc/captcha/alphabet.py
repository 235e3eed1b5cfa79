"""Which characters a challenge uses, and what is meant by others that people type for them."""

ALPHABET = "ACFHKLNPTUY369"
# Letters the alphabet leaves out because people confuse them; typed anyway, they mean their look-alike.
LOOK_ALIKES = str.maketrans(
    {
        "G": "6",
        "Q": "9",
        "E": "F",
        "V": "U",
        "J": "U",
        "R": "A",
        "8": "3",
        "B": "3",
        "1": "L",
        "I": "L",
        "7": "T",
        "X": "K",
        "M": "N",
    }
)


def fold(typed: str) -> str:
    """What was typed, as the picture spells it: capitals, no spaces, look-alikes replaced."""
    return "".join(typed.split()).upper().translate(LOOK_ALIKES)
