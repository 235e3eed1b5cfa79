"""Addresses: what identifies a thread, and where our own pages are."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from commentsvc import settings
from commentsvc.characters import CONTROLS
from commentsvc.hosts import USUAL_PORTS, ascii_host, is_host_alone
from commentsvc.tracking import is_tracking

BYTES = "surrogateescape"  # how bytes that are not UTF-8 are decoded, to be recognised
NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what Python makes of them
ENCODED_RUN = re.compile(r"(?:%[0-9a-fA-F]{2})+")
LONE_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
IN_PATH = "%/?#"  # characters that mean something else unless percent-encoded
IN_QUERY = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|} "
MAX_KEY_LENGTH = 500  # characters
MAX_ADDRESS_LENGTH = 2000  # characters, percent-encoded
MAX_HOST_LENGTH = 253
MAX_ROUNDS = 10
SAFE_IN_PATH = "/%:@!$&'()*+,;=~"
SAFE_IN_QUERY = SAFE_IN_PATH.replace("'", "") + "?[]|^`{}"  # the special-query set of the URL Standard, 1.3
HIDDEN = re.compile(r"[\\\s\x00-\x20\x7f\ud800-\udfff]")
AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?([^/\\?#\s<>]*)", re.I)
IN_BRACKETS = re.compile(r"\[([0-9a-f:.]+)\]", re.I)
JOINERS = "\u200c\u200d"  # parts of Persian, Sinhala and Hindi names
MERGED_SLASHES = re.compile(r"^(https?:)/(?!/)", re.I)  # as some proxies do
WEB = re.compile(r"https?://", re.I)
FRAGMENT = re.compile(r"(?<=[^/])/*#[a-z][\w.:-]*\Z", re.I)  # the id of an element
SIGN_INSIDE = re.compile(r"(?!^)#")
PORT = re.compile(r":\d*\W*$")


def thread_key(address: str) -> str:
    """Return the thread key for an article's URL, path, or explicit id, in one form.

    No fragment, no white space around it, no trailing slash, no ``index.html``, no ``..``, no tracking parameters;
    Unicode NFC; percent-encoding only where the character would change the meaning. The query keeps its order and
    spelling. Applying it twice changes nothing.

    Raises:
        ValueError: it is too long, or not an address.
    """
    if len(address) > MAX_ADDRESS_LENGTH:
        raise ValueError("longer than an address")
    address = MERGED_SLASHES.sub(r"\1//", address.strip())
    if not WEB.match(address):
        address = _without_fragment(address)
    for _ in range(MAX_ROUNDS):  # a key may look like an address with more to remove
        before, address = address, _normalised(address)
        if address == before:
            return address
    raise ValueError("not an address")


def _normalised(address: str) -> str:
    parts = urlsplit(address) if WEB.match(address) else None
    path, query = (parts.path, parts.query) if parts else address.partition("?")[::2]
    kept = [one for one in query.split("&") if one and not is_tracking(unquote(one.partition("=")[0]))]
    path = _plain_path(_one_form(path).strip())
    return f"{path}?{'&'.join(_query_form(one) for one in kept)}" if kept else path


def _plain_path(path: str) -> str:
    """Remove slashes at both ends, a final ``index.html``, and dot segments (RFC 3986, 5.2.4)."""
    segments: list[str] = []
    for segment in path.strip("/").split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment != ".":
            segments.append(segment)
    while segments and segments[-1].lower() in ("", "index.html", "index.htm"):
        segments.pop()
    return "/".join(segments).lstrip("/")


def _without_fragment(typed: str) -> str:
    """Return a path, which begins with a slash, without its fragment; other ``#`` are encoded.

    They are parts of keys such as ``learn/c#`` and ``Issue #12``. One in front is of an id and stays.
    """
    bare = FRAGMENT.sub("", typed) if typed.startswith("/") else typed
    return SIGN_INSIDE.sub("%23", bare.lstrip("/"))


def _one_form(path: str) -> str:
    return _decoded(path, IN_PATH)


def _query_form(pair: str) -> str:
    return quote(_decoded(pair, IN_QUERY), safe=SAFE_IN_QUERY)


def _decoded(text: str, keep: str) -> str:
    """Decode to NFC without controls; what must be ``keep``-ed apart or is not UTF-8 stays encoded."""

    def decode(run: re.Match[str]) -> str:
        decoded = unquote_to_bytes(run[0]).decode("utf-8", BYTES)
        return with_bytes("".join(f"%{ord(char):02X}" if char in keep else char for char in decoded))

    decoded = ENCODED_RUN.sub(decode, LONE_PERCENT.sub("%25", text))
    return unicodedata.normalize("NFC", re.sub(r"[\t\n]", "", CONTROLS.sub("", decoded)))


def with_bytes(text: str) -> str:
    """Return ``text`` with ``%E9`` for each byte that was not UTF-8."""
    return NOT_UTF8.sub(lambda half: f"%{ord(half[0]) - 0xDC00:02X}", text)


def below_base_url(address: str) -> str | None:
    """Return what follows our own address in a web address, as ``/t/blog/x``; None for an address elsewhere."""
    base = settings.current().path
    if origin_of(address) != own_origin():
        return None
    parts = urlsplit(address)
    path = parts.path.removeprefix(base) if f"{parts.path}/".startswith(f"{base}/") else None
    return None if path is None else path + (f"?{parts.query}" if parts.query else "")


def own_origin() -> str:
    """Return the origin of our own pages."""
    return origin_of(settings.current().base_url) or ""


def origin_of(url: str) -> str | None:
    """Return ``scheme://host[:port]`` of an http(s) URL in lower case, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "\\" in parts.netloc:
        return None
    host = ascii_host(parts.hostname)
    if not host or port == 0 or not is_host_alone(parts.netloc):
        return None
    usual = USUAL_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def host_of(address: str) -> str:
    """Return the host of a web address in a text, with or without a scheme; empty if there is none.

    In one form: IDNA, without ``www.``, port, user, and punctuation around it.
    """
    place = AUTHORITY.match(address[:MAX_ADDRESS_LENGTH])
    written = unquote(place[1]).rpartition("@")[2] if place else ""
    plain = unicodedata.normalize("NFKC", written.replace("\u3002", "."))
    if in_brackets := IN_BRACKETS.search(plain):
        return ascii_host(in_brackets[1])
    bare = "".join(char for char in plain if char in JOINERS or unicodedata.category(char) not in ("Cf", "Cc"))
    host = _without_signs(PORT.sub("", bare))
    host = ascii_host(host) or ascii_host(re.sub(f"[{JOINERS}]", "", host))  # where they are no part of the name
    bare = host.removeprefix("www.")
    return "" if len(host) > MAX_HOST_LENGTH else bare if "." in bare else host


def _without_signs(host: str) -> str:
    """Remove punctuation around a name; other signs, such as a heart, may be part of it."""
    start, end = 0, len(host)
    while start < end and _is_sign(host[start]):
        start += 1
    while end > start and _is_sign(host[end - 1]):
        end -= 1
    return host[start:end]


def _is_sign(char: str) -> bool:
    return not char.isalnum() if char.isascii() else unicodedata.category(char)[0] in "PZ"


@lru_cache(maxsize=4096)
def thread_path(site: str, key: str) -> str:
    """Return ``<site>/<key>``, encoded for use in a URL. Slashes of a query are no separators: dots stay text there."""
    path, mark, query = key.partition("?")
    return f"{quote(site)}/{quote(path, safe='/')}{quote(mark + query, safe='')}"


def absolute(path: str) -> str:
    """Return the full address of one of our own paths."""
    return settings.current().base_url + path


def thread_page(site: str, key: str) -> str:
    """Return the address of the thread's page."""
    return absolute(f"/t/{thread_path(site, key)}")


def comment(site: str, key: str, comment_id: int) -> str:
    """Return the address of a comment on whichever page of its thread it is."""
    return f"{thread_page(site, key)}?comment={comment_id}#comment-{comment_id}"


def comment_in_article(article: str, comment_id: int) -> str:
    """Return the address of a comment in the thread that an article's page shows."""
    return f"{article.partition('#')[0]}#comment-{comment_id}"


def comment_itself(comment_id: int) -> str:
    """Return the permanent address of a comment."""
    return absolute(f"/comments/{comment_id}")


def feed(site: str, key: str | None = None) -> str:
    """Return the address of the feed of a thread or a site."""
    return absolute(f"/feed/{quote(site)}" if key is None else f"/feed/{thread_path(site, key)}")


def follow(site: str, key: str) -> str:
    """Return where to subscribe to every comment of an article."""
    return absolute(f"/follow/{thread_path(site, key)}")


def trackback(site: str, key: str) -> str:
    """Return the trackback address of an article."""
    return absolute(f"/trackback/{thread_path(site, key)}")


def pingback() -> str:
    """Return the pingback address of all articles."""
    return absolute("/pingback")


def webmention() -> str:
    """Return the webmention address of all articles."""
    return absolute("/webmention")


def webmention_status(receipt: str) -> str:
    """Return the address of a webmention's status."""
    return absolute(f"/webmention/{receipt}")


def article(origin: str, key: str) -> str:
    """Return the address of an article with this key, if its key was made from its address."""
    path, _, query = key.partition("?")
    return f"{origin}/{quote(path, safe=SAFE_IN_PATH)}" + (f"?{query}" if query else "")


def same_page(one: str, other: str) -> bool:
    """Return whether two addresses differ at most in what ``thread_key`` ignores."""
    try:
        return (
            origin_of(one) is not None and origin_of(one) == origin_of(other) and thread_key(one) == thread_key(other)
        )
    except ValueError:
        return False


def same_address(one: str, other: str) -> bool:
    """Return whether two addresses are the same, apart from encoding and fragment."""
    return (first := _exact(one)) is not None and first == _exact(other)


def _exact(url: str) -> tuple[str, str, str] | None:
    origin = origin_of(url)
    if origin is None or len(url) > MAX_ADDRESS_LENGTH:
        return None
    parts = urlsplit(url)
    return origin, _one_form(parts.path) or "/", _one_form(parts.query)


def plain(url: str) -> str | None:
    """Return an http(s) address rebuilt from its parts, without fragment; None if it hides anything.

    Passwords, backslashes, white space and control characters are read differently by different programs.
    """
    origin = origin_of(url)
    if origin is None or len(url) > MAX_ADDRESS_LENGTH or HIDDEN.search(url):
        return None
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return None
    query = f"?{quote(parts.query, safe=SAFE_IN_QUERY)}" if parts.query else ""
    address = origin + (quote(parts.path, safe=SAFE_IN_PATH) or "/") + query
    return address if len(address) <= MAX_ADDRESS_LENGTH else None
