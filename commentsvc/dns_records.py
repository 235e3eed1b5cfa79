"""DNS records about a domain's email."""

TIMEOUT = 5.0  # seconds


class NoAnswer(Exception):
    """The DNS cannot be queried at the moment."""


def texts(name: str) -> list[str]:
    """Return the TXT records of a name; raises ``NoAnswer``."""
    import dns.exception  # needed for test emails only, so no start waits for it
    import dns.resolver

    try:
        records = dns.resolver.resolve(name, "TXT", lifetime=TIMEOUT, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NoAnswer(str(error)[:200]) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in records]
