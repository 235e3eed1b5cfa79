"""The last gate before HTML is stored: bleach allows what our renderer can write, and nothing else."""

import re
from functools import lru_cache
from threading import local
from typing import TYPE_CHECKING

from commentsvc.markup import smilies

if TYPE_CHECKING:
    from bleach.sanitizer import Cleaner

TAGS = frozenset({"p", "br", "hr", "strong", "u", "a", "img", "code", "pre", "blockquote", "ul", "ol", "li"})
LINK_REL = "ugc nofollow noopener"
SMILEY_ADDRESS = re.compile(
    r"(?:https?://[^/?#\s]+(?:/[^?#\s]*)?)?/static/smilies/(?:" + "|".join(smilies.PICTURES) + r")\.svg"
)
SMILEY_SIZE = str(smilies.SIZE)

_per_thread = local()


def clean(html: str) -> str:
    """Return ``html`` with only the tags, attributes and addresses we write; everything else is escaped."""
    return str(_cleaner().clean(html))


def _cleaner() -> "Cleaner":
    # A Cleaner holds a parser with state: one for each thread.
    if not hasattr(_per_thread, "cleaner"):
        from bleach.sanitizer import Cleaner  # 4 MiB, for who writes

        _per_thread.cleaner = Cleaner(tags=TAGS, attributes=_is_ours, protocols={"http", "https"}, strip=False)
    cleaner: Cleaner = _per_thread.cleaner
    return cleaner


@lru_cache(maxsize=1024)
def _is_ours(tag: str, name: str, value: str) -> bool:
    match tag, name:
        case "a", "href":
            return value.lower().startswith(("http://", "https://"))
        case "a", "rel":
            return value == LINK_REL
        case "a", "title":
            return True
        case "li", "value":
            return value.isdecimal()
        case "img", "src":
            return SMILEY_ADDRESS.fullmatch(value) is not None
        case "img", "alt":
            return value in smilies.CODES
        case "img", ("width" | "height"):
            return value == SMILEY_SIZE
    return False
