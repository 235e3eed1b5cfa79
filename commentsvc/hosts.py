"""Names of hosts in the one form in which browsers look them up."""

import re

LONGEST_LABEL = 63  # between two dots (RFC 1035, 2.3.4)
# URL Standard, forbidden domain code points; and the star, which no name has.
FORBIDDEN = re.compile(r"[\x00-\x20\x7f\"#%*/<>?@^`{|}\\]")


def ascii_host(host: str) -> str:
    """``host`` in lower case and with ``xn--`` (UTS 46, non-transitional); empty where no browser would go there."""
    mapped = host.lower() if host.isascii() else _mapped(host)
    return "" if FORBIDDEN.search(mapped) else mapped


def _mapped(host: str) -> str:
    import idna  # whose tables take their time, and most hosts need none

    try:
        plain = idna.uts46_remap(host, std3_rules=False, transitional=False)
        labels = [one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in plain.split(".")]
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(labels) if all(len(one) <= LONGEST_LABEL for one in labels) else ""
