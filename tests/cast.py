"""The people of every test: Ada owns, Hedy moderates, Bob and Grace comment, Mallory attacks.

Two sites, so tests can leak.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody with a name, an address, and something to say."""

    name: str
    email: str
    says: str


ADA = Person("Ada", "ada@blog.example", "Thank you both.")
ADAS_PASSWORD = "analytical engine 1843"
HEDY = Person("Hedy", "hedy@other.example", "Frequencies may hop.")
HEDYS_PASSWORD = "eighty-eight piano keys"
BOB = Person("Bob", "bob.canary@mail.example", "Mine still has a *cord* :-)")
GRACE = Person("Grace", "grace.canary@mail.example", "The _cat_ found it.")
MALLORY = Person("Mallory", "mallory@evil.example", "<script>alert(1)</script> *hello*")

BLOG = "https://blog.example"
OTHER_BLOG = "https://other.example"
ARTICLE = "2020/05/phone.html"
ARTICLE_URL = f"{BLOG}/{ARTICLE}"
