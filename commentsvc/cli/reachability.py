"""Checks of ``doctor`` that make requests like a reader's: the address, a proxy, caches, the certificate."""

import json
import re
import ssl
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from commentsvc import __version__, clock, edge, links, safe_http, settings, tokens
from commentsvc.configuration import current
from commentsvc.errors import N_
from commentsvc.i18n import gettext
from commentsvc.linkbacks.page_check import CheckFailed, OptionalMissing
from commentsvc.safe_http import FetchedPage, FetchFailed, FetchRefused
from commentsvc.settings import WrongSetting

NOT_ANSWERING = N_("not checked, because the address does not answer")
MAX_AGE = re.compile(r"max-age=(\d+)")
GATEWAY_ERRORS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
SOON = timedelta(days=14)


def _what_only_doctor_sees() -> dict[str, Any]:
    if not settings.current().has_secret:
        raise OptionalMissing(N_("not checked, because there is no secret yet"))
    try:
        _ = settings.current().secret
    except WrongSetting:  # which another check reports
        raise OptionalMissing(N_("not checked, because the secret cannot be used")) from None
    try:
        answer = json.loads(_read(f"/health?doctor={tokens.sign(tokens.DOCTOR, 1)}").body)
    except ValueError:  # which another check reports
        raise OptionalMissing(NOT_ANSWERING) from None
    return answer if isinstance(answer, dict) else {}


def base_url() -> str:
    """Find out whether the service itself answers at its address, with https."""
    config = settings.current()
    try:
        page = safe_http.fetch_unrestricted(links.absolute("/health"))
    except FetchFailed as failure:
        silent = N_(
            "%(url)s does not answer (%(why)s). Start `commentsvc serve`, or correct COMMENTSVC_BASE_URL or the proxy."
        )
        raise CheckFailed(silent, url=config.base_url, why=str(failure)) from None
    if page.status in GATEWAY_ERRORS and b'"status"' not in page.body:
        behind = N_("a proxy answers at %(url)s, but not the service behind it. Start `commentsvc serve`.")
        raise CheckFailed(behind, url=config.base_url)
    if b'"status"' not in page.body:
        another = N_("another program answers at %(url)s. Correct COMMENTSVC_BASE_URL or the proxy.")
        raise CheckFailed(another, url=config.base_url)
    if not config.is_https and config.host not in ("localhost", "127.0.0.1"):
        raise CheckFailed(
            N_(
                "readers reach it without https, so browsers block its cookie on your blog. "
                "Put an https proxy in front."
            )
        )
    return gettext("%(url)s answers", url=config.base_url)


def service() -> str:
    """Check whether the service that answers runs this version, with the settings that this command has."""
    answer = _what_only_doctor_sees()
    running, theirs = answer.get("version"), answer.get("settings", {})
    if running is None:  # another secret, or another program
        raise OptionalMissing(N_("not checked, because it does not accept this secret"))
    if running != __version__:
        raise CheckFailed(
            N_("version %(running)s is running, but %(installed)s is installed. Restart the service."),
            running=running,
            installed=__version__,
        )
    others = [name for name, mark in tokens.settings_marks().items() if theirs.get(name) != mark]
    if others:
        raise CheckFailed(
            N_("runs with other values of %(names)s. Restart it, or run this command with its settings."),
            names=", ".join(others),
        )
    return gettext("runs version %(version)s with these settings", version=running)


def proxy() -> str:
    """Check whether a proxy hides visitors' addresses, and report which address the service sees."""
    answer = _what_only_doctor_sees()
    if answer.get("unknown_proxy"):
        raise CheckFailed(
            N_(
                "the proxy in front is not trusted, so all visitors share one address and one set of limits. "
                "Add its network to COMMENTSVC_TRUSTED_PROXIES."
            )
        )
    if not answer.get("your_address"):
        return gettext("no proxy, or a trusted one")
    return gettext("no proxy, or a trusted one; this machine is seen as %(address)s", address=answer["your_address"])


def caches() -> str:
    """Check whether our Cache-Control reaches readers unchanged."""
    sites = sorted(current().sites)
    if not sites:
        raise OptionalMissing(N_("not checked, because there is no blog yet"))
    path, config = f"/embed/{sites[0]}/doctor-was-here", settings.current()
    page = _read(path)
    if not page.is_success:
        unread = N_("not checked, because %(path)s answers with status %(status)s")
        raise OptionalMissing(unread, path=path, status=page.status)
    header = page.headers.get("cache-control", "")
    kept = MAX_AGE.match(header.replace("public, ", ""))
    if "s-maxage" not in header and "no-store" not in header:
        changed = N_("Cache-Control arrives as “%(said)s”. Let the proxy or CDN pass the header on unchanged.")
        raise CheckFailed(changed, said=header)
    if kept and int(kept[1]) > 0:
        kept_for = N_("browsers keep comments for %(seconds)s s. Switch browser caching off at the proxy or CDN.")
        raise CheckFailed(kept_for, seconds=kept[1])
    if "etag" not in page.headers:
        raise CheckFailed(N_("the ETag is missing, so readers load everything each time. Let the proxy pass it on."))
    age = page.headers.get("age", "0")
    if age.isdecimal() and int(age) > config.edge_seconds + 1:
        raise CheckFailed(N_("a response was %(seconds)s s old. Let the cache obey s-maxage."), seconds=age)
    return f"{header}" + (f" ({cache})" if (cache := page.headers.get("x-cache")) else "")


def purges() -> str:
    """Check whether the cache accepts purges."""
    if not settings.current().edge_purge_url:
        raise OptionalMissing(
            N_("no purges are sent. Set COMMENTSVC_EDGE_PURGE_URL if a cache in front keeps threads for long.")
        )
    try:
        edge.send_purge([])
    except FetchRefused as refusal:
        forbidden = N_("sending there is not allowed (%(why)s). Add the host to COMMENTSVC_FETCH_ALLOW.")
        raise CheckFailed(forbidden, why=str(refusal)) from None
    except FetchFailed as failure:
        refused = N_("are not accepted (%(why)s). Check COMMENTSVC_EDGE_PURGE_URL and COMMENTSVC_EDGE_PURGE_TOKEN.")
        raise CheckFailed(refused, why=str(failure)) from None
    return gettext("are accepted")


def certificate() -> str:
    """Find out for how long the certificate is good."""
    config = settings.current()
    if not config.is_https:
        raise OptionalMissing(N_("none, because the address begins with http://"))
    try:
        ends = safe_http.certificate_ends(config.base_url)
    except FetchFailed as failure:
        if not isinstance(failure.__cause__, ssl.SSLError):  # which another check reports
            raise OptionalMissing(NOT_ANSWERING) from None
        raise CheckFailed(N_("is not accepted (%(why)s). Renew it, and check the chain."), why=str(failure)) from None
    left = ends - clock.now()
    if left < SOON:
        raise CheckFailed(N_("expires on %(day)s. Renew it."), day=f"{ends:%Y-%m-%d}")
    return gettext("valid until %(day)s", day=f"{ends:%Y-%m-%d}")


def _read(path: str) -> FetchedPage:
    try:
        return safe_http.fetch_unrestricted(links.absolute(path))
    except FetchFailed:  # which another check reports
        raise OptionalMissing(NOT_ANSWERING) from None
