"""Is everything in place on an article's page? Each check says what it found, or what is missing and what to do."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

from lxml import etree

from commentsvc import links
from commentsvc.comments import threads
from commentsvc.errors import NotFound
from commentsvc.linkbacks import discovery, trackback
from commentsvc.linkbacks.source_page import HTML, decoded
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind
from commentsvc.models.site import Site
from commentsvc.safe_http import Page

IDENTIFIER = re.compile(r"dc:identifier\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True)
class Finding:
    """What one check found: fine, or something to mend."""

    name: str
    is_fine: bool
    sentence: str


class Ailment(Exception):
    """What is wrong, and what to do about it."""


@dataclass(frozen=True)
class Article:
    """The page that is examined, as a browser's parser sees it."""

    page: Page
    html: str
    root: etree._Element
    site: Site

    @property
    def canonical(self) -> str:
        """What the page calls its own address; without that, where it was found."""
        named = self.first("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
        return urljoin(self.page.url, named.strip()) if named else self.page.url

    @property
    def key(self) -> str:
        """The key of its thread: what the element says, else the address."""
        return threads.key_of(self.first("//comment-thread/@key") or self.canonical)

    def first(self, path: str) -> str:
        """The first value at ``path``, or an empty text."""
        found = self.root.xpath(path)
        return str(found[0]) if found else ""


def examine(page: Page) -> list[Finding]:
    """Every check on a page that was fetched."""
    try:
        article = _article(page)
    except Ailment as wrong:
        return [Finding("Page", is_fine=False, sentence=str(wrong))]
    return list(_findings(article))


def _article(page: Page) -> Article:
    if not page.is_fine:
        where = f" and leads to {page.headers['location']}" if "location" in page.headers else ""
        raise Ailment(f"{page.url} answers with status {page.status}{where}. Give the address of a published article.")
    if page.content_type not in HTML:
        raise Ailment(f"{page.url} is {page.content_type}, not a page in HTML.")
    origin = links.origin_of(page.url) or page.url
    try:
        site = Site.at(origin)
    except NotFound:
        raise Ailment(
            f"{origin} belongs to no site here, so nothing can be written about its pages. "
            f"Run: commentsvc site add KEY {origin}, or site set KEY with all its origins."
        ) from None
    html = decoded(page)
    root = plain_text.tree(html)
    if root is None:
        raise Ailment(f"{page.url} is empty.")
    return Article(page, html, root, site)


def _findings(article: Article) -> Iterator[Finding]:
    for name, check in CHECKS:
        try:
            said = check(article)
        except Ailment as wrong:
            yield Finding(name, is_fine=False, sentence=str(wrong))
        else:
            if said:
                yield Finding(name, is_fine=True, sentence=said)


def _site(article: Article) -> str:
    return f"{links.origin_of(article.page.url)} is an origin of the site {article.site.key}"


def _canonical(article: Article) -> str:
    found = article.root.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
    if not found:
        raise Ailment(
            f'missing, so every spelling of the address is a thread of its own. Add: <link rel="canonical" '
            f'href="{article.page.url}">'
        )
    if links.origin_of(article.canonical) not in article.site.origins:
        raise Ailment(f"{article.canonical} is at no origin of the site. Mend the link, or add the origin to the site.")
    if not links.same_page(article.canonical, article.page.url):
        raise Ailment(f"the page at {article.page.url} says that it is {article.canonical}; its comments stand there.")
    return article.canonical


def _script(article: Article) -> str:
    wanted = links.absolute("/embed.js")
    scripts = {urljoin(article.page.url, src): kind for src, kind in _scripts(article.root)}
    if wanted in scripts:
        if scripts[wanted] != "module":
            raise Ailment(f'{wanted} is no module there. Write: <script type="module" src="{wanted}"></script>')
        return wanted
    other = next((src for src in scripts if src.endswith("/embed.js")), "")
    hint = f"{other} is another server’s; COMMENTSVC_BASE_URL is {links.absolute('')}. " if other else ""
    raise Ailment(f'missing. {hint}Add: <script type="module" src="{wanted}"></script>')


def _scripts(root: etree._Element) -> Iterator[tuple[str, str]]:
    for script in root.iter("script"):
        if src := script.get("src"):
            yield src.strip(), script.get("type", "")


def _element(article: Article) -> str:
    wanted = f'<comment-thread site="{article.site.key}"><a href="{links.thread_page(article.site.key, article.key)}">'
    if not article.root.xpath("//comment-thread"):
        raise Ailment(f"missing, so no comments stand on the page. Add: {wanted}Comments</a></comment-thread>")
    named = article.first("//comment-thread/@site")
    if named != article.site.key:
        raise Ailment(f"it names the site “{named}”, and this is {article.site.key}. Write: {wanted}…")
    if not article.root.xpath("//comment-thread//a[@href]"):
        raise Ailment(
            f"nothing stands in it for readers without JavaScript. Write: {wanted}Comments</a></comment-thread>"
        )
    return f"shows the thread {links.thread_path(article.site.key, article.key)}"


def _webmention(article: Article) -> str:
    return _endpoint(
        article, Kind.WEBMENTION, links.webmention(), f'<link rel="webmention" href="{links.webmention()}">'
    )


def _pingback(article: Article) -> str:
    said = _endpoint(article, Kind.PINGBACK, links.pingback(), f'<link rel="pingback" href="{links.pingback()}">')
    is_literal = re.search(r'<link rel="pingback" href="([^"]+)" ?/?>', article.html)
    if said and "x-pingback" not in article.page.headers and not is_literal:
        raise Ailment(
            "the element is written in a way that old senders do not find: rel first, then href, in double quotes. "
            f'Write: <link rel="pingback" href="{links.pingback()}">'
        )
    return said


def _trackback(article: Article) -> str:
    wanted = links.trackback(article.site.key, article.key)
    element = f'<link rel="trackback" type="application/x-www-form-urlencoded" href="{wanted}">'
    return _endpoint(article, Kind.TRACKBACK, wanted, element)


def _endpoint(article: Article, protocol: Kind, wanted: str, element: str) -> str:
    if not article.site.takes(protocol):
        return ""
    offered = [one.url for one in discovery.endpoints(article.page, article.canonical) if one.protocol == protocol]
    if not offered:
        raise Ailment(f"missing, so other blogs do not find where to send. Add: {element}")
    if offered[0] != wanted:
        raise Ailment(f"the page names {offered[0]}, and it should be {wanted}. Write: {element}")
    return wanted


def _rdf(article: Article) -> str:
    """For senders from the time when trackbacks were young; the identifier is how they pick the block."""
    if not article.site.takes(Kind.TRACKBACK):
        return ""
    blocks = [block for block in _comments(article.html) if "rdf:RDF" in block]
    title = article.first("//title/text()").strip() or "TITLE"
    wanted = trackback.rdf(article.canonical, title, links.trackback(article.site.key, article.key))
    if not blocks:
        raise Ailment(f"missing; old senders of trackbacks look for it. Add to the body:\n{wanted}")
    for block in blocks:
        identifiers = [unescape(one or other) for one, other in IDENTIFIER.findall(block)]
        if article.canonical in identifiers:
            if "</rdf:RDF>" not in block or "--" in block:
                raise Ailment(
                    "two hyphens in a row stand in it, where a comment may end. Write one, or %2D%2D in addresses."
                )
            return "its identifier is the article’s address"
    raise Ailment(f"dc:identifier must be the article’s address, letter for letter. Write:\n{wanted}")


def _comments(html: str) -> Iterator[str]:
    """The comments of a page, in time that grows with its length alone."""
    start = html.find("<!--")
    while start >= 0 and (end := html.find("-->", start + 4)) >= 0:
        yield html[start + 4 : end]
        start = html.find("<!--", end)


def _policy(article: Article) -> str:
    policies = [article.page.headers.get("content-security-policy", "")]
    policies += [str(one) for one in article.root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")]
    server = links.origin_of(links.absolute("")) or ""
    for policy in filter(None, policies):
        for directive in ("script-src", "connect-src", "img-src", "media-src"):
            if not _allows(policy, directive, server, links.origin_of(article.page.url) or ""):
                raise Ailment(
                    f"the page’s Content-Security-Policy keeps our element out. Add {server} to its {directive}."
                )
    return f"lets {server} in" if any(policies) else "the page has none, so nothing is in the way"


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


def _cookies(article: Article) -> str:
    server, page = urlsplit(links.absolute("")), urlsplit(article.page.url)
    if page.scheme == "https" and server.scheme != "https":
        raise Ailment(
            "the blog is read over https and the comment server is not, so browsers block it. Set BASE_URL to https."
        )
    if server.hostname == page.hostname:
        return "the comment server has the blog’s own host, so browsers keep its cookie"
    if server.scheme != "https":
        return "without https browsers keep no cookie of another host; the form itself says then who writes"
    return "the comment server is another host; where a browser keeps no cookie of it, the form itself says who writes"


CHECKS: tuple[tuple[str, Callable[[Article], str]], ...] = (
    ("Site", _site),
    ("Canonical link", _canonical),
    ("Script", _script),
    ("Element", _element),
    ("Webmention", _webmention),
    ("Pingback", _pingback),
    ("Trackback", _trackback),
    ("RDF block", _rdf),
    ("Security policy", _policy),
    ("Cookies", _cookies),
)
