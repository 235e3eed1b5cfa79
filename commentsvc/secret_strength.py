"""Whether a secret key can be guessed: a placeholder, a text that a shell or template left, a walk on the keyboard."""

import hashlib
import re
from collections.abc import Callable
from string import punctuation

MIN_CHARACTERS = 8  # different ones in a secret
MIN_PERIOD = 17  # characters before a secret repeats itself
KEYBOARD = ("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./")
# What a shell, a template or a tool would have replaced, as a whole or in it. Names are of one case, noise is not.
NAME = r"(?-i:[A-Z_]{4,}|[a-z_]{4,})"
NAMED = rf"[\w .:|\"'()/$-]*{NAME}[\w .:|\"'()/$-]*"
REFERENCE = re.compile(
    r"\$\{?[A-Z_][A-Z_0-9]+\}?|`[\w ./:$-]+`|<[\w ,.:;/+'-]*>|[a-z]{2,}:(//|aws:).*|vault:.*"
    r"|/(?=.*[_.-])[\w.-]+(/[\w.-]+)+|-----BEGIN.*|__\w+__|\$ANSIBLE_VAULT;.*|@Microsoft\.KeyVault\(.*|ENC\[.*\]|projects/[\w-]+/secrets/.*"
    rf"|.*(\$\({NAME} .*\)|[#$%]\{{{NAME}[}}:]|\{{\{{{NAMED}\}}\}}|\{{% .* %\}}|\[\[{NAMED}\]\]|%\({NAME}\)s"
    r"|openssl.rand|/dev/urandom|\bsecrets\.token_).*",
    re.I,
)
MIN_WORDS = 4
VOCABULARY = (
    r"please|change|replace|insert|put|set|generate|use|enter|this|these|me|my|your|here|with|to|in|by|of|at|for|and|the|an?"
    r"|some|something|real|todo|before|going|live|outputs?|openssl|rand|hex|ci|secured?|immediately|generated|long|least|minimum|strong|very|super|more|random|secure|unique|string|text|value|characters?|chars?|bits?"
    r"|bytes?|secret|key|token|password|phrase|goes|jwt|flask|django|app|production|prod|dev|development|test|example|default"
    r"|commentsvc|comments?|blog"
)
# Words of placeholders that real sentences have, too.
FILLERS = (
    r"is|it|that|should|be|changed|else|insecure|purposes?|do|share|anyone|you|will|never|guess|only|not|so|no|local"
    r"|locally|testing|keyboard|cat|dog|correct|horse|battery|staple|hello|world|sample|demo|dummy|foo|bar|baz"
)
PLACEHOLDER = re.compile(rf"\d*(({VOCABULARY}|{FILLERS})[\d\W_]*)+", re.I)
PLACEHOLDERS_SHARE = 0.6  # of the words of a sentence that nobody has thrown dice for
MIN_NOISE = 18  # characters beside such words, as a generator makes them
DOCUMENTED = frozenset(  # in the tutorials of Flask and FastAPI
    (
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    )
)
# What programs print instead of a secret.
MESSAGE = re.compile(
    r"(?=.* ).*\b(not found|no such|denied|error|failed|exception|traceback|usage|invalid|unable|cannot)\b.*", re.I
)
PAGE = re.compile(r"\s*<(!doctype|html)\b.*", re.I | re.S)
HASHES = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256, 128: hashlib.sha512}  # by their hexadecimal digits
HASHED = ("", "password", "secret", "changeme", "admin", "test", "123456", "12345678", "qwerty", "commentsvc")
PLACES = {key: (row, column) for row, keys in enumerate(KEYBOARD) for column, key in enumerate(keys)}


def is_guessed_soon(secret: str) -> bool:
    """Return whether a secret is a placeholder, an unreplaced reference, a message, a hash of little, or too simple."""
    is_placeholder = PLACEHOLDER.fullmatch(re.sub(r"[-_ .]+", "", secret).strip(punctuation)) is not None
    words = re.findall(r"[a-z]{2,}", secret, re.I)
    known = sum(re.fullmatch(VOCABULARY, word, re.I) is not None for word in words)
    noise = re.sub(rf"{VOCABULARY}|{FILLERS}|[\W_]", "", secret, flags=re.I)
    is_sentence = len(words) >= MIN_WORDS and known >= PLACEHOLDERS_SHARE * len(words) and len(noise) < MIN_NOISE
    return (
        secret in DOCUMENTED
        or is_sentence
        or is_placeholder
        or any(form.fullmatch(secret) for form in (REFERENCE, MESSAGE, PAGE))
        or _is_hash_of_little(secret.split()[0].lower())
        or _is_simple(secret)
    )


def _is_hash_of_little(text: str) -> bool:
    """Return whether it is the hash of nothing, as of an unset variable, or of a word that everybody tries."""
    hashed = HASHES.get(len(text))
    return hashed is not None and any(
        hashed(f"{one}{end}".encode()).hexdigest() == text for one in HASHED for end in ("", "\n")
    )


def _is_simple(secret: str) -> bool:
    """Return whether a secret has few characters, repeats itself, or follows the alphabet or the keyboard."""
    few, repeats = len(set(secret)) < MIN_CHARACTERS, any(secret.startswith(secret[at:]) for at in range(1, MIN_PERIOD))
    in_alphabet = _share(secret, 1, _are_neighbours) > 2 / 3 or _share(secret, 2, _are_neighbours) > 3 / 4  # a1b2c3…
    return few or repeats or in_alphabet or _share(secret.lower(), 1, _are_near) > 0.7


def _share(secret: str, distance: int, are_close: Callable[[str, str], bool]) -> float:
    """Return which share of the characters is followed, at a distance, by one that is close to it."""
    pairs = list(zip(secret, secret[distance:], strict=False))
    return sum(are_close(*pair) for pair in pairs) / max(len(pairs), 1)


def _are_neighbours(one: str, other: str) -> bool:
    return abs(ord(one) - ord(other)) <= 1


def _are_near(one: str, other: str) -> bool:
    if one not in PLACES or other not in PLACES:
        return False
    (row, column), (other_row, other_column) = PLACES[one], PLACES[other]
    return abs(row - other_row) <= 1 and abs(column - other_column) <= 1
