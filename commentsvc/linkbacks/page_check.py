"""Check an article's page: are the script, the element and the linkback endpoints in place? If not, what to do?"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from commentsvc import configuration, links
from commentsvc.errors import N_, NotFound, Reason
from commentsvc.linkbacks import discovery, trackback
from commentsvc.linkbacks.source_page import HTML, decoded
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind
from commentsvc.models.site import Site
from commentsvc.safe_http import Page
from commentsvc.threads import threads

if TYPE_CHECKING:
    from lxml import etree

PAGE = N_("Page")
UNREADABLE = N_("%(url)s cannot be read (%(why)s).")
NO_ARTICLE = N_("%(url)s answers with status %(status)s. Give the address of a published article.")
LEADS_AWAY = N_(
    "%(url)s answers with status %(status)s and leads to %(place)s. Give the address of a published article."
)
NO_BLOG = N_(
    "%(origin)s belongs to no blog here, so nothing can be written about its pages. Add it to a blog’s rules, "
    "or add a blog:"
)
MISSING = N_("missing. Add:")
ELSEWHERE = N_("%(url)s is at no origin of the blog. Mend the link, or add the origin to the blog’s rules.")
ANOTHER_PAGE = N_("the page at %(url)s says that it is %(canonical)s; its comments stand there.")
ANOTHER_SERVER = N_("missing: %(other)s is another server’s, and COMMENTSVC_BASE_URL is %(own)s. Add:")
HARD_TO_FIND = N_("it is written in a way that old senders do not find: rel first, then href, in double quotes. Write:")
TWO_HYPHENS = N_("two hyphens in a row stand in it, where a comment may end. Write one, or in addresses:")
KEPT_OUT = N_("the page’s Content-Security-Policy keeps our element out. Add %(server)s to its %(directive)s.")
NO_HTTPS = N_(
    "the blog is read over https and the comment server is not, so browsers block it. Set COMMENTSVC_BASE_URL to https."
)
ANOTHER_HOST = N_(
    "the comment server is another host; where a browser keeps no cookie of it, the form itself says who writes"
)
IDENTIFIER = re.compile(r"dc:identifier\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True)
class Finding:
    """The result of one check; ``code`` is what to write, if the sentence ends with a colon."""

    name: str
    is_fine: bool
    said: Reason
    code: str = ""


class CheckFailed(Exception):
    """What is wrong, and how to fix it."""

    def __init__(self, sentence: str, code: str = "", **values: object) -> None:
        super().__init__(sentence)
        self.said: Reason = [sentence, values]
        self.code = code

    def found_by(self, name: str) -> Finding:
        """Return this failure as the finding of a check."""
        return Finding(name, is_fine=False, said=self.said, code=self.code)


@dataclass(frozen=True)
class Article:
    """The page being checked, parsed as browsers do."""

    page: Page
    html: str
    root: "etree._Element"
    site: Site

    @property
    def base(self) -> str:
        """What its relative addresses are resolved against."""
        return plain_text.base_of(self.root, self.page.url)

    @property
    def canonical(self) -> str:
        """The address that the page declares canonical, else the one it was found at."""
        named = self.first("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
        return urljoin(self.base, named.strip()) if named else self.page.url

    @property
    def key(self) -> str:
        """The key of its thread: the element's, else that of the address."""
        return threads.key_of(self.first("//comment-thread/@key") or self.canonical)

    def first(self, path: str) -> str:
        """Return the first value at ``path``, or an empty text."""
        found = self.root.xpath(path)
        return str(found[0]) if found else ""


def check(page: Page) -> list[Finding]:
    """Run every check on a fetched page."""
    try:
        article = _article(page)
    except CheckFailed as wrong:
        return [wrong.found_by(PAGE)]
    return list(_findings(article))


def _article(page: Page) -> Article:
    if not page.is_fine:
        if "location" in page.headers:
            raise CheckFailed(LEADS_AWAY, url=page.url, status=page.status, place=page.headers["location"])
        raise CheckFailed(NO_ARTICLE, url=page.url, status=page.status)
    if page.content_type not in HTML:
        raise CheckFailed(N_("%(url)s is %(kind)s, not a page in HTML."), url=page.url, kind=page.content_type)
    origin = links.origin_of(page.url) or page.url
    try:
        site = configuration.current().site_at(origin)
    except NotFound:
        raise CheckFailed(NO_BLOG, f"commentsvc site add KEY {origin}", origin=origin) from None
    html = decoded(page)
    root = plain_text.tree(html)
    if root is None:
        raise CheckFailed(N_("%(url)s is empty."), url=page.url)
    return Article(page, html, root, site)


def _findings(article: Article) -> Iterator[Finding]:
    for name, check in CHECKS:
        try:
            said = check(article)
        except CheckFailed as wrong:
            yield wrong.found_by(name)
        else:
            if said:
                yield Finding(name, is_fine=True, said=said)


def _site(article: Article) -> Reason:
    values = {"origin": links.origin_of(article.page.url), "key": article.site.key}
    return [N_("%(origin)s is an origin of the blog %(key)s"), values]


def _canonical(article: Article) -> Reason:
    found = article.root.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
    if not found:
        wanted = f'<link rel="canonical" href="{article.page.url}">'
        raise CheckFailed(N_("missing, so every spelling of the address is a thread of its own. Add:"), wanted)
    if links.origin_of(article.canonical) not in article.site.origins:
        raise CheckFailed(ELSEWHERE, url=article.canonical)
    if not links.same_page(article.canonical, article.page.url):
        raise CheckFailed(ANOTHER_PAGE, url=article.page.url, canonical=article.canonical)
    return just(article.canonical)


def _script(article: Article) -> Reason:
    wanted = links.absolute("/embed.js")
    element = f'<script type="module" src="{wanted}"></script>'
    scripts = {urljoin(article.base, src): kind for src, kind in _scripts(article.root)}
    if wanted in scripts:
        if scripts[wanted] != "module":
            raise CheckFailed(N_("%(url)s is no module there. Write:"), element, url=wanted)
        return just(wanted)
    if other := next((src for src in scripts if src.endswith("/embed.js")), ""):
        raise CheckFailed(ANOTHER_SERVER, element, other=other, own=links.absolute(""))
    raise CheckFailed(MISSING, element)


def _scripts(root: "etree._Element") -> Iterator[tuple[str, str]]:
    for script in root.iter("script"):
        if src := script.get("src"):
            yield src.strip(), script.get("type", "")


def _element(article: Article) -> Reason:
    start = f'<comment-thread site="{article.site.key}"><a href="{links.thread_page(article.site.key, article.key)}">'
    wanted = f"{start}Comments</a></comment-thread>"
    if not article.root.xpath("//comment-thread"):
        raise CheckFailed(N_("missing, so no comments stand on the page. Add:"), wanted)
    named = article.first("//comment-thread/@site")
    if named != article.site.key:
        sentence = N_("it names the blog “%(named)s”, and this is %(key)s. Write:")
        raise CheckFailed(sentence, wanted, named=named, key=article.site.key)
    if not article.root.xpath("//comment-thread//a[@href]"):
        raise CheckFailed(N_("nothing stands in it for readers without JavaScript. Write:"), wanted)
    return [N_("shows the thread %(path)s"), {"path": links.thread_path(article.site.key, article.key)}]


def _webmention(article: Article) -> Reason:
    return _endpoint(
        article, Kind.WEBMENTION, links.webmention(), f'<link rel="webmention" href="{links.webmention()}">'
    )


def _pingback(article: Article) -> Reason:
    element = f'<link rel="pingback" href="{links.pingback()}">'
    said = _endpoint(article, Kind.PINGBACK, links.pingback(), element)
    is_literal = re.search(r'<link rel="pingback" href="([^"]+)" ?/?>', article.html)
    if said and "x-pingback" not in article.page.headers and not is_literal:
        raise CheckFailed(HARD_TO_FIND, element)
    return said


def _trackback(article: Article) -> Reason:
    wanted = links.trackback(article.site.key, article.key)
    element = f'<link rel="trackback" type="application/x-www-form-urlencoded" href="{wanted}">'
    return _endpoint(article, Kind.TRACKBACK, wanted, element)


def _endpoint(article: Article, protocol: Kind, wanted: str, element: str) -> Reason:
    if not article.site.takes(protocol):
        return ""
    offered = [one.url for one in discovery.endpoints(article.page, article.canonical) if one.protocol == protocol]
    if not offered:
        raise CheckFailed(N_("missing, so other blogs do not find where to send. Add:"), element)
    if offered[0] != wanted:
        sentence = N_("the page names %(found)s, and it should be %(wanted)s. Write:")
        raise CheckFailed(sentence, element, found=offered[0], wanted=wanted)
    return just(wanted)


def _rdf(article: Article) -> Reason:
    """The block is for old trackback senders, who find the article by its identifier."""
    if not article.site.takes(Kind.TRACKBACK):
        return ""
    blocks = [block for block in _comments(article.html) if "rdf:RDF" in block]
    title = article.first("//title/text()").strip() or "TITLE"
    wanted = trackback.rdf(article.canonical, title, links.trackback(article.site.key, article.key))
    if not blocks:
        raise CheckFailed(N_("missing; old senders of trackbacks look for it. Add to the body:"), wanted)
    for block in blocks:
        identifiers = [unescape(one or other) for one, other in IDENTIFIER.findall(block)]
        if article.canonical in identifiers:
            if "</rdf:RDF>" not in block or "--" in block:
                raise CheckFailed(TWO_HYPHENS, "%2D%2D")
            return N_("its identifier is the article’s address")
    raise CheckFailed(N_("dc:identifier must be the article’s address, letter for letter. Write:"), wanted)


def _comments(html: str) -> Iterator[str]:
    """Yield the page's comments in linear time."""
    start = html.find("<!--")
    while start >= 0 and (end := html.find("-->", start + 4)) >= 0:
        yield html[start + 4 : end]
        start = html.find("<!--", end)


def _policy(article: Article) -> Reason:
    policies = [article.page.headers.get("content-security-policy", "")]
    policies += [str(one) for one in article.root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")]
    server = links.origin_of(links.absolute("")) or ""
    for policy in filter(None, policies):
        for directive in ("script-src", "connect-src", "img-src", "media-src"):
            if not _allows(policy, directive, server, links.origin_of(article.page.url) or ""):
                raise CheckFailed(KEPT_OUT, server=server, directive=directive)
    if not any(policies):
        return N_("the page has none, so nothing is in the way")
    return [N_("lets %(server)s in"), {"server": server}]


def _allows(policy: str, directive: str, origin: str, own: str) -> bool:
    parts = [part.split() for part in policy.split(";") if part.strip()]
    directives = {part[0].lower(): part[1:] for part in reversed(parts)}
    sources = directives.get(directive, directives.get("default-src"))
    if sources is None or "'strict-dynamic'" in sources:  # what a nonce lets in, lets us in
        return True
    return any(_is_among(source.lower(), origin, own) for source in sources)


def _is_among(source: str, origin: str, own: str) -> bool:
    asked = urlsplit(origin)
    if source in ("*", origin, f"{asked.scheme}:", asked.netloc) or (source == "'self'" and origin == own):
        return True
    scheme, _, host = source.rpartition("://")
    if scheme and scheme != asked.scheme:
        return False
    host = host.partition("/")[0]
    return host == asked.netloc or (host.startswith("*.") and asked.netloc.endswith(host[1:]))


def _cookies(article: Article) -> Reason:
    server, page = urlsplit(links.absolute("")), urlsplit(article.page.url)
    if page.scheme == "https" and server.scheme != "https":
        raise CheckFailed(NO_HTTPS)
    if server.hostname == page.hostname:
        return N_("the comment server has the blog’s own host, so browsers keep its cookie")
    if server.scheme != "https":
        return N_("without https browsers keep no cookie of another host; the form itself says then who writes")
    return ANOTHER_HOST


def just(text: str) -> Reason:
    """Return a text that needs no translation as a reason."""
    return ["%(text)s", {"text": text}]


CHECKS: tuple[tuple[str, Callable[[Article], Reason]], ...] = (
    (N_("Site"), _site),
    (N_("Canonical link"), _canonical),
    (N_("Script"), _script),
    (N_("Element"), _element),
    (N_("Webmention"), _webmention),
    (N_("Pingback"), _pingback),
    (N_("Trackback"), _trackback),
    (N_("RDF block"), _rdf),
    (N_("Security policy"), _policy),
    (N_("Cookies"), _cookies),
)
