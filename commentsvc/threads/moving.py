"""Move comments to another parent or article, merge threads, and give them further addresses."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import aliased

from commentsvc import content_versions, links
from commentsvc.db import db, in_parts
from commentsvc.errors import N_, InvalidFields, NotFound, Refusal, WrongOrigin, or_404
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription, Topic
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.moderation import actions
from commentsvc.threads import threads

THREAD_COLUMNS = (
    "id",
    "site_id",
    "key",
    "url",
    "title",
    "access",
    "captcha",
    "moderation",
    "close_after_days",
    "pinned_id",
)
TIMES = ("created_at", "active_at", "closed_at")


class NotBelowItself(Refusal):
    """A comment cannot be moved below itself or its own replies."""

    status = 422
    sentence = N_("A comment cannot be placed below itself or one of its replies.")


class NoSuchPlace(Refusal):
    """What was typed is not an article of the site, or not a comment of the thread."""

    status = 422
    sentence = N_(
        "There is no such comment or article on this blog. Please enter a comment number or an article’s address."
    )


class NotOfThisBlog(Refusal):
    """The address typed is on none of the site's origins."""

    status = 422
    sentence = N_(
        "This address is not on this blog, which is at %(origins)s. "
        "Owners can add more addresses in the blog’s settings."
    )


class AddressTaken(Refusal):
    """Another thread has the address."""

    status = 422
    sentence = N_("This address already belongs to a thread. If it is a different one, please merge the two.")


def key_and_url_of(site: Site, typed: str) -> tuple[str, str]:
    """Return key and address of an article that a moderator typed; raises ``InvalidFields``."""
    typed = _with_scheme(site, typed)
    try:
        url = threads.article_url(site, typed) if "://" in typed else None
        key = threads.key_of(url or typed)
    except WrongOrigin:
        raise InvalidFields({"address": NotOfThisBlog(origins=", ".join(site.origins))}) from None
    except Refusal:
        raise InvalidFields({"address": NoSuchPlace()}) from None
    if (not key and not url) or len(url or links.article(site.home, key)) > links.MAX_ADDRESS_LENGTH:
        raise InvalidFields({"address": NoSuchPlace()})
    return key, url or links.article(site.home, key)


def _with_scheme(site: Site, typed: str) -> str:
    """Return what was typed as a full address where it begins with a host: of this blog, or after two slashes."""
    bare = typed.strip().removeprefix("//")
    own = next((one for one in site.origins if f"{bare}/".startswith(one.partition("://")[2] + "/")), None)
    if own is None and bare == typed.strip():
        return typed
    return f"{(own or site.home).partition('://')[0]}://{bare}"


def thread_at(site: Site, typed: str) -> Thread:
    """Return the thread of an article that a moderator named, opened if new."""
    key, url = key_and_url_of(site, typed)
    thread = Thread.at(site, key)
    if thread is None:
        thread = threads.open_thread(site, key)
        thread.url = url
    return thread


def move(comments: Sequence[Comment], thread: Thread, parent: Comment | None, by: Moderator) -> ModeratorAction:
    """Move comments with all their replies below ``parent``, or to the top of ``thread``.

    Raises:
        InvalidFields: the parent is one of them, or cannot be replied to.
    """
    branches = _branches(comments)
    inner = {one.id for branch in branches for one in branch[1:]}
    tops = [branch for branch in branches if branch[0].id not in inner]
    if parent and any(parent.id == one.id for branch in tops for one in branch):
        raise InvalidFields({"parent": NotBelowItself()})
    if parent and (parent.thread_id != thread.id or not parent.is_discussion):
        raise InvalidFields({"parent": NoSuchPlace()})
    undo_data = {"tops": [[branch[0].id, branch[0].thread_id, branch[0].parent_id] for branch in tops]}
    action = actions.record(Verb.MOVE, by, site=thread.site_id, thread=thread, count=len(comments), undo_data=undo_data)
    for branch in tops:
        _set_parent(branch, parent)
    _assign_to_thread([one for branch in tops for one in branch], thread)
    return action


def _branches(comments: Sequence[Comment]) -> list[list[Comment]]:
    """Return each comment with all its descendants, parents first."""
    roots = {comment.root_id or comment.id for comment in comments}
    below: dict[int | None, list[Comment]] = {}
    for one in db.session.scalars(select(Comment).where(Comment.root_id.in_(roots)).order_by(*Comment.order())):
        below.setdefault(one.parent_id, []).append(one)
    branches = []
    for comment in comments:
        branch = [comment]
        for one in branch:  # grows while it is read
            branch.extend(below.get(one.id, ()))
        branches.append(branch)
    return branches


def _set_parent(branch: list[Comment], parent: Comment | None) -> None:
    top = branch[0]
    top.parent_id, top.root_id = (parent.id, parent.root_id or parent.id) if parent else (None, None)
    for one in branch[1:]:
        one.root_id = top.root_id or top.id


def _assign_to_thread(moved: Sequence[Comment], thread: Thread) -> None:
    """Assign comments to a thread, and count them there."""
    left = {one.thread_id: one.thread for one in moved}
    for one in moved:
        if one.thread_id != thread.id and not one.is_linkback:  # what its page said is about the other article
            one.title, one.article_url = "", None
        one.thread_id, one.thread = thread.id, thread
    db.session.flush()
    for some in in_parts([one.id for one in moved]):
        theirs = update(Subscription).where(Subscription.comment_id.in_(some))
        db.session.execute(theirs.values(key=thread.key))
    recount([*{**left, thread.id: thread}.values()])


def detach_replies(comment: Comment) -> None:
    """Make each reply the top of its own branch, as the comment is about to be deleted."""
    replies = db.session.scalars(select(Comment).where(Comment.parent_id == comment.id)).all()
    for branch in _branches(replies):
        _set_parent(branch, None)


def recount(threads: Collection[Thread]) -> None:
    """Count anew what is shown in some threads. Others may count at the same time, so their rows are locked first."""
    ids = [thread.id for thread in threads]
    db.session.flush()
    Thread.lock(ids)
    shown = select(func.count()).where(Comment.thread_id == Thread.id, Comment.state == State.APPROVED)
    counts = {
        Thread.version: Thread.version + 1,
        Thread.comment_count: shown.where(Comment.is_discussion).scalar_subquery(),
        Thread.linkback_count: shown.where(~Comment.is_discussion).scalar_subquery(),
    }
    counted = update(Thread).where(Thread.id.in_(ids)).values(counts)
    db.session.execute(counted, execution_options={"synchronize_session": False})
    content_versions.bump_activity(threads)
    for thread in threads:
        db.session.expire(thread)


def undo_move(action: ModeratorAction) -> list[Comment]:
    """Move comments back, with all replies they have by now.

    They go below their former parent, or to the top if it is gone; if their thread is gone, they stay.
    """
    back = []
    for number, thread_id, parent_id in action.undo_data["tops"]:
        comment, thread = Comment.locked(number), db.session.get(Thread, thread_id)
        if comment is None or thread is None:
            continue
        (branch,), parent = _branches([comment]), db.session.get(Comment, parent_id or 0)
        is_there = parent is not None and parent.thread_id == thread.id and parent not in branch
        _set_parent(branch, parent if is_there else None)
        _assign_to_thread(branch, thread)
        back.append(comment)
    return back


def merge(thread: Thread, into: Thread, by: Moderator) -> ModeratorAction:
    """Move everything of ``thread`` into another one, and let its addresses lead there.

    Raises:
        InvalidFields: they are the same, or on two sites.
    """
    if thread.id == into.id or thread.site_id != into.site_id:
        raise InvalidFields({"address": NoSuchPlace()})
    Thread.lock([thread.id, into.id])  # whoever is posting there has finished, or waits
    undo_data = {
        "thread": {name: getattr(thread, name) for name in THREAD_COLUMNS}
        | {name: _isoformat(thread, name) for name in TIMES},
        "comments": list(db.session.scalars(select(Comment.id).where(Comment.thread_id == thread.id))),
        "aliases": list(db.session.scalars(select(ThreadAlias.id).where(ThreadAlias.thread_id == thread.id))),
        "followers": _move_subscriptions(thread.site_id, thread.key, into.key),
        "actions": list(db.session.scalars(select(ModeratorAction.id).where(ModeratorAction.thread_id == thread.id))),
    }
    action = actions.record(
        Verb.MERGE, by, site=into.site_id, thread=into, count=len(undo_data["comments"]), undo_data=undo_data
    )
    _carry_over(Comment.thread_id == thread.id, thread.id, into.id)
    aliases = update(ThreadAlias).where(ThreadAlias.thread_id == thread.id).values(thread_id=into.id)
    db.session.execute(aliases)
    site_id, key = thread.site_id, thread.key
    into.title = into.title or thread.title
    db.session.execute(delete(Thread).where(Thread.id == thread.id))
    db.session.add(ThreadAlias(site_id=site_id, key=key, thread_id=into.id))
    db.session.flush()
    db.session.expire_all()
    recount([into])
    content_versions.bump_site(site_id)
    return action


def undo_merging(action: ModeratorAction) -> list[Thread]:
    """Separate two threads again; what came since stays in the one that is left."""
    undo_data, into = action.undo_data, action.thread
    if into is None or Thread.at(into.site, undo_data["thread"]["key"]) is not into:
        return []
    times = {name: datetime.fromisoformat(moment) for name in TIMES if (moment := undo_data["thread"][name])}
    Thread.lock([into.id])
    own = delete(ThreadAlias).where(ThreadAlias.site_id == into.site_id, ThreadAlias.key == undo_data["thread"]["key"])
    db.session.execute(own)
    thread = Thread(**undo_data["thread"] | {name: times.get(name) for name in TIMES})
    db.session.add(thread)
    db.session.flush()
    for some in in_parts(undo_data["comments"]):
        theirs = Comment.id.in_(some) | Comment.root_id.in_(some)  # and what answers them since
        _carry_over(theirs & (Comment.thread_id == into.id), into.id, thread.id)
    db.session.execute(
        update(ModeratorAction).where(ModeratorAction.id.in_(undo_data["actions"])).values(thread_id=thread.id)
    )
    aliases = update(ThreadAlias).where(ThreadAlias.id.in_(undo_data["aliases"])).values(thread_id=thread.id)
    db.session.execute(aliases)
    _follow(undo_data["followers"], thread.key)
    db.session.expire_all()
    for one in (thread, into):
        _detach_foreign_parent(one)
    recount([thread, into])
    content_versions.bump_site(into.site_id)
    return [thread, into]


def _carry_over(which: Any, before: int, after: int) -> None:
    search_tags = func.replace(Comment.search_tags, f"=t{before} ", f"=t{after} ")
    db.session.execute(
        update(Comment).where(which).values(thread_id=after, search_tags=search_tags),
        execution_options={"synchronize_session": False},
    )


def _detach_foreign_parent(thread: Thread) -> None:
    """Move a comment to the top if its parent is in another thread by now."""
    other = aliased(Comment)
    answers = select(Comment).join(other, other.id == Comment.parent_id).where(other.thread_id != Comment.thread_id)
    for stray in db.session.scalars(answers.where(Comment.thread_id == thread.id)).all():
        (branch,) = _branches([stray])
        _set_parent([one for one in branch if one.thread_id == thread.id], None)
    db.session.flush()


def _move_subscriptions(site_id: int, before: str, after: str) -> list[int]:
    """Move followers from one address to another, unless they follow that already; return ids of subscriptions."""
    of_site = Subscription.site_id == site_id
    subscribed = select(Subscription.recipient_id).where(
        of_site, Subscription.key == after, Subscription.topic == Topic.THREAD
    )
    theirs = select(Subscription.id).where(of_site, Subscription.key == before)
    free = (Subscription.topic != Topic.THREAD) | Subscription.recipient_id.not_in(subscribed)
    found = list(db.session.scalars(theirs.where(free)))
    _follow(found, after)
    return found


def _follow(subscriptions: Sequence[int], key: str) -> None:
    for some in in_parts(subscriptions):
        db.session.execute(update(Subscription).where(Subscription.id.in_(some)).values(key=key))


def relocate(thread: Thread, typed: str, by: Moderator) -> ModeratorAction:
    """Give the article another address; the old one becomes an alias.

    Raises:
        InvalidFields: it is not an address of the site, or another thread has it.
    """
    key, url = key_and_url_of(thread.site, typed)
    undo_data: dict[str, Any] = {"key": thread.key, "url": thread.url}
    if key != thread.key:
        _must_be_free(thread, key)
        own = (ThreadAlias.site_id == thread.site_id, ThreadAlias.key == key)
        undo_data["alias"] = db.session.scalar(select(ThreadAlias.key).where(*own)) or ""
        db.session.execute(delete(ThreadAlias).where(*own))
        undo_data["followers"] = _move_subscriptions(thread.site_id, thread.key, key)
        thread.key = key
        db.session.flush()
        db.session.add(ThreadAlias(site_id=thread.site_id, key=undo_data["key"], thread_id=thread.id))
    thread.url = url
    content_versions.bump_site(thread.site_id)
    return actions.record(Verb.ADDRESS, by, site=thread.site_id, thread=thread, undo_data=undo_data)


def undo_relocation(action: ModeratorAction) -> list[Thread]:
    """Restore the thread's address."""
    thread, undo_data = action.thread, action.undo_data
    if thread is None or Thread.at(thread.site, undo_data["key"]) is not thread:
        return []
    mine = (ThreadAlias.site_id == thread.site_id, ThreadAlias.key == undo_data["key"])
    db.session.execute(delete(ThreadAlias).where(*mine))
    thread.key, thread.url = undo_data["key"], undo_data["url"]
    _follow(undo_data.get("followers", ()), thread.key)
    db.session.flush()
    if key := undo_data.get("alias"):
        db.session.add(ThreadAlias(site_id=thread.site_id, key=key, thread_id=thread.id))
    content_versions.bump_site(thread.site_id)
    return [thread]


def add_alias(thread: Thread, typed: str, by: Moderator) -> ModeratorAction:
    """Add an alias to a thread; raises ``InvalidFields``."""
    key, _ = key_and_url_of(thread.site, typed)
    if Thread.at(thread.site, key) is not None:
        raise InvalidFields({"address": AddressTaken()})
    db.session.add(ThreadAlias(site_id=thread.site_id, key=key, thread_id=thread.id))
    undo_data = {"added": key, "followers": _move_subscriptions(thread.site_id, key, thread.key)}
    content_versions.bump_site(thread.site_id)
    return actions.record(Verb.ALIAS, by, site=thread.site_id, thread=thread, undo_data=undo_data)


def remove_alias(thread: Thread, alias_id: int, by: Moderator) -> ModeratorAction:
    """Remove an alias; raises ``NotFound``."""
    alias = or_404(db.session.get(ThreadAlias, alias_id))
    if alias.thread_id != thread.id:
        raise NotFound
    key = alias.key
    db.session.delete(alias)
    content_versions.bump_site(thread.site_id)
    return actions.record(Verb.ALIAS, by, site=thread.site_id, thread=thread, undo_data={"removed": key})


def undo_alias(action: ModeratorAction) -> list[Thread]:
    """Remove an alias again, or restore it."""
    thread = action.thread
    if thread is None:
        return []
    conditions = (ThreadAlias.site_id == thread.site_id, ThreadAlias.thread_id == thread.id)
    if key := action.undo_data.get("added"):
        db.session.execute(delete(ThreadAlias).where(*conditions, ThreadAlias.key == key))
        _follow(action.undo_data["followers"], key)
    elif Thread.at(thread.site, action.undo_data["removed"]) is None:
        db.session.add(ThreadAlias(site_id=thread.site_id, key=action.undo_data["removed"], thread_id=thread.id))
    content_versions.bump_site(thread.site_id)
    return [thread]


def aliases_of(thread: Thread) -> list[ThreadAlias]:
    """Return the aliases of a thread."""
    return list(
        db.session.scalars(select(ThreadAlias).where(ThreadAlias.thread_id == thread.id).order_by(ThreadAlias.id))
    )


def _must_be_free(thread: Thread, key: str) -> None:
    other = Thread.at(thread.site, key)
    if other is not None and other.id != thread.id:
        raise InvalidFields({"address": AddressTaken()})


def _isoformat(thread: Thread, name: str) -> str | None:
    moment: datetime | None = getattr(thread, name)
    return moment.isoformat() if moment else None
