"""The page of a thread for unknown visitors: rendered once for all, with gaps for personal parts.

The gaps are filled as text, so such a page costs little more than its bytes: crawlers and readers without scripts ask
for nothing else.
"""

import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

from flask import current_app, request

from commentsvc import configuration, i18n
from commentsvc.captcha import challenge
from commentsvc.errors import StorageUnavailable
from commentsvc.models.site import Captcha, Moderation, Site
from commentsvc.threads import threads
from commentsvc.threads.articles import Article
from commentsvc.web import challenge_check, current, snapshots, visitor
from commentsvc.web.admin import session
from commentsvc.web.compression import Template
from commentsvc.web.forms import CommentForm, ShownChallenge
from commentsvc.web.snapshots import OF_A_PAGE
from commentsvc.web.visitor import Visitor

# Nobody can guess a gap, so nobody can write one into a comment to see what is inserted.
CHALLENGE, VISITOR, IDEMPOTENCY_KEY = (f"gap-{secrets.token_hex(16)}" for _ in range(3))
GAP = re.compile(f"({CHALLENGE}|{VISITOR}|{IDEMPOTENCY_KEY})".encode())
MAX_TEMPLATES = 16  # of pages, in memory
# The rule for challenges: the article's or, where it depends on the person, this one.
BY_RULE, ASKED, UNASKED = "strangers by rule ", "strangers asked ", "strangers unasked "


class _SomeVisitor(Visitor):
    @property
    def token(self) -> str:
        return VISITOR


@dataclass(frozen=True)
class CachedPage:
    """The page, and whose it is; ``is_packed`` if it is gzip."""

    html: bytes
    site: Site
    is_packed: bool


def page(site_key: str, address: str) -> CachedPage | None:
    """Return the page that this request asks for; None if the visitor is known, or more than the thread is wanted."""
    site = configuration.latest().sites.get(site_key)
    if site is None or snapshots.shape_asked_for() or _is_known() or request.args.keys() - OF_A_PAGE:
        return None
    i18n.set_language(current.reader_language(site))
    key = threads.key_of(address)
    shape = BY_RULE
    if site.captcha == Captcha.SUSPICIOUS:
        shape = ASKED if challenge_check.needs_challenge(site, Captcha.SUSPICIOUS, None) else UNASKED
    parameters = [(name, value) for name, value in request.args.items() if name != "lang"]
    try:
        html = snapshots.body_of(request.path, [*parameters, ("lang", i18n.language())], shape)
    except StorageUnavailable:
        return None
    template = _template(html)
    own = _gap_values(challenge.scope_of(site_key, key)) if len(template.pieces) > 1 else {}
    is_packed = snapshots.takes_gzip(request.headers.get("Accept-Encoding", ""))
    html = template.packed(own) if is_packed else template.filled(own)
    site_now = configuration.latest().sites.get(site_key, site)  # as new as the page is
    return CachedPage(html, site_now, is_packed)


def _is_known() -> bool:
    cookies = (current_app.config["SESSION_COOKIE_NAME"], session.cookie_name())
    return visitor.HEADER in request.headers or any(name in request.cookies for name in cookies)


@lru_cache(maxsize=MAX_TEMPLATES)
def _template(html: bytes) -> Template:
    return Template(GAP.split(html))


def _gap_values(place: str) -> dict[bytes, bytes]:
    """Return what stands in the gaps for this visitor."""
    person = visitor.current()
    return {
        CHALLENGE.encode(): challenge.issue(place, person.id).encode(),
        VISITOR.encode(): person.token.encode(),
        IDEMPOTENCY_KEY.encode(): secrets.token_urlsafe(12).encode(),
    }


def form(article: Article, shape: str) -> CommentForm | None:
    """Return the form with its gaps; None if the rule depends on the person, and nothing says what it finds."""
    rule = article.captcha_rule
    if rule == Captcha.SUSPICIOUS and shape == BY_RULE:
        return None
    asks = rule == Captcha.ALWAYS or (rule == Captcha.SUSPICIOUS and shape == ASKED)
    return CommentForm(
        article,
        challenge=ShownChallenge(CHALLENGE, solved=False, asks=asks),
        visitor=_SomeVisitor("", came_back=False),
        waits=article.moderation_rule != Moderation.NONE,
        idempotency_key=IDEMPOTENCY_KEY,
    )
