"""Move what was written: below another comment, to another article; join threads, and give them further addresses."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from commentsvc import links
from commentsvc.comments import threads
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, NotFound, Refusal
from commentsvc.models.act import Act
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.moderation import acts, decisions

KEPT = ("id", "site_id", "key", "url", "title", "access", "captcha", "moderation", "close_after_days", "pinned_id")
TIMES = ("created_at", "active_at", "closed_at")
PLACE = ("id", "thread_id", "parent_id", "root_id")


class NotBelowItself(Refusal):
    """A comment cannot answer itself, or what answers it."""

    status = 422
    sentence = N_("A comment cannot stand below itself or below an answer to it.")


class NoSuchPlace(Refusal):
    """What was typed leads to no article of the site, or to no comment of the thread."""

    status = 422
    sentence = N_("There is no such place on this blog. Please write a comment's number, or an article's address.")


class AddressTaken(Refusal):
    """Another thread has the address."""

    status = 422
    sentence = N_("Another thread stands at this address. Please merge the two instead.")


def place_at(site: Site, typed: str) -> tuple[str, str]:
    """The key and the address of an article that a moderator typed; raises ``InvalidFields``."""
    try:
        url = threads.article_url(site, typed) if "://" in typed else None
        key = threads.key_of(url or typed)
    except Refusal:
        raise InvalidFields({"address": NoSuchPlace()}) from None
    if not key and not url:
        raise InvalidFields({"address": NoSuchPlace()})
    return key, url or links.article(site.home, key)


def thread_at(site: Site, typed: str) -> Thread:
    """The thread of an article that a moderator named; opened where nobody has written there yet; writes."""
    key, url = place_at(site, typed)
    thread = Thread.at(site, key)
    if thread is None:
        thread = threads.find_or_open(site, key)
        thread.url = url
    return thread


def move(comments: Sequence[Comment], thread: Thread, parent: Comment | None, by: Moderator) -> Act:
    """Let comments stand below ``parent`` or at the top of ``thread``, with all that answers them; writes.

    Raises:
        InvalidFields: the parent is one of them, or cannot be answered.
    """
    branches = {comment.id: _branch(comment) for comment in comments}
    inner = {one.id for branch in branches.values() for one in branch[1:]}
    moved = [one for number, branch in branches.items() if number not in inner for one in branch]
    if parent and parent.id in {one.id for one in moved}:
        raise InvalidFields({"parent": NotBelowItself()})
    if parent and (parent.thread_id != thread.id or not parent.in_talk):
        raise InvalidFields({"parent": NoSuchPlace()})
    kept = [[getattr(one, name) for name in PLACE] for one in moved]
    act = acts.begin("move", by, site=thread.site_id, thread=thread, count=len(comments), kept={"places": kept})
    for number, branch in branches.items():
        if number not in inner:
            _place(branch, thread, parent)
    return act


def _branch(comment: Comment) -> list[Comment]:
    """A comment and all answers to it and to them, each after what it answers."""
    root = comment.root_id or comment.id
    below: dict[int | None, list[Comment]] = {}
    for one in db.session.scalars(select(Comment).where(Comment.root_id == root).order_by(Comment.id)):
        below.setdefault(one.parent_id, []).append(one)
    branch = [comment]
    for one in branch:  # grows while it is read
        branch.extend(below.get(one.id, ()))
    return branch


def _place(branch: list[Comment], thread: Thread, parent: Comment | None) -> None:
    top = branch[0]
    top.parent_id, top.root_id = (parent.id, parent.root_id or parent.id) if parent else (None, None)
    for one in branch[1:]:
        one.root_id = top.root_id or top.id
    _settle(branch, thread)


def _settle(moved: Iterable[Comment], thread: Thread) -> None:
    """Let comments belong to a thread, and count them there."""
    rows = list(moved)
    left = {one.thread_id: one.thread for one in rows}
    for one in rows:
        one.thread_id, one.thread = thread.id, thread
    db.session.flush()
    numbers = [one.id for one in rows]
    db.session.execute(update(Subscription).where(Subscription.comment_id.in_(numbers)).values(key=thread.key))
    for place in {**left, thread.id: thread}.values():
        _count_anew(place)


def _count_anew(thread: Thread) -> None:
    shown = select(func.count()).where(Comment.thread_id == thread.id, Comment.state == State.APPROVED)
    thread.comment_count = db.session.scalar(shown.where(Comment.in_talk)) or 0
    thread.linkback_count = db.session.scalar(shown.where(~Comment.in_talk)) or 0
    db.session.flush()
    decisions.show_anew(thread.id)


def undo_move(act: Act) -> list[Comment]:
    """Put comments back where they stood, as far as that is still there; writes."""
    back: dict[int, list[Comment]] = {}
    for number, thread_id, parent_id, root_id in act.kept["places"]:
        comment, thread = Comment.locked(number), db.session.get(Thread, thread_id)
        if comment is not None and thread is not None:
            comment.parent_id, comment.root_id = parent_id, root_id
            back.setdefault(thread_id, []).append(comment)
    for thread_id, comments in back.items():
        _settle(comments, db.session.get_one(Thread, thread_id))
    return [comment for comments in back.values() for comment in comments]


def merge(thread: Thread, into: Thread, by: Moderator) -> Act:
    """Let everything of ``thread`` stand in another one, and its addresses lead there; writes.

    Raises:
        InvalidFields: they are one, or of two sites.
    """
    if thread.id == into.id or thread.site_id != into.site_id:
        raise InvalidFields({"address": NoSuchPlace()})
    kept = {
        "thread": {name: getattr(thread, name) for name in KEPT} | {name: _said(thread, name) for name in TIMES},
        "comments": list(db.session.scalars(select(Comment.id).where(Comment.thread_id == thread.id))),
        "aliases": list(db.session.scalars(select(ThreadAlias.id).where(ThreadAlias.thread_id == thread.id))),
        "followers": _lead_followers(thread, into),
    }
    act = acts.begin("merge", by, site=into.site_id, thread=into, count=len(kept["comments"]), kept=kept)
    _carry_over(Comment.thread_id == thread.id, thread.id, into.id)
    aliases = update(ThreadAlias).where(ThreadAlias.thread_id == thread.id).values(thread_id=into.id)
    db.session.execute(aliases)
    site_id, key = thread.site_id, thread.key
    db.session.execute(delete(Thread).where(Thread.id == thread.id))
    db.session.add(ThreadAlias(site_id=site_id, key=key, thread_id=into.id))
    db.session.flush()
    db.session.expire_all()
    _count_anew(into)
    _address_anew(site_id)
    return act


def undo_merging(act: Act) -> list[Thread]:
    """Part two threads again: what came to either since stays with the one that is left; writes."""
    kept, into = act.kept, act.thread
    if into is None or Thread.at(into.site, kept["thread"]["key"]) is not into:
        return []
    times = {name: datetime.fromisoformat(said) for name in TIMES if (said := kept["thread"][name])}
    own = delete(ThreadAlias).where(ThreadAlias.site_id == into.site_id, ThreadAlias.key == kept["thread"]["key"])
    db.session.execute(own)
    thread = Thread(**kept["thread"] | {name: times.get(name) for name in TIMES})
    db.session.add(thread)
    db.session.flush()
    still_there = Comment.id.in_(kept["comments"]) & (Comment.thread_id == into.id)
    _carry_over(still_there, into.id, thread.id)
    aliases = update(ThreadAlias).where(ThreadAlias.id.in_(kept["aliases"])).values(thread_id=thread.id)
    db.session.execute(aliases)
    followers = update(Subscription).where(Subscription.id.in_(kept["followers"])).values(key=thread.key)
    db.session.execute(followers)
    db.session.expire_all()
    for one in (thread, into):
        _count_anew(one)
    _address_anew(into.site_id)
    return [thread, into]


def _carry_over(which: Any, before: int, after: int) -> None:
    marks = func.replace(Comment.marks, f"=t{before} ", f"=t{after} ")
    db.session.execute(
        update(Comment).where(which).values(thread_id=after, marks=marks),
        execution_options={"synchronize_session": False},
    )


def _lead_followers(thread: Thread, into: Thread) -> list[int]:
    """Who hears of one thread hears of the other, unless they do so already; the numbers of subscriptions."""
    here = select(Subscription.recipient_id).where(
        Subscription.site_id == into.site_id, Subscription.key == into.key, Subscription.topic == "thread"
    )
    theirs = select(Subscription.id).where(Subscription.site_id == thread.site_id, Subscription.key == thread.key)
    found = list(
        db.session.scalars(theirs.where((Subscription.topic != "thread") | Subscription.recipient_id.not_in(here)))
    )
    db.session.execute(update(Subscription).where(Subscription.id.in_(found)).values(key=into.key))
    return found


def relocate(thread: Thread, typed: str, by: Moderator) -> Act:
    """The article has another address now; the old one leads here, too; writes.

    Raises:
        InvalidFields: it is no address of the site, or another thread stands there.
    """
    key, url = place_at(thread.site, typed)
    kept = {"key": thread.key, "url": thread.url}
    if key != thread.key:
        _must_be_free(thread, key)
        db.session.execute(delete(ThreadAlias).where(ThreadAlias.site_id == thread.site_id, ThreadAlias.key == key))
        _rename(thread, key)
        db.session.add(ThreadAlias(site_id=thread.site_id, key=kept["key"], thread_id=thread.id))
    thread.url = url
    _address_anew(thread.site_id)
    return acts.begin("address", by, site=thread.site_id, thread=thread, kept=kept)


def undo_relocation(act: Act) -> list[Thread]:
    """Give a thread back the address it had; writes."""
    thread, kept = act.thread, act.kept
    if thread is None or Thread.at(thread.site, kept["key"]) is not thread:
        return []
    mine = (ThreadAlias.site_id == thread.site_id, ThreadAlias.key == kept["key"])
    db.session.execute(delete(ThreadAlias).where(*mine))
    _rename(thread, kept["key"])
    thread.url = kept["url"]
    _address_anew(thread.site_id)
    return [thread]


def add_alias(thread: Thread, typed: str, by: Moderator) -> Act:
    """Another address shows this thread, too; writes; raises ``InvalidFields``."""
    key, _ = place_at(thread.site, typed)
    _must_be_free(thread, key)
    if Thread.at(thread.site, key) is None:
        db.session.add(ThreadAlias(site_id=thread.site_id, key=key, thread_id=thread.id))
    _address_anew(thread.site_id)
    return acts.begin("alias", by, site=thread.site_id, thread=thread, kept={"added": key})


def remove_alias(thread: Thread, number: int, by: Moderator) -> Act:
    """An address leads here no more; writes."""
    alias = db.session.get(ThreadAlias, number)
    if alias is None or alias.thread_id != thread.id:
        raise NotFound
    key = alias.key
    db.session.delete(alias)
    _address_anew(thread.site_id)
    return acts.begin("alias", by, site=thread.site_id, thread=thread, kept={"removed": key})


def undo_alias(act: Act) -> list[Thread]:
    """Take an address away again, or give it back; writes."""
    thread = act.thread
    if thread is None:
        return []
    here = (ThreadAlias.site_id == thread.site_id, ThreadAlias.thread_id == thread.id)
    if key := act.kept.get("added"):
        db.session.execute(delete(ThreadAlias).where(*here, ThreadAlias.key == key))
    elif Thread.at(thread.site, act.kept["removed"]) is None:
        db.session.add(ThreadAlias(site_id=thread.site_id, key=act.kept["removed"], thread_id=thread.id))
    _address_anew(thread.site_id)
    return [thread]


def aliases_of(thread: Thread) -> list[ThreadAlias]:
    """The further addresses of a thread."""
    return list(
        db.session.scalars(select(ThreadAlias).where(ThreadAlias.thread_id == thread.id).order_by(ThreadAlias.id))
    )


def _must_be_free(thread: Thread, key: str) -> None:
    other = Thread.at(thread.site, key)
    if other is not None and other.id != thread.id:
        raise InvalidFields({"address": AddressTaken()})


def _rename(thread: Thread, key: str) -> None:
    theirs = (Subscription.site_id == thread.site_id, Subscription.key == thread.key)
    db.session.execute(update(Subscription).where(*theirs).values(key=key))
    thread.key = key
    db.session.flush()


def _address_anew(site_id: int) -> None:
    """What is kept for addresses where nothing stood may be of another thread now."""
    db.session.execute(update(Site).where(Site.id == site_id).values({Site.version: Site.version + 1}))


def _said(thread: Thread, name: str) -> str | None:
    moment: datetime | None = getattr(thread, name)
    return moment.isoformat() if moment else None
