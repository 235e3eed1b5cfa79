"""Checks of ``doctor`` that ask as a reader does: the address, a proxy, caches, the certificate."""

import json
import re
import ssl
from datetime import timedelta

from commentsvc import clock, edge, links, safe_http, settings, tokens
from commentsvc.configuration import current
from commentsvc.linkbacks.page_check import CheckFailed, OptionalMissing
from commentsvc.safe_http import FetchFailed, FetchRefused, Page

NOT_ANSWERING = "not checked, because the address does not answer"
MAX_AGE = re.compile(r"max-age=(\d+)")
SOON = timedelta(days=14)


def base_url() -> str:
    """Find out whether the service itself answers at its address, with https."""
    config = settings.current()
    try:
        page = safe_http.fetch_own(links.absolute("/health"))
    except FetchFailed as failure:
        advice = "Start `commentsvc serve`, or correct COMMENTSVC_BASE_URL or the proxy."
        raise CheckFailed(f"{config.base_url} does not answer ({failure}). {advice}") from None
    if b'"status"' not in page.body:
        raise CheckFailed(f"somebody else answers at {config.base_url}. Correct COMMENTSVC_BASE_URL or the proxy.")
    if not config.is_https and config.host not in ("localhost", "127.0.0.1"):
        raise CheckFailed(
            "readers reach it without https, so browsers keep no cookie on your blog. Put a proxy with https in front."
        )
    return f"{config.base_url} answers"


def proxy() -> str:
    """Find out whether a proxy hides the addresses of visitors, and say as whom this machine is seen."""
    try:
        said = json.loads(_read(f"/health?doctor={tokens.sign(tokens.DOCTOR, 1)}").body)
    except ValueError:  # which another check reports
        raise OptionalMissing(NOT_ANSWERING) from None
    if said.get("unknown_proxy"):
        raise CheckFailed(
            "the one in front is not trusted, so all visitors count as one, and limits hit everybody. "
            "Add its network to COMMENTSVC_TRUSTED_PROXIES."
        )
    seen = f"; this machine is seen as {said['your_address']}" if said.get("your_address") else ""
    return f"none, or one that is trusted{seen}"


def caches() -> str:
    """Find out whether what we say to caches arrives at readers as we say it."""
    sites = sorted(current().sites)
    if not sites:
        raise OptionalMissing("not checked, as there is no blog yet")
    path, config = f"/embed/{sites[0]}/doctor-was-here", settings.current()
    page = _read(path)
    if not page.is_success:
        raise OptionalMissing(f"not checked, because {path} answers with status {page.status}")
    said = page.headers.get("cache-control", "")
    kept = MAX_AGE.match(said.replace("public, ", ""))
    if "s-maxage" not in said and "no-store" not in said:
        raise CheckFailed(f"Cache-Control arrives as “{said}”. Let the proxy or CDN pass the header on as it is.")
    if kept and int(kept[1]) > 0:
        raise CheckFailed(f"browsers keep comments for {kept[1]} s. Switch “browser cache” off at the proxy or CDN.")
    if "etag" not in page.headers:
        raise CheckFailed("the ETag is missing, so readers load everything each time. Let the proxy pass it on.")
    age = page.headers.get("age", "0")
    if age.isdecimal() and int(age) > config.edge_seconds + 1:
        raise CheckFailed(f"an answer was {age} s old. Let the cache obey s-maxage.")
    return f"{said}" + (f" ({cache})" if (cache := page.headers.get("x-cache")) else "")


def purges() -> str:
    """Find out whether somebody takes purges."""
    if not settings.current().edge_purge_url:
        raise OptionalMissing(
            "none are sent. Set COMMENTSVC_EDGE_PURGE_URL if a cache in front keeps threads for long."
        )
    try:
        edge.tell([])
    except FetchRefused as refusal:
        raise CheckFailed(f"may not be sent there ({refusal}). Name it in COMMENTSVC_FETCH_ALLOW.") from None
    except FetchFailed as failure:
        raise CheckFailed(f"are not taken ({failure}). Check COMMENTSVC_EDGE_PURGE_URL and _TOKEN.") from None
    return "are taken"


def certificate() -> str:
    """Find out for how long the certificate is good."""
    config = settings.current()
    if not config.is_https:
        raise OptionalMissing("none, as the address begins with http://")
    try:
        ends = safe_http.certificate_ends(config.base_url)
    except FetchFailed as failure:
        if not isinstance(failure.__cause__, ssl.SSLError):  # which another check reports
            raise OptionalMissing(NOT_ANSWERING) from None
        raise CheckFailed(f"is not accepted ({failure}). Renew it, and check the chain.") from None
    left = ends - clock.now()
    if left < SOON:
        raise CheckFailed(f"ends on {ends:%Y-%m-%d}. Renew it.")
    return f"good until {ends:%Y-%m-%d}"


def _read(path: str) -> Page:
    try:
        return safe_http.fetch_own(links.absolute(path))
    except FetchFailed:  # which another check reports
        raise OptionalMissing(NOT_ANSWERING) from None
