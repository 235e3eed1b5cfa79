"""What identifies an author: addresses, domains and words, in the same form in which bans store them."""

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from commentsvc import links, throttle
from commentsvc.characters import holds_no_text
from commentsvc.errors import N_, InvalidFields, Refusal
from commentsvc.hosts import ip_of, network_of, readable
from commentsvc.markup.render import one_line
from commentsvc.models.ban import BanKind
from commentsvc.models.comment import Comment
from commentsvc.spam import addresses

FULL_STOPS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))  # UTS 46, 2.3
MAX_HOSTS = 200  # of one text
MAX_LABELS = 8  # labels of a host, from its end, that are considered
MIN_WORD_LENGTH = 3
MAX_VALUE_LENGTH = 254


WIDEST = {4: 8, 6: 19}  # shortest prefixes of networks that registries give to one owner


class TooWide(Refusal):
    """A network that is everybody's."""

    status = 422
    sentence = N_("This range is too wide: please use /8 or narrower, or /19 or narrower for IPv6.")


class NotToBeBanned(Refusal):
    """A value that identifies nobody."""

    status = 422
    sentence = N_(
        "Enter an IP address such as 203.0.113.7, a range such as 203.0.113.0/24, an email address, a domain "
        "such as example.org, or a word of at least three letters."
    )


@dataclass(frozen=True)
class AuthorIdentity:
    """What an author submitted.

    ``address`` is a plain IP address, the rest is as it would be stored; ``text`` is name and text, ``visitor`` the
    hash of the browser's identity.
    """

    address: str = ""
    email: str = ""
    website: str = ""
    text: str = ""
    visitor: str = ""

    @classmethod
    def of(cls, comment: Comment) -> "AuthorIdentity":
        """Return the author of a stored comment. Network addresses are stored as hashes only, so there is none."""
        text = f"{comment.author}\n{comment.author_url or ''}\n{comment.title}\n{comment.body}"
        return cls("", comment.email or "", comment.website or "", text, comment.visitor or "")

    @property
    def everything(self) -> str:
        """All text of the author, to search it for words."""
        return f"{self.text}\n{self.website}\n{self.email}".casefold()

    def ban_identifiers(self, network_lengths: Collection[tuple[int, int]] = ()) -> Iterator[tuple[str, str]]:
        """Yield all kinds and values that a ban could name, except words.

        Of the networks around the address, only those whose version and prefix length is in ``network_lengths``.
        """
        if self.address:
            yield BanKind.ADDRESS, throttle.hash_of(self.address)
            yield from ((BanKind.NETWORK, network) for network in _networks(self.address, network_lengths))
        if self.visitor:
            yield BanKind.BROWSER, self.visitor
        if self.email:
            yield BanKind.EMAIL, _email(self.email)
        for host in [links.host_of(self.email.rpartition("@")[2]), *self.linked_hosts()]:
            yield from ((BanKind.DOMAIN, domain) for domain in _domains(host))

    def linked_hosts(self) -> list[str]:
        """Return the hosts of website and links, each once."""
        # Browsers take such a dot for one, although what we show as a link ends before it.
        spellings = dict.fromkeys((self.text, self.text.translate(FULL_STOPS)))
        linked = (links.host_of(link) for spelling in spellings for link in addresses.in_text(spelling))
        return list(dict.fromkeys((links.host_of(self.website), *islice(linked, MAX_HOSTS))))


def normalised(kind: BanKind, typed: str) -> tuple[str, str]:
    """Return the value to compare and the one to show, for what a moderator typed; raises ``InvalidFields``."""
    text = one_line(typed)
    try:
        value = _value(kind, text)
    except ValueError:
        value = ""
    if not value or max(len(value), len(text)) > MAX_VALUE_LENGTH or holds_no_text([text]):
        raise InvalidFields({"value": NotToBeBanned()})
    return value, text if kind == BanKind.ADDRESS else readable(value)


def _value(kind: BanKind, text: str) -> str:
    """Return an empty text or raise ``ValueError`` if the text is not of this kind."""
    if kind == BanKind.BROWSER:
        return ""
    if kind == BanKind.ADDRESS:
        return throttle.hash_of(str(ipaddress.ip_address(text))) if "%" not in text else ""
    if kind == BanKind.NETWORK:
        return _network(text)
    if kind == BanKind.EMAIL:
        return _email(text) if "@" in text.strip("@") and " " not in text else ""
    if kind == BanKind.DOMAIN:
        host = links.host_of(text.removeprefix("@").removeprefix("*."))
        return host if host in _domains(host) else ""
    return text.casefold() if len(text) >= MIN_WORD_LENGTH else ""


def _email(address: str) -> str:
    local, _, domain = address.strip().removeprefix("mailto:").rpartition("@")
    return f"{local.casefold()}@{links.host_of(domain)}"


def _domains(host: str) -> list[str]:
    """Return ``host`` and the domains it is in; of an IPv6 address, only itself."""
    labels = host.split(".")[-MAX_LABELS:]
    return [host] if host.startswith("[") else [".".join(labels[start:]) for start in range(len(labels) - 1)]


def _network(text: str) -> str:
    network = network_of(text)
    if network.prefixlen < WIDEST[network.version]:
        raise InvalidFields({"value": TooWide()})
    return str(network) if "%" not in text else ""


def _networks(address: str, lengths: Collection[tuple[int, int]]) -> Iterator[str]:
    one = ip_of(address.partition("%")[0])
    for version, length in lengths:
        if version == one.version:
            yield str(ipaddress.ip_network((one, length), strict=False))
