"""Hints for owners on how to get emails delivered, and not into spam folders."""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from commentsvc import dns_records, settings
from commentsvc.errors import N_, Reason
from commentsvc.mail import Cause, DeliveryFailed

RESERVED_DOMAINS = "localhost", "local", "localdomain", "lan", "internal", "invalid", "test", "example"
LOOPBACK_HOSTS = "localhost", "127.0.0.1", "::1"

FROM_NOBODY = N_(
    "Emails come from %(sender)s, whose domain is not a public one. "
    "Set COMMENTSVC_MAIL_FROM to an address of your own domain."
)
OTHER_LOGIN = N_(
    "Emails come from %(sender)s, but the sign-in is %(user)s. Many servers want both to be the same: "
    "set COMMENTSVC_MAIL_FROM to that mailbox, or allow the other address there."
)
IN_CLEAR = N_(
    "The connection to %(host)s is not encrypted. Begin COMMENTSVC_MAIL_URL with smtps:// or smtp+starttls://."
)
NO_HTTPS = N_("Mail programs unsubscribe with one click only over https, and COMMENTSVC_BASE_URL begins with http.")
NO_SPF = N_(
    "%(domain)s does not say which servers may send for it (SPF). Add the TXT record that your mail provider names, "
    "such as: v=spf1 include:provider.example -all"
)
NO_DMARC = N_(
    "%(domain)s does not say what to do with forged emails (DMARC). Add a TXT record for _dmarc.%(domain)s, "
    "such as: v=DMARC1; p=none"
)
DKIM = N_(
    "To see whether your emails are signed (DKIM), look at the source of one that arrives: it should say "
    "dkim=pass for %(domain)s. "
    "If it does not, switch DKIM on at your mail provider, for List-Unsubscribe and List-Unsubscribe-Post, too."
)
UNASKED = N_("DNS did not respond, so the SPF and DMARC records of %(domain)s were not checked: %(why)s")
HINTS = {
    Cause.PASSWORD: N_(
        "The user name or password in COMMENTSVC_MAIL_URL is wrong, or the provider requires an app password."
    ),
    Cause.SIGN_IN: N_("The server requires authentication. Write COMMENTSVC_MAIL_URL as smtps://USER:PASSWORD@HOST."),
    Cause.CERTIFICATE: N_(
        "The server’s certificate does not match its host name. Use the name that the provider gives."
    ),
    Cause.NO_TLS: N_("The server does not speak TLS on this port. Try smtp+starttls:// or port 465."),
    Cause.NO_STARTTLS: N_("The server does not offer STARTTLS. Try smtps://, or smtp:// on the same machine."),
    Cause.REFUSED: N_("Nothing is listening at that address. Check host and port in COMMENTSVC_MAIL_URL."),
    Cause.SILENT: N_(
        "The server does not answer. Check host and port; many providers block port 25, so try 587 or 465."
    ),
    Cause.NO_HOST: N_("There is no such host. Check COMMENTSVC_MAIL_URL."),
    Cause.RELAY: N_("The server does not pass on emails for this machine. Sign in, or allow this machine to relay."),
    Cause.SENDER: N_("The server does not accept COMMENTSVC_MAIL_FROM. Use an address that belongs to the sign-in."),
}


def hints(failure: DeliveryFailed | None = None) -> list[Reason]:
    """Return what to fix, after a ``failure`` or in general. Queries the DNS."""
    cause = failure.cause if failure else None
    return [*([HINTS[cause]] if cause else []), *_of_settings(), *_of_domain()]


def _of_settings() -> Iterator[Reason]:
    config = settings.current()
    server = urlsplit(config.mail_url)
    user = unquote(server.username or "")
    if _is_nobodys(_domain()):
        yield [FROM_NOBODY, {"sender": config.sender}]
    if "@" in user and user.rpartition("@")[2].lower() != _domain():
        yield [OTHER_LOGIN, {"sender": config.sender, "user": user}]
    if server.scheme == "smtp" and server.hostname not in LOOPBACK_HOSTS:
        yield [IN_CLEAR, {"host": server.hostname or ""}]
    if not config.is_https:
        yield NO_HTTPS


def _of_domain() -> Iterator[Reason]:
    domain = _domain()
    if _is_nobodys(domain):
        return
    try:
        envelope = (settings.current().mail_reply_to or settings.current().sender).rpartition("@")[2].lower()
        if not any(text.lower().startswith("v=spf1") for text in dns_records.texts(envelope)):
            yield [NO_SPF, {"domain": envelope}]
        if not any(text.lower().startswith("v=dmarc1") for text in dns_records.texts(f"_dmarc.{domain}")):
            yield [NO_DMARC, {"domain": domain}]
    except dns_records.NoAnswer as error:
        yield [UNASKED, {"domain": domain, "why": str(error)}]
    yield [DKIM, {"domain": domain}]


def _domain() -> str:
    return settings.current().sender.rpartition("@")[2].lower()


def _is_nobodys(domain: str) -> bool:
    return "." not in domain or domain.rpartition(".")[2] in RESERVED_DOMAINS or domain.replace(".", "").isdigit()
