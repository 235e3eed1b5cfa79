"""Check an article's page: are the script, the element and the linkback endpoints in place? If not, what to do?"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from commentsvc import configuration, links
from commentsvc.errors import N_, NotFound, Reason
from commentsvc.hosts import USUAL_PORTS, ascii_host, join_url
from commentsvc.linkbacks import discovery, trackback
from commentsvc.linkbacks.fetched_pages import HTML, decoded
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind
from commentsvc.models.site import Site
from commentsvc.safe_http import FetchedPage
from commentsvc.threads import threads

if TYPE_CHECKING:
    from lxml import etree

PAGE = N_("Page")
NO_ENDPOINT = N_("missing, so other blogs cannot send mentions. If you want them, add:")
NO_TRACKBACK = N_("missing. Only old blog software needs it. If you want such mentions, too, add:")
UNREADABLE = N_("%(url)s could not be loaded (%(why)s).")
NOT_PUBLIC = N_(
    "Fetching %(url)s is not allowed (%(why)s). "
    "If it is your own server, add its host and port to COMMENTSVC_FETCH_ALLOW."
)
NO_ARTICLE = N_("%(url)s returns status %(status)s. Enter the address of a published article.")
LEADS_AWAY = N_(
    "%(url)s returns status %(status)s and redirects to %(place)s. Enter the address of a published article."
)
NO_BLOG = N_(
    "%(origin)s does not belong to any blog here, so nobody can comment on its pages. Add it to a blog’s "
    "settings, or add a blog:"
)
MISSING = N_("missing. Add:")
CANONICAL = "/html/head//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href"
ELSEWHERE = N_(
    "%(url)s is not on any site address of the blog. Fix the link, or add the address in the blog’s settings."
)
ANOTHER_PAGE = N_("the page at %(url)s names %(canonical)s as its canonical address; its comments are there.")
ANOTHER_SERVER = N_("missing: %(other)s belongs to another server, while COMMENTSVC_BASE_URL is %(own)s. Add:")
HARD_TO_FIND = N_("older software does not recognize this form; put rel first, then href, both in double quotes. Use:")
TWO_HYPHENS = N_("it contains two hyphens in a row, which may end an HTML comment. Use one, or in addresses:")
KEPT_OUT = N_("the page’s Content-Security-Policy blocks the comment element. Add %(server)s to its %(directive)s.")
NO_HTTPS = N_(
    "the blog uses https but the comment server does not, so browsers block it. Change COMMENTSVC_BASE_URL to https."
)
RDF = N_("RDF block")
ANOTHER_HOST = N_(
    "the comment server is on another host; where a browser blocks its cookie, a token in the form replaces it"
)
IDENTIFIER = re.compile(r"dc:identifier\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


class CheckStatus(StrEnum):
    """The result of a check; what is optional is missing without being needed."""

    FINE = "fine"
    OPTIONAL = "optional"
    WRONG = "wrong"


@dataclass(frozen=True)
class CheckResult:
    """What a check found; ``code`` is what to write, if the sentence ends with a colon."""

    name: str
    status: CheckStatus
    reason: Reason
    code: str = ""


class CheckFailed(Exception):
    """What is wrong, and how to fix it."""

    status = CheckStatus.WRONG

    def __init__(self, sentence: str, code: str = "", **values: object) -> None:
        super().__init__(sentence)
        self.reason: Reason = [sentence, values]
        self.code = code

    def found_by(self, name: str) -> CheckResult:
        """Return this failure as the finding of a check."""
        return CheckResult(name, self.status, self.reason, self.code)


class OptionalMissing(CheckFailed):
    """What is missing, and optional."""

    status = CheckStatus.OPTIONAL


@dataclass(frozen=True)
class CheckedPage:
    """The page being checked, parsed as browsers do."""

    page: FetchedPage
    html: str
    root: "etree._Element"
    site: Site

    @property
    def base(self) -> str:
        """What its relative addresses are resolved against."""
        return plain_text.base_of(self.root, self.page.url)

    @property
    def canonical(self) -> str:
        """The address that the page declares canonical, if it is of the same origin, else the one it was found at."""
        named = self.first(CANONICAL)
        address = named and join_url(self.base, named)
        return address if links.origin_of(address) == links.origin_of(self.page.url) else self.page.url

    @property
    def key(self) -> str:
        """The key of its thread: the element's, else that of the address."""
        return threads.key_of(self.first("//comment-thread/@key") or self.canonical)

    def first(self, path: str) -> str:
        """Return the first value at ``path``, or an empty text."""
        found = self.root.xpath(path)
        return str(found[0]) if found else ""


def check(page: FetchedPage) -> list[CheckResult]:
    """Run every check on a fetched page."""
    try:
        article = _article(page)
    except CheckFailed as wrong:
        return [wrong.found_by(PAGE)]
    return list(_findings(article))


def _article(page: FetchedPage) -> CheckedPage:
    if not page.is_success:
        if "location" in page.headers:
            raise CheckFailed(LEADS_AWAY, url=page.url, status=page.status, place=page.headers["location"])
        raise CheckFailed(NO_ARTICLE, url=page.url, status=page.status)
    if page.content_type not in HTML:
        raise CheckFailed(N_("%(url)s is %(kind)s, not an HTML page."), url=page.url, kind=page.content_type)
    origin = links.origin_of(page.url) or page.url
    try:
        site = configuration.current().site_at(origin)
    except NotFound:
        raise CheckFailed(NO_BLOG, f"commentsvc site add KEY {origin}", origin=origin) from None
    html = decoded(page)
    root = plain_text.tree(html)
    if root is None:
        raise CheckFailed(N_("%(url)s is empty."), url=page.url)
    return CheckedPage(page, html, root, site)


def _findings(article: CheckedPage) -> Iterator[CheckResult]:
    for name, check in CHECKS:
        try:
            reason = check(article)
        except CheckFailed as wrong:
            yield wrong.found_by(name)
        else:
            if reason:
                yield CheckResult(name, CheckStatus.FINE, reason)


def _site(article: CheckedPage) -> Reason:
    values = {"origin": links.origin_of(article.page.url), "key": article.site.key}
    return [N_("%(origin)s belongs to the blog %(key)s"), values]


def _canonical(article: CheckedPage) -> Reason:
    found = article.first(CANONICAL)
    if not found:
        wanted = f'<link rel="canonical" href="{article.page.url}">'
        raise CheckFailed(N_("missing, so every variant of the address gets its own thread. Add:"), wanted)
    declared = join_url(article.base, found)
    if links.origin_of(declared) not in article.site.origins:
        raise CheckFailed(ELSEWHERE, url=declared)
    if not links.same_page(article.canonical, article.page.url):
        raise CheckFailed(ANOTHER_PAGE, url=article.page.url, canonical=article.canonical)
    return literal(article.canonical)


def _script(article: CheckedPage) -> Reason:
    wanted = links.absolute("/embed.js")
    element = f'<script type="module" src="{wanted}"></script>'
    scripts = {join_url(article.base, src): kind for src, kind in _scripts(article.root)}
    if wanted in scripts:
        if scripts[wanted] != "module":
            raise CheckFailed(N_("%(url)s is not loaded as a module. Use:"), element, url=wanted)
        return literal(wanted)
    if other := next((src for src in scripts if src.endswith("/embed.js")), ""):
        raise CheckFailed(ANOTHER_SERVER, element, other=other, own=links.absolute(""))
    raise CheckFailed(MISSING, element)


def _scripts(root: "etree._Element") -> Iterator[tuple[str, str]]:
    for script in root.iter("script"):
        if src := script.get("src"):
            yield src.strip(), script.get("type", "")


def _element(article: CheckedPage) -> Reason:
    start = f'<comment-thread site="{article.site.key}"><a href="{links.thread_page(article.site.key, article.key)}">'
    wanted = f"{start}Comments</a></comment-thread>"
    if not article.root.xpath("//comment-thread"):
        raise CheckFailed(N_("missing, so no comments appear on the page. Add:"), wanted)
    named = article.first("//comment-thread/@site")
    if named != article.site.key:
        sentence = N_("it names the blog “%(named)s”, but this is %(key)s. Use:")
        raise CheckFailed(sentence, wanted, named=named, key=article.site.key)
    if not article.root.xpath("//comment-thread//a[@href]"):
        raise CheckFailed(N_("it contains nothing for readers without JavaScript. Use:"), wanted)
    return [N_("shows the thread %(path)s"), {"path": links.thread_path(article.site.key, article.key)}]


def _webmention(article: CheckedPage) -> Reason:
    return _endpoint(
        article, Kind.WEBMENTION, links.webmention(), f'<link rel="webmention" href="{links.webmention()}">'
    )


def _pingback(article: CheckedPage) -> Reason:
    element = f'<link rel="pingback" href="{links.pingback()}">'
    reason = _endpoint(article, Kind.PINGBACK, links.pingback(), element)
    is_literal = re.search(r'<link rel="pingback" href="([^"]+)" ?/?>', article.html)
    if reason and "x-pingback" not in article.page.headers and not is_literal:
        raise CheckFailed(HARD_TO_FIND, element)
    return reason


def _trackback(article: CheckedPage) -> Reason:
    wanted = links.trackback(article.site.key, article.key)
    element = f'<link rel="trackback" type="application/x-www-form-urlencoded" href="{wanted}">'
    return _endpoint(article, Kind.TRACKBACK, wanted, element)


def _endpoint(article: CheckedPage, protocol: Kind, wanted: str, element: str) -> Reason:
    if not article.site.takes(protocol):
        return ""
    offered = [one.url for one in discovery.endpoints(article.page, article.canonical) if one.protocol == protocol]
    if not offered:
        raise OptionalMissing(NO_TRACKBACK if protocol == Kind.TRACKBACK else NO_ENDPOINT, element)
    if offered[0] != wanted:
        sentence = N_("the page says %(found)s, but it should be %(wanted)s. Use:")
        raise CheckFailed(sentence, element, found=offered[0], wanted=wanted)
    return literal(wanted)


def _rdf(article: CheckedPage) -> Reason:
    """The block is for old trackback senders, who find the article by its identifier."""
    if not article.site.takes(Kind.TRACKBACK):
        return ""
    blocks = [block for block in _comments(article.html) if "rdf:RDF" in block]
    title = article.first("//title/text()").strip() or "TITLE"
    wanted = trackback.rdf(article.canonical, title, links.trackback(article.site.key, article.key))
    if not blocks:
        raise OptionalMissing(
            N_("missing; only old trackback software looks for it. If you want that, add to the body:"), wanted
        )
    for block in blocks:
        identifiers = [unescape(one or other) for one, other in IDENTIFIER.findall(block)]
        if article.canonical in identifiers:
            if "</rdf:RDF>" not in block or "--" in block:
                raise CheckFailed(TWO_HYPHENS, "%2D%2D")
            return N_("its identifier is the article’s address")
    raise CheckFailed(N_("dc:identifier must be exactly the article’s address. Use:"), wanted)


def _comments(html: str) -> Iterator[str]:
    """Yield the page's comments in linear time."""
    start = html.find("<!--")
    while start >= 0 and (end := html.find("-->", start + 4)) >= 0:
        yield html[start + 4 : end]
        start = html.find("<!--", end)


def _policy(article: CheckedPage) -> Reason:
    policies = [article.page.headers.get("content-security-policy", "")]
    policies += [str(one) for one in article.root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")]
    server = links.origin_of(links.absolute("")) or ""
    own = links.origin_of(article.page.url) or ""
    needed = ("script-src", "connect-src", "img-src", "media-src")
    missing = [one for one in needed if any(not _allows(policy, one, server, own) for policy in policies if policy)]
    if missing:
        raise CheckFailed(KEPT_OUT, server=server, directive=", ".join(missing))
    if not any(policies):
        return N_("the page has none, so nothing is blocked")
    return [N_("allows %(server)s"), {"server": server}]


def _allows(policy: str, directive: str, origin: str, own: str) -> bool:
    parts = [part.split() for part in policy.split(";") if part.strip()]
    directives = {part[0].lower(): part[1:] for part in reversed(parts)}
    sources = directives.get(directive, directives.get("default-src"))
    if sources is None or "'strict-dynamic'" in sources:  # what a nonce lets in, lets us in
        return True
    return any(_is_among(source.lower(), origin, own) for source in sources)


def _is_among(source: str, origin: str, own: str) -> bool:
    """Return whether a source of a policy covers an origin (CSP 3, 6.7.2.8)."""
    server = urlsplit(origin)
    usual = USUAL_PORTS[server.scheme]
    if source == "*" or (source == "'self'" and origin == own):
        return True
    scheme, status, rest = source.rpartition("://")
    if not status and source.endswith(":"):
        scheme, rest = source[:-1], ""
    if scheme not in ("", server.scheme) and (scheme, server.scheme) != ("http", "https"):
        return False
    if not rest:
        return bool(scheme)
    host, _, port = rest.partition("/")[0].partition(":")
    if port not in ("*", str(server.port or usual)) and (port or (server.port or usual) != usual):
        return False
    name = server.hostname or ""
    return name.endswith(host[1:]) if host.startswith("*.") else ascii_host(host) == name


def _cookies(article: CheckedPage) -> Reason:
    server, page = urlsplit(links.absolute("")), urlsplit(article.page.url)
    if page.scheme == "https" and server.scheme != "https":
        raise CheckFailed(NO_HTTPS)
    if server.hostname == page.hostname:
        return N_("the comment server shares the blog’s host, so browsers accept its cookie")
    if server.scheme != "https":
        return N_("without https, browsers block cookies from another host; a token in the form replaces it")
    return ANOTHER_HOST


def literal(text: str) -> Reason:
    """Return a text that needs no translation as a reason."""
    return ["%(text)s", {"text": text}]


CHECKS: tuple[tuple[str, Callable[[CheckedPage], Reason]], ...] = (
    (N_("Site"), _site),
    (N_("Canonical link"), _canonical),
    (N_("Script"), _script),
    (N_("Comment element"), _element),
    (N_("Webmention"), _webmention),
    (N_("Pingback"), _pingback),
    (N_("Trackback"), _trackback),
    (RDF, _rdf),
    (N_("Content security policy"), _policy),
    (N_("Cookies"), _cookies),
)
