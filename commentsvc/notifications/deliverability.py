"""Hints for owners on how to get emails delivered, and not into spam folders."""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from commentsvc import dns_records, settings

NOBODYS = "localhost", "local", "localdomain", "lan", "internal", "invalid", "test", "example"
NEAR = "localhost", "127.0.0.1", "::1"

FROM_NOBODY = (
    "Emails come from {sender}, a domain that other servers do not know. "
    "Set COMMENTSVC_MAIL_FROM to an address of a domain of yours."
)
OTHER_LOGIN = (
    "Emails come from {sender}, but we sign in as {user}. Many servers want both to be the same: "
    "set COMMENTSVC_MAIL_FROM to the mailbox you sign in with, or allow the other one there."
)
IN_CLEAR = "The way to {host} is not encrypted. Begin COMMENTSVC_MAIL_URL with smtps:// or smtp+starttls://."
NO_HTTPS = "Mail programs unsubscribe with one click only over https, and COMMENTSVC_BASE_URL begins with http."
NO_SPF = (
    "{domain} does not say which servers may send for it (SPF). Add the TXT record that your mail provider names, "
    "such as: v=spf1 include:provider.example -all"
)
NO_DMARC = (
    "{domain} does not say what to do with forged emails (DMARC). Add a TXT record for _dmarc.{domain}, "
    "such as: v=DMARC1; p=none"
)
DKIM = (
    "Whether emails are signed (DKIM) shows in the one that arrives: its source should say dkim=pass for {domain}. "
    "If it does not, switch DKIM on at your mail provider; the signature should cover List-Unsubscribe and "
    "List-Unsubscribe-Post."
)
UNASKED = "The DNS did not answer, so SPF and DMARC of {domain} could not be looked at: {why}"
WORDS = {
    "535": "User name or password in COMMENTSVC_MAIL_URL are wrong, or the provider wants an app password.",
    "530": "The server wants a sign-in: write COMMENTSVC_MAIL_URL as smtps://USER:PASSWORD@HOST.",
    "certificate": "The certificate of the server does not fit its name. Use the name that the provider gives.",
    "wrong version number": "The server does not speak TLS on this port: try smtp+starttls:// or port 465.",
    "starttls extension not supported": "The server cannot STARTTLS: try smtps://, or smtp:// on the same machine.",
    "refused": "Nothing listens there: check host and port in COMMENTSVC_MAIL_URL.",
    "timed out": "The server does not answer: check host and port; many hosts block port 25, so try 587 or 465.",
    "name or service": "There is no such host: check COMMENTSVC_MAIL_URL.",
    "relay": "The server does not pass on emails for us: sign in, or allow this machine to relay.",
    "553": "The server does not let us send as COMMENTSVC_MAIL_FROM: use an address that belongs to the sign-in.",
}


def hints(answer: str, *, is_taken: bool) -> list[str]:
    """Return what to fix, in English; ``answer`` is the server's last reply. Queries the DNS."""
    return [*([] if is_taken else _of_answer(answer)), *_of_settings(), *_of_domain()]


def _of_answer(answer: str) -> Iterator[str]:
    said = answer.lower()
    yield from (hint for word, hint in WORDS.items() if word in said)


def _of_settings() -> Iterator[str]:
    config = settings.current()
    server = urlsplit(config.mail_url)
    user = unquote(server.username or "")
    if _is_nobodys(_domain()):
        yield FROM_NOBODY.format(sender=config.sender)
    if "@" in user and user.rpartition("@")[2].lower() != _domain():
        yield OTHER_LOGIN.format(sender=config.sender, user=user)
    if server.scheme == "smtp" and server.hostname not in NEAR:
        yield IN_CLEAR.format(host=server.hostname or "")
    if not config.is_https:
        yield NO_HTTPS


def _of_domain() -> Iterator[str]:
    domain = _domain()
    if _is_nobodys(domain):
        return
    try:
        envelope = (settings.current().mail_reply_to or settings.current().sender).rpartition("@")[2].lower()
        if not any(text.lower().startswith("v=spf1") for text in dns_records.texts(envelope)):
            yield NO_SPF.format(domain=envelope)
        if not any(text.lower().startswith("v=dmarc1") for text in dns_records.texts(f"_dmarc.{domain}")):
            yield NO_DMARC.format(domain=domain)
    except dns_records.NoAnswer as problem:
        yield UNASKED.format(domain=domain, why=str(problem))
    yield DKIM.format(domain=domain)


def _domain() -> str:
    return settings.current().sender.rpartition("@")[2].lower()


def _is_nobodys(domain: str) -> bool:
    return "." not in domain or domain.rpartition(".")[2] in NOBODYS or domain.replace(".", "").isdigit()
