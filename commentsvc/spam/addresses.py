"""The addresses in a text, as the rules about links and the bans of domains see them."""

import re
from html import unescape

from commentsvc import links
from commentsvc.characters import ENDS_ADDRESS
from commentsvc.markup.render import render

HREF = re.compile(r'<a href="([^"]+)"')  # as we write them
# Any scheme, and no word boundary in front: in scripts without spaces, an address follows a letter.
ADDRESS = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{1,9}}://|(?<![a-z0-9])www\.)[^\s<>\]\"'`{ENDS_ADDRESS}]{{1,{links.MAX_ADDRESS_LENGTH}}}",
    re.I | re.A,
)


def in_text(text: str) -> list[str]:
    """Return every link that the text is shown with, and further addresses that a reader might follow."""
    if "://" not in text and "www." not in text.lower():
        return []
    shown = [unescape(href) for href in HREF.findall(render(text))]
    hosts = {links.host_of(one) for one in shown}
    return shown + [one for one in ADDRESS.findall(text) if links.host_of(one) not in hosts]


def without(text: str) -> str:
    """Return a text without the addresses in it."""
    return ADDRESS.sub(" ", text)
