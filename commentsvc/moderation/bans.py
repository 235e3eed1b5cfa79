"""Who is banned, and what becomes of what they wrote: one decision that can be undone as one."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, false, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from commentsvc import clock, links, throttle, tokens
from commentsvc.db import db
from commentsvc.errors import N_, Banned, InvalidFields, Refusal
from commentsvc.models.ban import Ban, BanKind, in_force
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import decisions
from commentsvc.spam.signals import LINK

REASON_BANNED = N_("its writer is banned: %(whom)s")
LONGEST_VALUE = 254
MOST_LINKS = 100  # of a text are looked at


class NotToBeBanned(Refusal):
    """A value that says nobody."""

    status = 422
    sentence = N_(
        "Write an address like 203.0.113.7, a network like 203.0.113.0/24, an e-mail address, a domain like "
        "example.org, or a word of at least three letters."
    )


@dataclass(frozen=True)
class Stranger:
    """Somebody who wants to write: ``address`` as it is, everything else as it was typed."""

    address: str = ""
    email: str = ""
    website: str = ""
    said: str = ""


def check(site: Site, stranger: Stranger) -> None:
    """Raise ``Banned`` where a ban on this site or on all of them fits."""
    here = in_force() & (Ban.site_id.is_(None) | (Ban.site_id == site.id))
    fits = tuple_(Ban.kind, Ban.value).in_(list(_marks(stranger)))
    if db.session.scalar(select(Ban.id).where(here, fits).limit(1)) is not None:
        raise Banned
    said = f"{stranger.said}\n{stranger.website}\n{stranger.email}".casefold()
    words = db.session.scalars(select(Ban.value).where(here, Ban.kind == BanKind.WORD))
    if any(word in said for word in words):
        raise Banned


def impose(
    kind: BanKind,
    typed: str,
    by: Moderator | None,
    *,
    site: Site | None = None,
    reason: str = "",
    days: int | None = None,
) -> Ban:
    """A new ban; writes.

    Raises:
        InvalidFields: ``typed`` is nothing of this kind.
    """
    value, label = _normalised(kind, typed)
    return _stored(Ban(kind=kind, value=value, label=label, site=site), by, reason, days)


def impose_on_writer(
    kind: BanKind,
    comment: Comment,
    by: Moderator | None,
    *,
    site: Site | None = None,
    reason: str = "",
    days: int | None = None,
) -> Ban:
    """A ban by what a comment tells of its writer; writes; raises ``InvalidFields`` where it tells nothing."""
    if kind == BanKind.ADDRESS and comment.address_hash:
        label = f"{comment.author} (#{comment.id})"
        return _stored(Ban(kind=kind, value=comment.address_hash, label=label, site=site), by, reason, days)
    known = {BanKind.EMAIL: comment.email, BanKind.DOMAIN: comment.website or (comment.email or "").rpartition("@")[2]}
    return impose(kind, known.get(kind) or "", by, site=site, reason=reason, days=days)


def trash_theirs(ban: Ban, by: Moderator | None) -> list[Thread]:
    """Move everything that the ban would have refused to the trash; the threads where something changed; writes.

    Of a network nothing is found, as addresses are kept as hashes only.
    """
    theirs = select(Comment.id).join(Thread).where(_refused_by(ban), Comment.state != State.TRASHED)
    if ban.site_id is not None:
        theirs = theirs.where(Thread.site_id == ban.site_id)
    changed = [Comment.locked(number) for number in db.session.scalars(theirs).all()]
    for comment in filter(None, changed):
        decisions.decide(comment, State.TRASHED, by, [[REASON_BANNED, {"whom": ban.label}]], ban=ban)
    return [comment.thread for comment in changed if comment]


def lift(ban: Ban) -> None:
    """Let them write again; writes."""
    ban.lifted_at = ban.lifted_at or clock.now()


def undo(ban: Ban, by: Moderator | None) -> list[Thread]:
    """Lift the ban and give back what it took, unless somebody decided about it since; the threads; writes."""
    lift(ban)
    later = aliased(Decision)
    since = select(later.id).where(later.comment_id == Decision.comment_id, later.id > Decision.id)
    taken = select(Decision.comment_id, Decision.before).where(Decision.ban_id == ban.id, ~since.exists())
    threads = []
    for number, before in db.session.execute(taken).all():
        if before and (comment := Comment.locked(number)) is not None:
            decisions.undo(comment, State(before), by)
            threads.append(comment.thread)
    return threads


def taken_by(bans: Sequence[Ban]) -> dict[int, int]:
    """How many comments each ban moved to the trash."""
    moved = select(Decision.ban_id, func.count()).where(Decision.ban_id.in_([ban.id for ban in bans]))
    return {number: count for number, count in db.session.execute(moved.group_by(Decision.ban_id)) if number}


def newest(most: int = 200) -> list[Ban]:
    """The bans, those in force first, newest first."""
    return list(db.session.scalars(select(Ban).order_by(in_force().desc(), Ban.id.desc()).limit(most)))


def _stored(ban: Ban, by: Moderator | None, reason: str, days: int | None) -> Ban:
    ban.moderator_id = by.id if by else None
    ban.reason = " ".join(reason.split())[:300]
    ban.expires_at = clock.now() + timedelta(days=days) if days else None
    db.session.add(ban)
    db.session.flush()
    return ban


def _marks(stranger: Stranger) -> Iterator[tuple[str, str]]:
    """Everything a ban could name of somebody, as kind and value."""
    if stranger.address:
        yield BanKind.ADDRESS, _hashed(stranger.address)
        one = ipaddress.ip_address(stranger.address)
        one = getattr(one, "ipv4_mapped", None) or one
        for length in range(one.max_prefixlen + 1):
            yield BanKind.NETWORK, str(ipaddress.ip_network((one, length), strict=False))
    email = stranger.email.strip().casefold()
    if email:
        yield BanKind.EMAIL, email
    linked = (link.group() for link, _ in zip(LINK.finditer(stranger.said), range(MOST_LINKS), strict=False))
    hosts = {email.rpartition("@")[2], *(_host(one) for one in (stranger.website, *linked))} - {""}
    for host in hosts:
        labels = host.split(".")
        for start in range(len(labels) - 1):
            yield BanKind.DOMAIN, ".".join(labels[start:])


def _refused_by(ban: Ban) -> ColumnElement[bool]:
    """A comment is what the ban refuses, as a condition."""
    if ban.kind == BanKind.ADDRESS:
        return Comment.address_hash == ban.value
    if ban.kind == BanKind.EMAIL:
        return func.lower(Comment.email) == ban.value
    if ban.kind == BanKind.WORD:
        said = (Comment.body, Comment.author, Comment.website, Comment.email)
        return or_(*(func.lower(place).contains(ban.value, autoescape=True) for place in said))
    if ban.kind == BanKind.DOMAIN:
        return _is_of_domain(ban.value)
    return false()


def _is_of_domain(domain: str) -> ColumnElement[bool]:
    email, website = func.lower(Comment.email), func.lower(Comment.website)
    addresses = [email.endswith(f"{mark}{domain}", autoescape=True) for mark in "@."]
    sites = [website.contains(f"{mark}{domain}{end}", autoescape=True) for mark in ("://", ".") for end in "/:?#"]
    whole = [website.endswith(f"{mark}{domain}", autoescape=True) for mark in ("://", ".")]
    return or_(*addresses, *sites, *whole)


def _normalised(kind: BanKind, typed: str) -> tuple[str, str]:
    """What is compared and what is shown."""
    text = " ".join(typed.split()).casefold()
    try:
        value = _value(kind, text)
    except ValueError:
        value = ""
    if not value or len(value) > LONGEST_VALUE or len(text) > LONGEST_VALUE:
        raise InvalidFields({"value": NotToBeBanned()})
    return value, text if kind == BanKind.ADDRESS else value


def _value(kind: BanKind, text: str) -> str:
    """Empty or a ``ValueError`` for what is nothing of this kind."""
    if kind == BanKind.ADDRESS:
        return _hashed(str(ipaddress.ip_address(text)))
    if kind == BanKind.NETWORK:
        return str(ipaddress.ip_network(text, strict=False))
    if kind == BanKind.EMAIL:
        return text if "@" in text.strip("@") and " " not in text else ""
    if kind == BanKind.DOMAIN:
        host = _host(text.removeprefix("@"))
        return host if "." in host else ""
    return text if len(text) > 2 else ""


def _hashed(address: str) -> str:
    return tokens.keyed_hash("address", throttle.source_of(address))


def _host(address: str) -> str:
    """The host of a web address, written with or without its scheme; empty where there is none."""
    origin = links.origin_of(address if "://" in address else f"https://{address}")
    return (urlsplit(origin).hostname or "").removeprefix("www.") if origin else ""
