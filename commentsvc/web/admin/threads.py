"""Threads: access, rules, title, address, aliases, merging."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db
from commentsvc.errors import InvalidFields, NotUnderstood, Refusal, or_404
from commentsvc.markup.render import one_line
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.site import Captcha, Moderation
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import queue
from commentsvc.sites import rules as site_rules
from commentsvc.threads import listing as thread_list
from commentsvc.threads import moving
from commentsvc.threads import rules as thread_rules
from commentsvc.web.admin import session
from commentsvc.web.options import choice, int_arg

MAX_TITLE_LENGTH = 300
MAX_DAYS = 36_500
THREAD = "/<id:thread_id>"

blueprint = Blueprint("threads", __name__, url_prefix="/admin/threads")
session.guard(blueprint)


@blueprint.get("")
def show() -> str:
    """Show the most recently active threads, of one site or by part of title or address."""
    who, site, access = session.current_moderator(), int_arg("site"), choice("access", Access)
    text = request.args.get("q", "").strip()[:200]
    return render_template(
        "admin/threads.html",
        page=thread_list.page(who, site, access, text, request.args.get("after", "")),
        site=site,
        access=access,
        text=text,
        sites=queue.waiting_by_site(who),
        accesses=Access,
    )


@blueprint.get(THREAD)
def show_one(thread_id: int) -> str:
    """Show a thread's rules and addresses, and what can be done with it."""
    return _page(_own(thread_id))


@blueprint.post(THREAD)
def change(thread_id: int) -> AnyResponse | tuple[str, int]:
    """Change title or rules."""
    db.begin_write()
    thread = _own(thread_id)
    try:
        action = thread_rules.change(thread, _rules(), session.current_moderator())
    except Refusal as refusal:
        return _again(thread_id, "rules", refusal)
    return _done(action, thread)


@blueprint.post(f"{THREAD}/address")
def relocate(thread_id: int) -> AnyResponse | tuple[str, int]:
    """Give the article another address."""
    return _addressed(thread_id, "address", moving.relocate)


@blueprint.post(f"{THREAD}/aliases")
def add_alias(thread_id: int) -> AnyResponse | tuple[str, int]:
    """Add a further address."""
    return _addressed(thread_id, "alias", moving.add_alias)


@blueprint.post(f"{THREAD}/aliases/<id:alias_id>/removal")
def remove_alias(thread_id: int, alias_id: int) -> AnyResponse:
    """Remove a further address."""
    db.begin_write()
    thread = _own(thread_id)
    return _done(moving.remove_alias(thread, alias_id, session.current_moderator()), thread)


@blueprint.post(f"{THREAD}/merger")
def merge(thread_id: int) -> AnyResponse | tuple[str, int]:
    """Merge it into another thread; its addresses lead there."""
    db.begin_write()
    thread = _own(thread_id)
    try:
        key, _ = moving.key_and_url_of(thread.site, request.form.get("address", "").strip())
        into = Thread.at(thread.site, key)
        if into is None:
            raise InvalidFields({"address": moving.NoSuchPlace()})
        action = moving.merge(thread, into, session.current_moderator())
    except Refusal as refusal:
        return _again(thread_id, "merger", refusal)
    return _done(action, into)


def _addressed(
    thread_id: int, form: str, use_case: Callable[[Thread, str, Moderator], ModeratorAction]
) -> AnyResponse | tuple[str, int]:
    """Apply a use case to a thread and the address that was typed."""
    db.begin_write()
    thread = _own(thread_id)
    try:
        action = use_case(thread, request.form.get("address", "").strip(), session.current_moderator())
    except Refusal as refusal:
        return _again(thread_id, form, refusal)
    return _done(action, thread)


def _own(thread_id: int) -> Thread:
    return or_404(session.moderated_thread(thread_id))


def _rules() -> dict[str, Any]:
    form = request.form
    access, captcha, moderation = form.get("access", ""), form.get("captcha", ""), form.get("moderation", "")
    known = access in set(Access) and captcha in {"", *Captcha} and moderation in {"", *Moderation}
    if not known:
        raise NotUnderstood
    return {
        "title": one_line(form.get("title", ""))[:MAX_TITLE_LENGTH],
        "access": access,
        "captcha": captcha or None,
        "moderation": moderation or None,
        "close_after_days": _days(form.get("close_after_days", "").strip()),
    }


def _days(typed: str) -> int | None:
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit() or len(typed) > len(str(MAX_DAYS)) or int(typed) > MAX_DAYS:
        raise InvalidFields({"close_after_days": site_rules.NotWithin(least=0, most=MAX_DAYS)})
    return int(typed)


def _done(action: ModeratorAction | None, thread: Thread) -> AnyResponse:
    action_id, thread_id = action.id if action else None, thread.id
    db.session.commit()
    return redirect(url_for("threads.show_one", thread_id=thread_id, action=action_id), code=303)


def _again(thread_id: int, form: str, refusal: Refusal) -> tuple[str, int]:
    db.session.rollback()
    return _page(_own(thread_id), form, refusal), refusal.status


def _page(thread: Thread, form: str = "", refusal: Refusal | None = None) -> str:
    typed: Mapping[str, str] = request.form if refusal else {}
    return render_template(
        "admin/thread.html",
        thread=thread,
        pinned=db.session.get(Comment, thread.pinned_id or 0),
        aliases=moving.aliases_of(thread),
        counts=queue.counts_in(thread),
        accesses=Access,
        captchas=site_rules.BY_NAME["captcha"].choices,
        moderations=site_rules.BY_NAME["moderation"].choices,
        form=form,
        refusal=refusal if refusal and not refusal.fields else None,
        errors=refusal.fields if refusal else {},
        typed=typed,
        action=session.requested_action("action"),
        undone=session.requested_action("undone"),
        last=None,
    )
