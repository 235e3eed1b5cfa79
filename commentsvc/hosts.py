"""Hosts and addresses as browsers read them (URL Standard)."""

import ipaddress
import re
import socket
from urllib.parse import unquote

USUAL_PORTS = {"http": 80, "https": 443}
MAX_LABEL_LENGTH = 63  # between two dots (RFC 1035, 2.3.4)
ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)\.?$")  # as an IPv4 address has, and no name
# Characters in real host names, of those that browsers accept; no label is empty.
NAME = re.compile(r"(?!.*\.\.)[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_.])?")
ENCODED = "xn--"  # how a label begins that is Punycode (RFC 5890, 2.3.2.1)
IN_BRACKETS = re.compile(r"(?:[^@]*@)?\[[0-9a-f:.]+\](?::\d*)?", re.I)  # an IPv6 address and nothing else


def is_host_alone(netloc: str) -> bool:
    """Return whether nothing but a port stands behind an address in brackets."""
    return "[" not in netloc or IN_BRACKETS.fullmatch(netloc) is not None


def ip_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an IP address; an IPv4 one also where a socket for both versions names it, as ``::ffff:192.0.2.1``.

    Raises:
        ValueError: it is none.
    """
    one = ipaddress.ip_address(text)
    return getattr(one, "ipv4_mapped", None) or one


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return a network; an IPv4 one also where it is written as ``::ffff:192.0.2.0/120``. Raises ``ValueError``."""
    network = ipaddress.ip_network(text, strict=False)
    inner = getattr(network.network_address, "ipv4_mapped", None)
    return ipaddress.ip_network((inner, network.prefixlen - 96)) if inner and network.prefixlen >= 96 else network


def ascii_host(host: str) -> str:
    """Return ``host`` as browsers look it up; empty if it is not a host.

    In lower case, percent-decoded and with ``xn--`` (URL Standard, 3.3 and 3.5), an IPv6 address short and in brackets.
    """
    if ":" in host:
        return _address(host)
    mapped = host.lower()
    if not host.isascii() or ENCODED in mapped or "%" in host:
        mapped = _mapped(host)
    if not NAME.fullmatch(mapped):
        return ""
    return _plain_address(mapped.removesuffix(".")) if ENDS_IN_NUMBER.search(mapped) else mapped


def _address(host: str) -> str:
    try:
        found = ipaddress.IPv6Address(host)
    except ValueError:
        return ""
    return "" if found.scope_id else f"[{found.compressed}]"


def _plain_address(host: str) -> str:
    """Return an IPv4 address in dotted decimal, however it is written (URL Standard, 3.5)."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


def _mapped(host: str) -> str:
    import ada_url  # most hosts need none of it

    try:
        plain = unquote(host, errors="strict")
        name = "" if "\0" in plain else ada_url.idna_to_ascii(plain).decode("ascii")  # which ends at a NUL
        labels = name.split(".")
        are_valid = all(len(one) <= MAX_LABEL_LENGTH and not _is_pretended(one) for one in labels)
    except UnicodeError:
        return ""
    return name if are_valid else ""


def _is_pretended(label: str) -> bool:
    """Return whether a label looks like Punycode and is none: such a one stays as it is when it is decoded."""
    import ada_url

    return label.startswith(ENCODED) and ada_url.idna_to_unicode(label).startswith(ENCODED)


def readable(address: str) -> str:
    """Return a web address with its host as people type it, in Unicode; only to be shown."""
    if ENCODED not in address:
        return address
    import ada_url

    scheme, sign, rest = address.rpartition("://")
    host = re.split(r"[:/?#]", rest, maxsplit=1)[0]
    return f"{scheme}{sign}{ada_url.idna_to_unicode(host)}{rest.removeprefix(host)}"


def join_url(base: str, address: str) -> str:
    """Return ``address``, found in a page, resolved against the page's ``base``; empty if it is no address."""
    import ada_url

    try:
        return ada_url.join_url(base, address)
    except ValueError:
        return ""
