"""Host names in the one form in which browsers look them up."""

import ipaddress
import re
import socket

USUAL_PORTS = {"http": 80, "https": 443}
MAX_LABEL_LENGTH = 63  # between two dots (RFC 1035, 2.3.4)
ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)\.?$")  # as an IPv4 address has, and no name
JOINERS = "\u200c\u200d"
# Characters in real host names, of those that browsers accept; no label is empty.
NAME = re.compile(r"(?!.*\.\.)[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_.])?")
ENCODED = "xn--"  # how a label begins that is Punycode (RFC 5890, 2.3.2.1)
IN_BRACKETS = re.compile(r"(?:[^@]*@)?\[[0-9a-f:.]+\](?::\d*)?", re.I)  # an IPv6 address and nothing else


def is_host_alone(netloc: str) -> bool:
    """Return whether nothing but a port stands behind an address in brackets."""
    return "[" not in netloc or IN_BRACKETS.fullmatch(netloc) is not None


def ascii_host(host: str) -> str:
    """Return ``host`` as browsers look it up; empty if it is not a host.

    In lower case and with ``xn--`` (UTS 46, non-transitional), an IPv6 address short and in brackets.
    """
    if ":" in host:
        return _address(host)
    mapped = host.lower() if host.isascii() and ENCODED not in host.lower() else _mapped(host)
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
    import idna  # its tables take time to load, and most hosts need none

    try:
        plain = idna.uts46_remap(host, std3_rules=False, transitional=False)
        for label in plain.split("."):  # no joiner outside of scripts that have one (RFC 5892, appendix A)
            if any(char in JOINERS and not idna.valid_contextj(label, at) for at, char in enumerate(label)):
                return ""
        labels = [_encoded(label) for label in plain.split(".")]
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(labels) if all(len(one) <= MAX_LABEL_LENGTH for one in labels) else ""


def _encoded(label: str) -> str:
    """Return a label in ASCII; raises ``UnicodeError`` or ``IDNAError`` if it is no valid Punycode."""
    import idna

    if label.startswith(ENCODED):
        meant = label.removeprefix(ENCODED).encode("ascii").decode("punycode")
        if meant.isascii() or idna.uts46_remap(meant, std3_rules=False, transitional=False) != meant:
            raise UnicodeError
    return label if label.isascii() else f"{ENCODED}{label.encode('punycode').decode()}"
