"""Render one line of comment text: first code, links and addresses, then smilies and delimiters in the rest."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from commentsvc.characters import ENDS_ADDRESS, UNSPACED, continues_word, is_hangul, is_unspaced, without_turns
from commentsvc.hosts import ascii_host
from commentsvc.markup import smilies
from commentsvc.markup.sanitize import LINK_REL

if TYPE_CHECKING:
    from linkify_it import LinkifyIt

DELIMITERS = {"*": "strong", "**": "strong", "_": "u"}
MAX_URL_LENGTH = 2000  # characters
MAX_LOCAL_PART_LENGTH = 64
MAX_DOMAIN_LENGTH = 255
# Signs around addresses, beside other scripts' punctuation.
TRAILING = ".,;:!?*_'⋯❝❞´⟩←↑→↓"
# What closes, and what may have opened it: it belongs to an address that has both.
OPENS = {")": "(", "”": "“„", "“": "„", "’": "‘‚", "‘": "‚", "»": "«", "«": "»", "›": "‹", "‹": "›", "⟩": "⟨"}
# Categories: other brackets and quotation marks, of which nobody says which belong together, and what is not seen.
OPENING, CLOSING, UNSEEN = ("Ps", "Pi"), ("Pe", "Pf"), ("Cf",)
PUNCTUATION = ("Pd", "Pi", "Po", "Ps")  # the ends of sentences in all scripts, unless it is ASCII
AROUND = "|~^"  # signs that some put around an address, and that stand in others, too
# Punctuation that these scripts share with the Latin one ends an address where they go on.
URL_END = re.compile(
    rf"[\s\"<>`{ENDS_ADDRESS}]|[—―‥…”’]+(?=[{UNSPACED}])|(?<!_)—(?=[^\W_])|[,;|・](?=https?://|www\.)|$", re.I
)

ATOM_SIGNS = ("`", "\\", "[", "@", "://")
ATOM_START = re.compile(r"`[^`]+`|\\[*_\[]|\[|https?://(?=\S)|www\.(?=\w)|@", re.I)
# [words](address); parentheses in the address come in pairs.
LABELLED_LINK = re.compile(
    r"\[(?P<label>[^\[\]`]{1,300})\]\("
    r"(?P<url>(?:https?://|www\.)(?:[^\s()<>\"]|\((?:[^\s()<>\"]|\([^\s()<>\"]{0,500}\)){0,500}\)){1,1990})\)",
    re.I,
)
ADDRESS = re.compile(r"https?://|www\.", re.I)
HOST = re.compile(r"(?<=\A//)(?:\[[^\]\s]*\]|[^/?#:\s]+\.(?=[/?#:])|[^/?#:\s]+)")
MIXED_DOMAIN = re.compile(r"[a-z]{2,}(?=[^\x00-\x7f])", re.I)
TO_PORT = re.compile(r"(?<=\A//)[^/?#\s]*:\d+(?=[^\x00-\x7f])")
IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.I)
QUOTES = "\"'"
FACE = "^"  # beside it, a delimiter is a part of a face such as ^_^ or (*^▽^*)
MARK = re.compile(r"[*_:;8]")  # a delimiter, or the first character of a smiley
UNDERLINE = re.compile(r"(?<!\w)_(?![\s_])")  # what may begin underlined words
WORD = re.compile(r"[^\W_]+")
SIGN = re.compile(r"[*_:;8`\\\[@]")  # each line that is not plain text has one of these, or WWW
WWW = "www."
MAIL_LOCAL = re.compile(r"[\w.+@-]*\Z")
MAIL_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.A)


@dataclass
class _Delimiter:
    place: int  # where its text is in the output
    kind: str
    end: int  # in the line


def html(text: str, smilies_at: str, *, is_label: bool = False) -> str:
    """Return a line as HTML, without its paragraph; or the words of a link, which hold no links."""
    has_markup = SIGN.search(text) or WWW in text.lower()
    return Line(text, smilies_at, is_label).html() if has_markup else escape(text, quote=False)


@dataclass
class Line:
    """A line being rendered."""

    text: str
    smilies_at: str
    is_label: bool = False  # of a link, which holds no links
    _out: list[str] = field(default_factory=list)
    _open: list[_Delimiter] = field(default_factory=list)
    _last_word: int = -1  # where the last letter, digit or smiley before ``_searched`` is
    _searched: int = 0
    _open_count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DELIMITERS, 0))

    def html(self) -> str:
        """Return the line as HTML."""
        position = 0
        for start, end, html in _atoms(self.text, self.smilies_at, is_label=self.is_label):
            self._plain(position, start)
            self._out.append(html)
            position = end
        self._plain(position, len(self.text))
        return "".join(self._out)

    def _plain(self, start: int, end: int) -> None:
        """Render smilies and delimiters between two atoms."""
        position = start
        while found := MARK.search(self.text, position, end):
            self._say(position, found.start())
            position, char = found.start(), found.group()
            smiley = smilies.at(self.text, position, self.smilies_at) if char not in DELIMITERS else None
            if smiley and smiley.end <= end:
                self._out.append(smiley.html)
                self._last_word, self._searched = position, smiley.end
                position = smiley.end
                continue
            length = _run_length(self.text, position, end) if char in DELIMITERS else 1
            self._say(position, position + length)
            if char in DELIMITERS:
                self._delimiter(position, char * length)
            position += length
        self._say(position, end)

    def _say(self, start: int, end: int) -> None:
        if start < end:
            self._out.append(escape(self.text[start:end], quote=False))

    def _delimiter(self, position: int, kind: str) -> None:
        end = position + len(kind)
        before, after = self.text[position - 1 : position], self.text[end : end + 1]
        if kind not in DELIMITERS or (kind[0] in (before, after) and not self._is_escaped(position - 1)):
            return  # two underscores, or more stars in a row, are literal
        if FACE in (before, after):
            return
        is_star = kind[0] == "*"  # underscores beside Latin letters stand in names of files
        is_end = not continues_word(after) or is_hangul(after) or (is_star and is_unspaced(before))
        is_start = not continues_word(before) or (is_star and is_unspaced(after))
        if before and not before.isspace() and is_end and self._open_count[kind]:
            self._close(kind, position)
        elif after and not after.isspace() and is_start:
            self._open.append(_Delimiter(len(self._out) - 1, kind, end))
            self._open_count[kind] += 1

    def _is_escaped(self, position: int) -> bool:
        return position > 0 and self.text[position - 1] == "\\" and self.text[position] in DELIMITERS

    def _close(self, kind: str, position: int) -> None:
        """Pair with the nearest opener of this kind, if there is a word between; openers in between stay literal."""
        while True:
            opener = self._open.pop()
            self._open_count[opener.kind] -= 1
            if opener.kind == kind:
                break
        if not self._has_word(opener.end, position):  # as in (*_*)
            return
        tag = DELIMITERS[kind]
        self._out[opener.place] = f"<{tag}>"
        self._out[-1] = f"</{tag}>"

    def _has_word(self, start: int, end: int) -> bool:
        """Return whether anything to emphasise is in a part of the line; no later part may begin before it ends."""
        for word in WORD.finditer(self.text, self._searched, end):
            if len(word[0]) > 1 or not _is_in_face(self.text, word.start()):
                self._last_word = word.end() - 1
        self._searched = max(self._searched, end)
        return self._last_word >= start


def _is_in_face(text: str, at: int) -> bool:
    """Return whether a letter stands alone between signs, as in ``_(:з」∠)_``, and in no quotes or brackets."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at].isdigit() or is_unspaced(text[at]) or not (_is_sign(before) and _is_sign(after)):
        return False
    is_opened = before in QUOTES or unicodedata.category(before) in OPENING
    return not (is_opened and (after in QUOTES or unicodedata.category(after) in CLOSING))


def _is_sign(char: str) -> bool:
    return bool(char) and char not in DELIMITERS and unicodedata.category(char)[0] in "PS"


def _run_length(text: str, start: int, end: int) -> int:
    """Return how often the delimiter at ``start`` is repeated, before ``end``."""
    position = start + 1
    while position < end and text[position] == text[start]:
        position += 1
    return position - start


def _atoms(text: str, smilies_at: str, *, is_label: bool) -> list[tuple[int, int, str]]:
    """Yield ranges without markup (start, end, HTML): code, escapes, links, mail addresses, handles."""
    found: list[tuple[int, int, str]] = []
    if not any(sign in text for sign in ATOM_SIGNS) and WWW not in text.lower():
        return found  # as in most lines, and found out faster than by the expression
    position = 0
    while match := ATOM_START.search(text, position):
        start, end, html = _atom(text, match, found[-1][1] if found else 0, smilies_at)
        if end > start and not (is_label and html.startswith("<a ")):
            found.append((start, end, html))
        position = max(end, match.start() + 1)
    return found


def _atom(text: str, match: re.Match[str], after: int, smilies_at: str) -> tuple[int, int, str]:
    start, sign = match.start(), match[0]
    if sign.startswith("`"):
        return start, match.end(), f"<code>{escape(sign[1:-1], quote=False)}</code>"
    if sign.startswith("\\"):
        return start, match.end(), sign[1]
    if sign == "[":
        return _labelled_link(text, start, smilies_at)
    if sign == "@":
        return _address(text, start, after)
    return _link(text, start)


def _labelled_link(text: str, start: int, smilies_at: str) -> tuple[int, int, str]:
    """Return ``[words](address)`` as a link whose title names the host.

    Words that hold an address stay as typed: nobody is led elsewhere than where they read.
    """
    found = LABELLED_LINK.match(text, start)
    if not found or not found["label"].strip() or ADDRESS.search(found["label"]):
        return start, start, ""
    target = found["url"] if found["url"][:4].lower() == "http" else f"http://{found['url']}"
    host = _linked_host(target)
    if not host:
        return start, start, ""
    target, host = without_turns(target), without_turns(unquote(host))
    words = html(found["label"], smilies_at, is_label=True)
    return start, found.end(), f'<a href="{escape(target)}" rel="{LINK_REL}" title="{escape(host)}">{words}</a>'


def _address(text: str, at: int, after: int) -> tuple[int, int, str]:
    """Return a mail address or ``@user@host`` handle around the ``@``: shown as typed, never a link."""
    local = MAIL_LOCAL.search(text[max(after, at - MAX_LOCAL_PART_LENGTH) : at])
    start = at - (len(local[0]) if local else 0)
    domain = MAIL_DOMAIN.match(text, at + 1, at + 1 + MAX_DOMAIN_LENGTH)
    if domain is None:
        return at, at, ""
    end = domain.end()
    handle = text[end : end + 1] == "@" and MAIL_DOMAIN.match(text, end + 1, end + 1 + MAX_DOMAIN_LENGTH)
    if handle:
        end = handle.end()
    if start == at and not handle:
        return at, at, ""  # "@name" alone is plain text
    return start, end, escape(text[start:end], quote=False)


def _link(text: str, start: int) -> tuple[int, int, str]:
    if start and continues_word(text[start - 1]):
        return start, start, ""
    end = URL_END.search(text, start, start + MAX_URL_LENGTH)
    shown = _url_at(_up_to_quote(text[start - 1 : start], text[start : end.start()])) if end else ""
    if shown[-1:].isalnum() and text.startswith("_", start + len(shown)) and not UNDERLINE.search(text, 0, start):
        shown += "_"  # which belongs to it unless one before it may begin underlined words
    target = shown if shown[:4].lower() == "http" else f"http://{shown}"
    if not shown or not _linked_host(target):
        return start, start + len(shown), escape(shown, quote=False)
    end_of_link, target, shown = start + len(shown), without_turns(target), without_turns(shown)
    return start, end_of_link, f'<a href="{escape(target)}" rel="{LINK_REL}">{escape(shown, quote=False)}</a>'


def _up_to_quote(before: str, window: str) -> str:
    """Return the part before the quotation mark, or the same sign, that closes the one right before the address."""
    if before and before in AROUND:
        return window.rstrip(TRAILING + before)
    closing = [char for char, opening in OPENS.items() if before and before in opening and char != ")"]
    return window[: min((window.index(char) for char in closing if char in window), default=len(window))]


def _url_at(window: str) -> str:
    """Return the URL at the start of ``window`` by linkify-it's rules, without the sentence's punctuation."""
    scheme, prefix = ("http:", "http:") if window[:4].lower() == "http" else ("http:", "http://")
    if window[:5].lower() == "https":
        scheme = prefix = "https:"
    body = window[len(scheme) :] if prefix == scheme else f"//{window}"
    body = HOST.sub(_without_particle, TO_PORT.sub(r"\g<0>\n", body, count=1), count=1)
    length = _linkify().test_schema_at(HOST.sub(_simplified, body, count=1), scheme, 0)
    if not length:
        return ""
    matched = window[: len(scheme) + length] if prefix == scheme else window[: length - 2]
    return _without_trailing(matched)


def _without_particle(found: re.Match[str]) -> str:
    """Cut a host where a letter of another script, or a sign, follows a Latin top-level domain: none mixes the two."""
    host, dot, last = found[0].rpartition(".")
    latin = MIXED_DOMAIN.match(last) if dot else None
    return f"{host}.{latin[0]}\n" if latin and not _is_latin(last[latin.end()]) else found[0]


def _is_latin(char: str) -> bool:
    """Return whether it is a Latin letter, or joins one: a mark, a joiner."""
    return unicodedata.name(char, "").startswith("LATIN ") or unicodedata.category(char) in ("Mn", "Cf")


def _simplified(found: re.Match[str]) -> str:
    """Return a host as linkify-it accepts it, and as long: without ``_``, ``%``, a dot at the end, or brackets."""
    host = found[0].replace("_", "a").replace("%", "a")
    if IPV6.fullmatch(host):
        return "a" * (len(host) - 2) + ".a"
    return f"{host[:-1]}a" if host.endswith(".") else host


def _without_trailing(url: str) -> str:
    surplus = {char: url.count(char) - max(map(url.count, OPENS[char])) for char in OPENS if char in url}
    is_in_pairs = any(unicodedata.category(char) in OPENING for char in url)
    end = len(url)
    while end:
        char = url[end - 1]
        if surplus.get(char, 1 if _trails(char, is_in_pairs=is_in_pairs) else 0) <= 0:
            break
        end -= 1
        if char in surplus:
            surplus[char] -= 1
    return url[:end]


def _trails(char: str, *, is_in_pairs: bool) -> bool:
    """Return whether ``char`` at the end of an address is the sentence's; brackets are not if they are in pairs."""
    if char.isascii() or char in TRAILING:
        return char in TRAILING
    category = unicodedata.category(char)
    return category in UNSEEN or category in PUNCTUATION or (category in CLOSING and not is_in_pairs)


def _linked_host(url: str) -> str:
    """Return the host of a web address without a password that compatibility (NFKC) does not change; else nothing."""
    try:
        parts = urlsplit(unicodedata.normalize("NFC", url))
        is_same = url.isascii() or parts.netloc == urlsplit(unicodedata.normalize("NFKC", url)).netloc
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and "@" not in parts.netloc
    host = parts.hostname or ""
    return host if is_same and is_web and ascii_host(host) else ""


@cache
def _linkify() -> "LinkifyIt":
    from linkify_it import LinkifyIt  # compiles patterns of all Unicode

    return LinkifyIt()
