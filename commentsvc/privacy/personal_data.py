"""Collect, export and erase what is stored about an email address, for its owner or the site's.

Comments are found by the address typed with them. Those from the same browser without an address are left alone: nobody
knows whether they are the same person's.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, select, update

from commentsvc import links, tokens
from commentsvc.db import db
from commentsvc.errors import Reason
from commentsvc.fields import compared_email
from commentsvc.models.ban import Ban, BanKind
from commentsvc.models.comment import REASON_ERASED, Comment, State
from commentsvc.models.decision import Decision
from commentsvc.models.delivery import Delivery
from commentsvc.models.email import Email
from commentsvc.models.email_item import EmailItem
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.note import Note
from commentsvc.models.recipient import Recipient
from commentsvc.models.revision import Revision
from commentsvc.models.second_opinion import SecondOpinion
from commentsvc.models.subscription import Subscription
from commentsvc.moderation import actions, bans, decisions, training
from commentsvc.moderation.actions import Person
from commentsvc.moderation.search import with_email

PURPOSE = "personal-data"
NOBODY = "–"
BATCH_SIZE = 50  # comments per transaction


def token_for(email: str) -> str:
    """Return the token in the mailed link: whoever has it reads email to this address."""
    return tokens.sign(PURPOSE, compared_email(email))


def is_known(email: str) -> bool:
    """Return whether anything is stored about an address."""
    address = compared_email(email)
    in_comment = select(Comment.id).where(with_email(address)).limit(1)
    return Recipient.with_email(address) is not None or db.session.scalar(in_comment) is not None


def collect(email: str) -> dict[str, Any]:
    """Return everything as JSON values; times are ISO 8601."""
    address = compared_email(email)
    recipient = Recipient.with_email(address)
    theirs = select(Subscription).where(Subscription.recipient_id == (recipient.id if recipient else 0))
    emails = select(Email).where(Email.recipient == address).order_by(Email.id)
    banned = select(Ban).where(Ban.kind == BanKind.EMAIL, Ban.value == address)
    return {
        "email": address,
        "comments": [_comment(one) for one in comments_of(address)],
        "subscriptions": [
            {"site": one.site.key, "topic": one.topic, "article": one.key, "state": one.state, "since": _iso(one)}
            for one in db.session.scalars(theirs)
        ],
        "emails": [
            {"kind": one.kind, "subject": one.subject, "text": one.text, "state": one.state, "written": _iso(one)}
            for one in db.session.scalars(emails)
        ],
        "bans": [{"since": _iso(one)} for one in db.session.scalars(banned)],
    }


def comments_of(email: str) -> list[Comment]:
    """Return comments written with an address, oldest first."""
    return list(db.session.scalars(select(Comment).where(with_email(compared_email(email))).order_by(*Comment.order())))


def erase(email: str, by: Person | None = None) -> int:
    """Erase what is stored about an address, in batches; return how many comments. Commits.

    A comment with replies leaves an empty line. ``by`` is None for the address's own owner, which is not logged.
    """
    address, erased = compared_email(email), list[int]()
    for count in db.in_batches(lambda: _erase_some(address) or _erase_rest(address, by, sum(erased))):
        erased.append(count)
    return sum(erased)


def _erase_some(address: str) -> int:
    some = list(db.session.scalars(select(Comment).where(with_email(address)).order_by(Comment.id).limit(BATCH_SIZE)))
    delivered = Delivery.payload["data"]["id"].as_integer().in_([comment.id for comment in some])
    db.session.execute(delete(Delivery).where(delivered), execution_options={"synchronize_session": False})
    comments = Comment.all_locked([comment.id for comment in some])
    for comment in comments:
        _erase(comment)
    return len(comments)


def _erase_rest(address: str, by: Person | None, erased: int) -> int:
    """Delete the emails and subscriptions of an address, and log its erasure; return 0. Bans of it stay."""
    db.session.execute(delete(Email).where(Email.recipient == address))
    if (recipient := Recipient.with_email(address)) is not None:
        db.session.execute(delete(Subscription).where(Subscription.recipient_id == recipient.id))
        db.session.delete(recipient)
    if by is not None:
        actions.record(Verb.ERASURE, by, count=erased)
    return 0


def empty(comment: Comment, why: Reason) -> None:
    """Remove everything somebody wrote from a row, and keep the row in its place, with the reason.

    The filter keeps word counts, which identify nobody.
    """
    for table in (Revision, Note, SecondOpinion):
        db.session.execute(delete(table).where(table.comment_id == comment.id))
    quoted = select(Comment.id).where(Comment.parent_id == comment.id)  # answers, which quote it
    items = (EmailItem.comment_id == comment.id) | EmailItem.comment_id.in_(quoted)
    quoting = select(EmailItem.email_id).where(items)
    db.session.execute(
        update(Email).where(Email.id.in_(quoting)).values(text="", subject=""),
        execution_options={"synchronize_session": False},
    )
    db.session.execute(
        update(ModeratorAction)
        .where(ModeratorAction.comment_id == comment.id, ModeratorAction.verb == Verb.TEXT)
        .values(verb=Verb.ERASED, undo_data={})
    )
    db.session.execute(update(Decision).where(Decision.comment_id == comment.id).values(reasons=[]))
    comment.author, comment.title, comment.body, comment.body_html = NOBODY, "", "", ""
    comment.email = comment.website = comment.author_url = comment.article_url = None
    comment.visitor = comment.address_hash = comment.idempotency_key = None
    comment.reasons, comment.seed, comment.learned_as = [why], secrets.token_hex(8), None
    comment.body_hash = tokens.keyed_hash("body", comment.seed)
    db.session.flush()


def _erase(comment: Comment) -> None:
    training.unlearn(comment)
    name = f"#{comment.id}"
    for ban in db.session.scalars(select(Ban).where(Ban.label.endswith(f"({name})"))):
        ban.label = name
        why = [[bans.REASON_BANNED, {"whom": name}]]
        db.session.execute(
            update(Decision).where(Decision.ban_id == ban.id, Decision.before.is_not(None)).values(reasons=why)
        )
    empty(comment, REASON_ERASED)
    if comment.state == State.TRASHED:
        decisions.record_emptied(comment, [REASON_ERASED])
    else:
        decisions.decide(comment, State.TRASHED, by=None, reasons=[REASON_ERASED])


def _comment(one: Comment) -> dict[str, Any]:
    return {
        "id": one.id,
        "article": one.thread.url,
        "url": links.comment(one.thread.site.key, one.thread.key, one.id),
        "written": _iso(one),
        "state": one.state_for_writer,
        "author": one.author,
        "website": one.website,
        "body": one.body,
        "earlier": list(_earlier(one)),
        "browser": "a keyed hash" if one.visitor else None,
        "network_address": "a keyed hash" if one.address_hash else None,
    }


def _earlier(one: Comment) -> Iterator[str]:
    yield from db.session.scalars(select(Revision.body).where(Revision.comment_id == one.id).order_by(Revision.id))


def _iso(row: Any) -> str:
    return str(row.created_at.isoformat(timespec="seconds"))
