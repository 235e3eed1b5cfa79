"""In which thread a page's comments belong: by the page's address, as the element on the page would name it."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from commentsvc import links
from commentsvc.errors import N_, NotFound, Reason, Refusal
from commentsvc.models.site import Site
from commentsvc.threads import threads
from commentsvc.transfer.records import SourceArticle

MAX_HOPS = 10  # from one mapped address to the next


class WrongMap(Refusal):
    """A file of addresses that is not two columns."""

    status = 422
    sentence = N_("Line %(line)d of the moved articles must be an old address, a comma and a new address.")


@dataclass
class Addresses:
    """``origins`` are those whose paths are the site's. ``rules`` lead from old addresses to new ones.

    An old one that ends with ``*`` stands for all that begin so, one without a host for those on ``origins``.
    ``by_key`` takes the identifier that a page gave.
    """

    site: Site
    origins: frozenset[str]
    rules: dict[str, str] = field(default_factory=dict)
    by_key: bool = False
    elsewhere: Counter[str] = field(default_factory=Counter)  # pages on other hosts
    used: set[str] = field(default_factory=set)

    def thread_of(self, page: SourceArticle) -> tuple[str, str] | Reason:
        """Return key and address of the thread, or the reason why there is none."""
        if self.by_key and page.key:
            return self._checked(page.key, "")
        url = self._mapped(page.url.strip())
        origin = links.origin_of(url)
        if origin and origin not in self.origins:
            self.elsewhere[origin] += 1
            return [N_("the page is not on this blog but on %(host)s"), {"host": links.host_of(url)}]
        if not url:
            return N_("the page has no address")
        return self._checked(
            page.key if _has_explicit_key(page) else url,
            url if origin in self.site.origins else self._on_own_origin(url),
        )

    def former_key(self, page: SourceArticle) -> str | None:
        """Return the key of an article's address on this blog before a rule led elsewhere; None if none did."""
        url = page.url.strip()
        if self._mapped(url) == url or links.origin_of(url) not in self.origins:
            return None
        return key_of(url)

    def unused(self) -> list[str]:
        """Return the rules that no address needed."""
        return [old for old in self.rules if old not in self.used]

    def _checked(self, address: str, url: str) -> tuple[str, str] | Reason:
        key = key_of(address)
        if key is None:
            return [N_("the page’s address cannot be used: %(address)s"), {"address": address[:200]}]
        plain = links.plain(url) if url else None
        return key, plain or links.article(self.site.home, key)

    def _on_own_origin(self, url: str) -> str:
        """Return the same path on the site, with the slash at its end that a key has not; empty with a query."""
        try:
            parts = urlsplit(url)
        except ValueError:  # as of http://[::1
            return ""
        return "" if parts.query else f"{self.site.home}/{parts.path.lstrip('/')}"

    def _mapped(self, url: str) -> str:
        for _ in range(MAX_HOPS):
            rule = self._rule_for(url)
            if rule is None:
                return url
            self.used.add(rule)
            new = self.rules[rule]
            whole = _without_scheme(url) if "://" in rule else _path(url)
            url = new.removesuffix("*") + whole[len(self._beginnings[rule]) :] if rule.endswith("*") else new
        return url

    def _rule_for(self, url: str) -> str | None:
        if not self.rules:
            return None
        host, key = _compared(url)
        is_ours = links.origin_of(url) in self.origins
        exact = self._exact.get((host, key)) or (self._exact.get(("", key)) if is_ours else None)
        if exact is not None:
            return exact if _compared(self.rules[exact]) != (host, key) else None
        whole, path, begin = _without_scheme(url), _path(url), self._beginnings
        fitting = [old for old, start in begin.items() if (whole if "://" in old else path * is_ours).startswith(start)]
        found = max(fitting, key=len, default=None)
        is_loop = found is not None and _without_scheme(self.rules[found].removesuffix("*")).startswith(begin[found])
        return None if is_loop else found

    @cached_property
    def _beginnings(self) -> dict[str, str]:
        return {old: _without_scheme(old[:-1]) for old in self.rules if old.endswith("*")}

    @cached_property
    def _exact(self) -> dict[tuple[str, str | None], str]:
        return {_compared(old): old for old in self.rules if not old.endswith("*")}


def _without_scheme(address: str) -> str:
    """Return an address from its host on, which is in one form; a path as it is."""
    origin = links.origin_of(address)
    return origin.partition("://")[2] + _path(address) if origin else address


def _path(address: str) -> str:
    """Return what follows the host, as it is."""
    return "/" + address.partition("://")[2].partition("/")[2] if "://" in address else address


def _compared(address: str) -> tuple[str, str | None]:
    """Return host and key: the same for all spellings of one address."""
    return (links.origin_of(address) or "").partition("://")[2], key_of(address)


def _has_explicit_key(page: SourceArticle) -> bool:
    """Return whether the page named its thread by another key than its address."""
    return page.is_thread_key and key_of(page.key) == page.key != key_of(page.url.strip())


def key_of(address: str) -> str | None:
    """Return the key of a thread at an address; None if there can be none."""
    try:
        return threads.key_of(address)
    except NotFound:
        return None


def busiest(urls: Iterable[tuple[str, int]]) -> str:
    """Return the origin with most comments, of pages and their numbers of comments; a file may name no home."""
    counts: Counter[str] = Counter()
    for url, count in urls:
        if origin := links.origin_of(url.strip()):
            counts[origin] += count
    return counts.most_common(1)[0][0] if counts else ""


def of(site: Site, home: str, given: Sequence[str], rules: dict[str, str], *, by_key: bool) -> Addresses:
    """Return the addresses of a file: the site's own origins, those that were ``given``, else the file's ``home``."""
    known = [links.origin_of(one) for one in (*given, *([home] if not given else []))]
    return Addresses(site, frozenset([*site.origins, *filter(None, known)]), rules, by_key)


def rules_of(text: str) -> dict[str, str]:
    """Return the rules of a CSV text with two columns, old and new; raises ``WrongMap``."""
    return dict(_rules(csv.reader(io.StringIO(text, newline=""))))


def _rules(rows: Iterable[Sequence[str]]) -> Iterable[tuple[str, str]]:
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != 2 or not all(cells):
            raise WrongMap(line=number)
        yield cells[0], cells[1]
