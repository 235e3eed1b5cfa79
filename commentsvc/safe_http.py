"""Fetch strangers' pages without being used against anybody.

Every name is resolved once, all its addresses must be public, and the connection goes to the very address that was
checked; each redirect starts over. Size, headers, time and redirects are limited. Nothing private is sent.
"""

import http.client
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from commentsvc import __version__, settings
from commentsvc.characters import CONTROLS
from commentsvc.deadline import close_after
from commentsvc.errors import N_, Explained, PermanentFailure
from commentsvc.hosts import USUAL_PORTS, ascii_host, join_url

CONNECT_TIMEOUT = timedelta(seconds=5)
TOTAL_TIMEOUT = timedelta(seconds=15)
MAX_BODY_SIZE = 1_000_000  # bytes, after decompression
MAX_HEADERS_SIZE = 64_000  # bytes, all of them together
MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
REDIRECTS_OF_POSTS = (307, 308)
LATER = (408, 425, 429)
NO_WEB_ADDRESS, TOO_SLOW = N_("not a web address"), N_("the server is too slow")
FORM = "application/x-www-form-urlencoded; charset=utf-8"
CHUNK = 16_384


class FetchRefused(Explained, PermanentFailure):
    """The address may not be fetched; the reason is for moderators, not for the sender of a ping."""


class NotPublic(FetchRefused):
    """Host or port are not of the public web; COMMENTSVC_FETCH_ALLOW may name them."""


class FetchFailed(Explained):
    """The page is not available: unreachable, too slow, too large, broken."""


class RedirectTargetFailed(FetchFailed):
    """It failed at another host, to which the requested one redirected."""


@dataclass(frozen=True)
class FetchedPage:
    """A response: final address after redirects, status, headers in lower case, body."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_success(self) -> bool:
        """Whether the status means success."""
        return 200 <= self.status < 300

    @property
    def is_temporary_error(self) -> bool:
        """Whether the same request may succeed later: an outage says nothing about the page."""
        return self.status >= 500 or self.status in LATER


@dataclass(frozen=True)
class _Request:
    """A request; one with a ``body`` is a POST."""

    accept: str
    body: bytes | None = None
    content_type: str = ""
    further: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers."""
        headers = {"Accept": self.accept, "Accept-Encoding": "gzip", **self.further}
        if self.body is not None:
            headers |= {"Content-Type": self.content_type, "Content-Length": str(len(self.body))}
        return headers


Resolver = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of ``host``, as texts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise FetchFailed(N_("%(host)s has no address (%(why)s)"), host=host, why=why) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch(
    url: str,
    accept: str = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1",
    conditions: Mapping[str, str] = MappingProxyType({}),
    resolver: Resolver = resolve,
) -> FetchedPage:
    """GET ``url``, following at most three redirects; ``conditions`` are headers such as If-None-Match.

    Raises:
        FetchRefused: scheme, port or address is not allowed, here or after a redirect.
        FetchFailed: nothing usable came within the limits.
    """
    return _follow_redirects(url, _Request(accept, further=conditions), resolver, REDIRECTS)


def post(
    url: str,
    body: bytes,
    content_type: str,
    accept: str = "*/*",
    *,
    headers: Mapping[str, str] | None = None,
    follows: bool = True,
) -> FetchedPage:
    """POST ``body``, with further ``headers``. Redirects that repeat the POST are followed, unless not wanted.

    Raises:
        FetchRefused, FetchFailed: as ``fetch`` does.
    """
    request = _Request(accept, body, content_type, further=headers or {})
    return _follow_redirects(url, request, resolve, REDIRECTS_OF_POSTS if follows else ())


def post_form(url: str, fields: Mapping[str, str]) -> FetchedPage:
    """POST ``fields``, form-encoded in UTF-8, as ``post`` does."""
    return post(url, urlencode(fields).encode(), FORM, "text/plain, */*;q=0.1")


def _follow_redirects(url: str, request: _Request, resolver: Resolver, redirects: tuple[int, ...]) -> FetchedPage:
    deadline, first = time.monotonic() + TOTAL_TIMEOUT.total_seconds(), url
    for _ in range(MAX_REDIRECTS + 1):
        try:
            page = _fetch_once(url, request, resolver, deadline)
        except FetchFailed as failure:
            is_same = urlsplit(url).hostname == urlsplit(first).hostname
            raise failure if is_same else RedirectTargetFailed(failure.sentence, **failure.values) from failure
        target = page.headers.get("location")
        if page.status not in redirects or not target:
            return page
        url = join_url(url, target)
    raise FetchFailed(N_("too many redirects"))


def fetch_without_redirects(url: str) -> FetchedPage:
    """GET an address as ``fetch`` does, without following redirects.

    Raises:
        FetchRefused, FetchFailed: as ``fetch`` does.
    """
    deadline = time.monotonic() + TOTAL_TIMEOUT.total_seconds()
    return _fetch_once(url, _Request("*/*"), resolve, deadline)


def fetch_unrestricted(url: str) -> FetchedPage:
    """GET any address, private ones too; only for operators at their own terminal.

    Raises:
        FetchRefused: it is not a web address.
        FetchFailed: it does not answer.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or USUAL_PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise FetchRefused(NO_WEB_ADDRESS) from None
    deadline = time.monotonic() + TOTAL_TIMEOUT.total_seconds()
    return _fetch_from(resolve(parts.hostname or "", port)[0], parts, url, _Request("*/*"), deadline)


def certificate_ends(url: str) -> datetime:
    """Return when the certificate of one of our own addresses ends; raises ``FetchFailed`` if it is not accepted."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or USUAL_PORTS["https"]
    try:
        with _connected(resolve(host, port)[0], port) as line, _secured(line, parts) as safe:
            certificate = safe.getpeercert() if isinstance(safe, ssl.SSLSocket) else None
    except OSError as error:
        raise FetchFailed(str(error)[:300]) from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])) if certificate else 0, UTC)


def _fetch_once(url: str, request: _Request, resolver: Resolver, deadline: float) -> FetchedPage:
    parts = _checked(url)
    port = parts.port or USUAL_PORTS[parts.scheme]
    return _fetch_from(_public_address(parts.hostname or "", port, resolver), parts, url, request, deadline)


def _fetch_from(address: str, parts: SplitResult, url: str, request: _Request, deadline: float) -> FetchedPage:
    port = parts.port or USUAL_PORTS[parts.scheme]
    left = timedelta(seconds=deadline - time.monotonic())
    if left <= timedelta():
        raise FetchFailed(TOO_SLOW)
    try:
        with _connected(address, port) as line, _close_after(left, line):
            return _send(_secured(line, parts), parts, url, request)
    except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
        raise FetchFailed(str(error)[:300] or type(error).__name__) from error


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FetchRefused(NO_WEB_ADDRESS) from error
    host = ascii_host(parts.hostname or "")
    if parts.scheme not in USUAL_PORTS or not host:
        raise FetchRefused(NO_WEB_ADDRESS)
    if parts.username or parts.password:
        raise FetchRefused(N_("the address contains a password"))
    parts = parts._replace(netloc=host + (f":{port}" if port else ""))
    if port not in (None, 80, 443) and not _allowed(parts.hostname or "", port):
        raise NotPublic(N_("port %(port)d is neither 80 nor 443"), port=port)
    return parts


def _allowed(host: str, port: int | None) -> bool:
    return f"{ascii_host(host)}:{port}" in settings.current().fetch_allow


def _public_address(host: str, port: int, resolver: Resolver) -> str:
    addresses = resolver(host, port)
    if not addresses:
        raise FetchFailed(N_("%(host)s has no address"), host=host)
    if not _allowed(host, port):
        for address in addresses:
            if not is_public(address):
                raise NotPublic(N_("%(host)s has a private address"), host=host)
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether ``address`` is on the open internet, also when an IPv6 address embeds an IPv4 one."""
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(one, ipaddress.IPv6Address):
        inner = _inner_ipv4(one)
        if inner is not None:
            return is_public(str(inner))
    if any(one in network for network in RESERVED if network.version == one.version):
        return False
    return one.is_global and not one.is_multicast and not one.is_reserved and not one.is_unspecified


RESERVED = tuple(  # not every Python knows these
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "fec0::/10",
        "3ffe::/16",  # given back, RFC 3701
        "3fff::/20",
        "64:ff9b:1::/48",
        "100::/64",
        "168.63.129.16/32",  # the services of a virtual machine's host, in Microsoft's cloud
    )
)
ISATAP, OF_PUBLIC_IPV4 = 0x00005EFE, 0x02000000  # RFC 5214, 6.1: the upper half of the interface's number
NAT64 = ipaddress.ip_network("64:ff9b::/96")
IPV4_COMPATIBLE = ipaddress.ip_network("::/96")


def _inner_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in NAT64 or address in IPV4_COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if (int(address) >> 32) & 0xFFFFFFFF & ~OF_PUBLIC_IPV4 == ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


@contextmanager
def _connected(address: str, port: int) -> Iterator[socket.socket]:
    line = socket.create_connection((address, port), timeout=CONNECT_TIMEOUT.total_seconds())
    try:
        line.settimeout(TOTAL_TIMEOUT.total_seconds())
        yield line
    finally:
        line.close()


@contextmanager
def _close_after(timeout: timedelta, line: socket.socket) -> Iterator[None]:
    """Limit the whole fetch: a page may drip one byte at a time, so that no single read times out."""
    with close_after(timeout, lambda: line) as expired:
        try:
            yield
        finally:
            if expired.is_set():
                raise FetchFailed(TOO_SLOW)


def _secured(line: socket.socket, parts: SplitResult) -> socket.socket:
    if parts.scheme == "http":
        return line
    duplicate = line.dup()  # wrapping detaches a socket; the timer keeps the original, to close it
    return ssl.create_default_context().wrap_socket(duplicate, server_hostname=parts.hostname)


def _send(line: socket.socket, parts: SplitResult, url: str, request: _Request) -> FetchedPage:
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.sock = line
    try:
        connection.putrequest(request.method, _target(parts), skip_host=True, skip_accept_encoding=True)
        for name, value in _request_headers(parts, request).items():
            connection.putheader(name, value)
        connection.endheaders(request.body)
        with connection.getresponse() as answer:
            headers = _joined(answer.getheaders())
            if sum(len(name) + len(value) for name, value in answer.getheaders()) > MAX_HEADERS_SIZE:
                raise FetchFailed(N_("the headers are too large"))
            return FetchedPage(url, answer.status, headers, _bounded_body(answer, headers.get("content-encoding", "")))
    finally:
        connection.close()


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Return headers by name in lower case, without control characters; several Link headers as one (RFC 9110, 5.3)."""
    decoded = ((name, _decoded(value).replace("\t", " ").replace("\n", " ")) for name, value in headers)
    headers = [(name, CONTROLS.sub(" ", value)) for name, value in decoded]
    joined = {name.lower(): value for name, value in headers}
    if "link" in joined:
        joined["link"] = ", ".join(value for name, value in headers if name.lower() == "link")
    return joined


def _decoded(value: str) -> str:
    """Return a header's value, which ``http.client`` reads as Latin-1, as UTF-8 if it is: browsers do so, too."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _target(parts: SplitResult) -> str:
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    return path + (f"?{quote(parts.query, safe=SAFE_IN_QUERY)}" if parts.query else "")


SAFE_IN_QUERY = "/%:@!$&'()*+,;=~-._?[]"


def _request_headers(parts: SplitResult, request: _Request) -> dict[str, str]:
    about = f"Webmention, Pingback, Trackback; +{settings.current().base_url}"
    return {
        "Host": parts.netloc,
        "User-Agent": f"commentsvc/{__version__} ({about})",
        "Connection": "close",
        **request.headers,
    }


def _bounded_body(answer: http.client.HTTPResponse, encoding: str) -> bytes:
    if encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip"):
        raise FetchFailed(N_("unknown encoding: %(name)s"), name=encoding[:40])
    unpack = zlib.decompressobj(wbits=31) if "gzip" in encoding.lower() else None
    body = bytearray()
    while chunk := answer.read1(CHUNK):
        body += unpack.decompress(chunk, MAX_BODY_SIZE + 1 - len(body)) if unpack else chunk
        if len(body) > MAX_BODY_SIZE:
            raise FetchFailed(N_("the page is too large"))
        if unpack and unpack.eof:
            return bytes(body)
    if answer.length:
        raise FetchFailed(N_("the page was cut off"))
    return bytes(body)
