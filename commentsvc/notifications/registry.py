"""Everybody who gets emails, and their subscriptions, for moderators and for themselves."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import lazyload, selectinload

from commentsvc.db import db
from commentsvc.models.recipient import MailStatus, Recipient
from commentsvc.models.subscription import Subscription
from commentsvc.models.thread import Thread

PAGE_SIZE = 50


@dataclass(frozen=True)
class Entry:
    """A recipient with subscriptions, each with its thread, if there is one yet."""

    recipient: Recipient
    subscriptions: list[tuple[Subscription, Thread | None]]


@dataclass(frozen=True)
class RecipientPage:
    """A part of the list, newest first. ``before`` is the cursor of the next part, None at the end."""

    entries: list[Entry]
    before: int | None


def page(wanted: str = "", mail_status: MailStatus | None = None, before: int | None = None) -> RecipientPage:
    """Return recipients whose address contains ``wanted``, of one ``mail_status``, with ids below ``before``."""
    rows = select(Recipient).order_by(Recipient.id.desc()).limit(PAGE_SIZE + 1)
    if wanted:
        rows = rows.where(Recipient.email.contains(wanted.lower(), autoescape=True))
    if mail_status is not None:
        rows = rows.where(Recipient.mail_status == mail_status)
    found = list(db.session.scalars(rows.where(Recipient.id < before) if before else rows))
    shown = found[:PAGE_SIZE]
    subscriptions = _subscriptions_of([one.id for one in shown])
    entries = [Entry(one, subscriptions.get(one.id, [])) for one in shown]
    return RecipientPage(entries, shown[-1].id if len(found) > PAGE_SIZE else None)


def subscriptions_of(recipient: Recipient) -> list[tuple[Subscription, Thread | None]]:
    """Return all subscriptions of somebody, newest first."""
    return _subscriptions_of([recipient.id]).get(recipient.id, [])


def _subscriptions_of(recipient_ids: list[int]) -> dict[int, list[tuple[Subscription, Thread | None]]]:
    threads_of = (Thread.site_id == Subscription.site_id) & (Thread.key == Subscription.key)
    rows = (
        select(Subscription, Thread)
        .join(Thread, threads_of, isouter=True)
        .options(lazyload(Thread.site))  # a join would drop articles without comments
        .options(selectinload(Subscription.comment))
        .where(Subscription.recipient_id.in_(recipient_ids))
        .order_by(Subscription.id.desc())
    )
    found: dict[int, list[tuple[Subscription, Thread | None]]] = {}
    for subscription, thread in db.session.execute(rows).unique():
        found.setdefault(subscription.recipient_id, []).append((subscription, thread))
    return found
