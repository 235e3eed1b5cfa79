"""Write a letter: a small function of what it tells, two templates, one row in the outbox."""

import secrets
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from commentsvc import i18n, links, paths, settings
from commentsvc.db import db
from commentsvc.markup import plain_text
from commentsvc.models.comment import Comment
from commentsvc.models.letter import Letter
from commentsvc.models.subscription import Subscription

EXCERPT = 600  # characters of each comment in a letter
SUBJECT = 150


def reply(subscription: Subscription, answer: Comment, stop_url: str) -> None:
    """Tell somebody that their comment was answered."""
    asked = subscription.comment
    thread = asked.thread
    root = _message_id(f"comment-{asked.id}", fixed=True)
    _write(
        "reply",
        occasion=f"reply-{answer.id}",
        recipient=subscription.email,
        language=subscription.language,
        references=root,
        list_id=f"thread-{thread.id}.{settings.current().host}",
        unsubscribe_url=stop_url,
        subscription_id=subscription.id,
        asked=asked,
        answer=answer,
        thread=thread,
        answer_url=links.comment(thread.site.key, thread.key, answer.id),
        stop_url=stop_url,
    )


def confirmation(subscription: Subscription, confirm_url: str) -> None:
    """Ask whether letters are wanted; holds nothing that anybody typed."""
    _write(
        "confirm",
        occasion=f"confirm-{subscription.id}",
        recipient=subscription.email,
        language=subscription.language,
        subscription_id=subscription.id,
        site=subscription.comment.thread.site,
        confirm_url=confirm_url,
    )


def held(comment: Comment, recipient: str, language: str) -> None:
    """Tell a moderator that a comment waits, once for each text."""
    _write(
        "held",
        occasion=f"held-{comment.id}" + (f"-{comment.edited_at:%Y%m%d%H%M%S%f}" if comment.edited_at else ""),
        recipient=recipient,
        language=language,
        list_id=f"queue.{settings.current().host}",
        comment=comment,
        thread=comment.thread,
        queue_url=links.absolute(f"/admin/queue#comment-{comment.id}"),
    )


def _write(
    template: str,
    *,
    occasion: str,
    recipient: str,
    language: str,
    references: str | None = None,
    list_id: str | None = None,
    unsubscribe_url: str | None = None,
    subscription_id: int | None = None,
    **facts: Any,
) -> None:
    already = db.session.scalar(select(Letter.id).where(Letter.occasion == occasion, Letter.recipient == recipient))
    if already:
        return
    with i18n.speaking(language):
        subject = plain_text.crop(plain_text.fold(_render(f"{template}.subject.txt", facts)), SUBJECT)
        text, html = _render(f"{template}.txt", facts), _render(f"{template}.html", facts | {"subject": subject})
    letter = Letter(
        occasion=occasion,
        recipient=recipient,
        subject=subject,
        text=text,
        html=html,
        message_id=_message_id(occasion),
        references=references,
        list_id=list_id,
        unsubscribe_url=unsubscribe_url,
        subscription_id=subscription_id,
    )
    try:
        with db.session.begin_nested():
            db.session.add(letter)
    except IntegrityError:  # another process has just written the same news
        return


def _message_id(occasion: str, *, fixed: bool = False) -> str:
    unique = "thread" if fixed else secrets.token_hex(8)
    return f"<{occasion}.{unique}@{settings.current().host}>"


def _render(name: str, facts: dict[str, Any]) -> str:
    return _environment().get_template(f"mail/{name}").render(language=i18n.language(), **facts)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(paths.TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(excerpt=lambda text: plain_text.crop(text, EXCERPT), reason=i18n.reason)
    return environment
