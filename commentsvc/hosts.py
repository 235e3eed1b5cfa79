"""Names of hosts in the one form in which browsers look them up."""

import ipaddress
import re

MAX_LABEL_LENGTH = 63  # between two dots (RFC 1035, 2.3.4)
# Of what browsers let stand in a host, what hosts are called.
NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?")


def ascii_host(host: str) -> str:
    """``host`` in lower case and with ``xn--`` (UTS 46, non-transitional), an IPv6 address short and in brackets.

    Empty where nobody's host is called so.
    """
    if ":" in host:
        return _address(host)
    mapped = host.lower() if host.isascii() else _mapped(host)
    return mapped if NAME.fullmatch(mapped) else ""


def _address(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    except ValueError:
        return ""


def _mapped(host: str) -> str:
    import idna  # whose tables take their time, and most hosts need none

    try:
        plain = idna.uts46_remap(host, std3_rules=False, transitional=False)
        labels = [one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in plain.split(".")]
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(labels) if all(len(one) <= MAX_LABEL_LENGTH for one in labels) else ""
