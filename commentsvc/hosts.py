"""Names of hosts in the one form in which browsers look them up."""

import ipaddress
import re

MAX_LABEL_LENGTH = 63  # between two dots (RFC 1035, 2.3.4)
NUMERIC = re.compile(r"0x[0-9a-f]*|[0-9]+")  # what the last label of an IPv4 address may be
JOINERS = "\u200c\u200d"
# Of what browsers let stand in a host, what hosts are called.
NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?")


def ascii_host(host: str) -> str:
    """``host`` in lower case and with ``xn--`` (UTS 46, non-transitional), an IPv6 address short and in brackets.

    Empty where nobody's host is called so.
    """
    if ":" in host:
        return _address(host)
    mapped = host.lower() if host.isascii() else _mapped(host)
    return mapped if NAME.fullmatch(mapped) and not _is_odd_address(mapped) else ""


def _address(host: str) -> str:
    try:
        found = ipaddress.IPv6Address(host)
    except ValueError:
        return ""
    return "" if found.scope_id else f"[{found.compressed}]"


def _is_odd_address(host: str) -> bool:
    """Whether browsers would take it for an IPv4 address in another spelling, such as ``127.1`` (URL Standard, 3.5)."""
    plain = host.removesuffix(".")
    if not NUMERIC.fullmatch(plain.rpartition(".")[2]):
        return False
    try:
        ipaddress.IPv4Address(plain)
    except ValueError:
        return True
    return False


def _mapped(host: str) -> str:
    import idna  # whose tables take their time, and most hosts need none

    try:
        plain = idna.uts46_remap(host, std3_rules=False, transitional=False)
        if any(_has_odd_joiner(label) for label in plain.split(".")):
            return ""
        labels = [one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in plain.split(".")]
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(labels) if all(len(one) <= MAX_LABEL_LENGTH for one in labels) else ""


def _has_odd_joiner(label: str) -> bool:
    """Whether there is a joiner where no script has one (RFC 5892, appendix A)."""
    import idna

    return any(char in JOINERS and not idna.valid_contextj(label, place) for place, char in enumerate(label))
