"""Read what readers see: a page of a thread, one's own held comments, the newest for feeds and lists, and counts.

A page takes at most five queries, whatever the thread's length.

The statements of a page are built once, since building them takes longer than running them.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import aliased, lazyload
from sqlalchemy.orm.attributes import set_committed_value

from commentsvc.db import db, unindexed
from commentsvc.models.comment import FACEPILE, Comment, State
from commentsvc.models.decision import pending_for_author
from commentsvc.models.site import Site, View
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.threads.articles import Article

MAX_DEPTH = 8  # levels of indentation; deeper replies stay at this level and name their parent
MAX_COUNTS = 100
MAX_FEED_ENTRIES = 50  # entries
MAX_WAITING = 50  # that a moderator sees on the thread's own page
MAX_LINKBACKS = 200  # outside the discussion, the newest


class Order(StrEnum):
    """Which comment comes first; where they are nested, which top-level one."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class Item:
    """One entry of the page. A tombstone keeps a hidden comment's place above its replies and shows nothing of it."""

    comment: Comment
    depth: int
    is_tombstone: bool
    visible_parent: Comment | None
    is_below: bool = False  # whether its parent is right above, so that only screen readers need to be told


@dataclass(frozen=True)
class ThreadPage:
    """The data of ``templates/thread/_thread.html``; ``thread`` is None where nobody has written yet."""

    article: Article
    view: View
    order: Order
    page: int
    pages: int
    items: list[Item]
    linkbacks: list[Comment]  # linkbacks outside the discussion
    pinned: Comment | None = None  # on the first page: the comment a moderator pinned

    @property
    def site(self) -> Site:
        """The article's site."""
        return self.article.site

    @property
    def thread(self) -> Thread | None:
        """The thread shown."""
        return self.article.thread

    @property
    def comment_count(self) -> int:
        """The number of approved comments in the whole thread."""
        return self.thread.comment_count if self.thread else 0

    @property
    def pages_to_offer(self) -> list[int | None]:
        """The first, the last and the neighbouring page numbers; None stands for a gap."""
        near = {1, self.pages, *range(max(1, self.page - 2), min(self.pages, self.page + 2) + 1)}
        offered: list[int | None] = []
        for number in sorted(near):
            if offered and offered[-1] is not None and number > offered[-1] + 1:
                offered.append(None)
            offered.append(number)
        return offered

    @property
    def linkback_count(self) -> int:
        """The number of approved linkbacks outside the discussion."""
        return self.thread.linkback_count if self.thread else 0

    @property
    def mentions(self) -> list[Comment]:
        """Linkbacks with a text."""
        return [one for one in self.linkbacks if one.response not in FACEPILE]

    @property
    def faces(self) -> list[tuple[str, list[Comment]]]:
        """Who likes, reposts or attends, by response."""
        groups = [(response, [one for one in self.linkbacks if one.response == response]) for response in FACEPILE]
        return [(response, who) for response, who in groups if who]

    @property
    def takes_linkbacks(self) -> bool:
        """Whether any protocol is enabled."""
        return any(self.site.takes(protocol) for protocol in self.site.linkbacks)


def read(article: Article, view: View | None = None, order: Order = Order.OLDEST, page: int = 1) -> ThreadPage:
    """Return a page of a thread. Reading a thread that does not exist gives an empty page and creates nothing."""
    site, thread = article.site, article.thread
    view = view or View(site.view)
    if thread is None:
        return ThreadPage(article, view, order, 1, 1, [], [])
    window = _fetch_page(thread, view, order, 1) if page <= 1 else None
    if window is not None and len(window) < site.page_size:
        page, pages = 1, 1
    else:
        pages = max(1, math.ceil(_count(_select_items(view), thread) / site.page_size))
        page = min(max(page, 1), pages)
        window = window or _fetch_page(thread, view, order, page)
    items = list(_lines(window) if view == View.LINEAR else _branches(thread, window))
    pinned = visible(thread, thread.pinned_id) if page == 1 else None
    return ThreadPage(article, view, order, page, pages, items, _linkbacks(thread), pinned)


def page_of(site: Site, comment: Comment, view: View, order: Order = Order.OLDEST) -> int:
    """Return the page on which a visible comment stands."""
    root = db.session.get(Comment, comment.root_id) if comment.root_id and view != View.LINEAR else None
    item, others = root or comment, tuple_(Comment.written_at, Comment.id)
    before = _select_items(view).where(others < item.position if order == Order.OLDEST else others > item.position)
    return _count(before, comment.thread) // site.page_size + 1


def visible(thread: Thread | None, comment_id: int | None) -> Comment | None:
    """Return the thread's comment with this id, if readers see it."""
    comment = db.session.get(Comment, comment_id) if thread and comment_id else None
    return comment if comment and thread and comment.thread_id == thread.id and comment.is_visible else None


def held_of(thread: Thread | None, visitor: str) -> list[Comment]:
    """Return this visitor's comments in the thread that nobody else sees yet."""
    if thread is None:
        return []
    # A thread may have thousands of comments, and so may an author, but few of a thread's are hidden.
    hidden = select(Comment).where(Comment.thread_id == thread.id, Comment.state.in_((State.PENDING, State.SPAM)))
    held = hidden.where(unindexed(Comment.visitor) == visitor, pending_for_author())
    return list(db.session.scalars(held.order_by(*Comment.order()).limit(20)))


def waiting_in(thread: Thread) -> list[Comment]:
    """Return the oldest pending comments of a thread, which moderators see."""
    held = _select_discussion().where(Comment.state == State.PENDING)
    return _fetch(held.order_by(*Comment.order()).limit(MAX_WAITING), thread)


def with_held(items: list[Item], held: list[Comment]) -> list[Item]:
    """Insert comments that are not published yet: each below its parent's replies, else at the end of the page."""
    shown = list(items)
    for comment in held:
        place = next((at for at, item in enumerate(shown) if item.comment.id == comment.parent_id), None)
        if place is None:
            shown.append(Item(comment, 0, is_tombstone=False, visible_parent=None))
            continue
        depth = shown[place].depth
        end = place + 1
        while end < len(shown) and shown[end].depth > depth:
            end += 1
        shown.insert(end, Item(comment, min(depth + 1, MAX_DEPTH), is_tombstone=False, visible_parent=None))
    return shown


def for_feed(site: Site, thread: Thread | None = None) -> list[Comment]:
    """Return the newest approved comments and linkbacks with a text, of a site or of one thread."""
    place = Comment.thread_id == thread.id if thread else Comment.site_id == site.id
    shown = select(Comment).where(place, Comment.state == State.APPROVED, Comment.response.not_in(FACEPILE))
    return list(db.session.scalars(shown.order_by(*Comment.order(newest_first=True)).limit(MAX_FEED_ENTRIES)))


def latest_in_discussion(site: Site, most: int) -> list[Comment]:
    """Return the newest comments that readers see on a site, without linkbacks outside the discussion."""
    shown = select(Comment).where(Comment.site_id == site.id, Comment.state == State.APPROVED, Comment.is_discussion)
    return list(db.session.scalars(shown.order_by(*Comment.order(newest_first=True)).limit(most)))


def counts(site: Site, keys: Iterable[str]) -> dict[str, int]:
    """Return the number of approved comments per key, 0 for unknown threads."""
    wanted = list(keys)[:MAX_COUNTS]
    of_these = select(Thread.key, Thread.comment_count).where(Thread.site_id == site.id, Thread.key.in_(wanted))
    found = dict(db.session.execute(of_these).all())
    if missing := set(wanted) - set(found):
        further = select(ThreadAlias.key, Thread.comment_count).join(Thread, Thread.id == ThreadAlias.thread_id)
        of_those = further.where(ThreadAlias.site_id == site.id, ThreadAlias.key.in_(missing))
        found |= dict(db.session.execute(of_those).all())
    return {key: found.get(key, 0) for key in wanted}


def _fetch(statement: Select[Comment], thread: Thread, **values: Any) -> list[Comment]:
    """Return what a statement selects from a thread."""
    comments = list(db.session.scalars(statement, {"thread": thread.id, **values}))
    for comment in comments:
        set_committed_value(comment, "thread", thread)
    return comments


def _count(rows: Select[Comment], thread: Thread) -> int:
    return db.session.scalar(rows.with_only_columns(func.count(Comment.id)), {"thread": thread.id}) or 0


def _fetch_page(thread: Thread, view: View, order: Order, page: int) -> list[Comment]:
    size = thread.site.page_size
    return _fetch(_select_page(view, order), thread, size=size, start=(page - 1) * size)


@cache
def _select_page(view: View, order: Order) -> Select[Comment]:
    in_order = _select_items(view).order_by(*Comment.order(newest_first=order == Order.NEWEST))
    return in_order.limit(bindparam("size")).offset(bindparam("start"))


@cache
def _select_items(view: View) -> Select[Comment]:
    """Select what is counted in pages: each comment or, where they are nested, each with its replies."""
    is_shown = Comment.state == State.APPROVED
    if view == View.LINEAR:
        return _select_discussion().where(is_shown)
    return _select_discussion().where(Comment.root_id.is_(None), or_(is_shown, _has_shown_replies()))


@cache
def _select_discussion() -> Select[Comment]:
    return _select_comments().where(Comment.is_discussion)


@cache
def _select_comments() -> Select[Comment]:
    return select(Comment).where(Comment.thread_id == bindparam("thread")).options(lazyload(Comment.thread))


def _has_shown_replies() -> ColumnElement[bool]:
    reply = aliased(Comment)
    return select(reply.id).where(reply.root_id == Comment.id, reply.state == State.APPROVED).exists()


@cache
def _select_replies() -> Select[Comment]:
    below = Comment.root_id.in_(bindparam("roots", expanding=True))
    return _select_discussion().where(below).order_by(*Comment.order())


@cache
def _select_linkbacks() -> Select[Comment]:
    beside = _select_comments().where(~Comment.is_discussion, unindexed(Comment.state) == State.APPROVED)
    return beside.order_by(*Comment.order(newest_first=True)).limit(MAX_LINKBACKS)


def _lines(window: list[Comment]) -> Iterator[Item]:
    parents = _by_id({comment.parent_id for comment in window if comment.parent_id})
    for comment in window:
        parent = parents.get(comment.parent_id or 0)
        yield Item(comment, 0, is_tombstone=False, visible_parent=parent if parent and parent.is_visible else None)


def _by_id(ids: set[int]) -> dict[int, Comment]:
    if not ids:
        return {}
    return {comment.id: comment for comment in db.session.scalars(select(Comment).where(Comment.id.in_(ids)))}


def _branches(thread: Thread, roots: list[Comment]) -> Iterator[Item]:
    """Yield each root with its replies, without recursion: 500 levels are no problem."""
    replies = _replies(thread, roots)
    waiting = [(root, 0) for root in reversed(roots)]
    by_id = {comment.id: comment for below in replies.values() for comment in below} | {root.id: root for root in roots}
    shown = _with_shown_descendants(by_id)
    above: Comment | None = None
    while waiting:
        comment, depth = waiting.pop()
        if comment.id not in shown:
            continue
        parent = by_id.get(comment.parent_id or 0)
        named = parent if parent and parent.is_visible else None
        is_below = depth <= MAX_DEPTH and above is not None and above.id == comment.parent_id
        level, is_tombstone = min(depth, MAX_DEPTH), not comment.is_visible
        yield Item(comment, level, is_tombstone=is_tombstone, visible_parent=named, is_below=is_below)
        above = comment
        waiting.extend((reply, depth + 1) for reply in reversed(replies[comment.id]))


def _replies(thread: Thread, roots: list[Comment]) -> dict[int, list[Comment]]:
    grouped: dict[int, list[Comment]] = defaultdict(list)
    for reply in _fetch(_select_replies(), thread, roots=[root.id for root in roots]):
        grouped[reply.parent_id or reply.root_id or 0].append(reply)
    return grouped


def _with_shown_descendants(by_id: dict[int, Comment]) -> set[int]:
    """Return ids of visible comments and of their ancestors."""
    shown: set[int] = set()
    for comment in by_id.values():
        above: Comment | None = comment if comment.is_visible else None
        while above is not None and above.id not in shown:
            shown.add(above.id)
            above = by_id.get(above.parent_id or 0)
    return shown


def _linkbacks(thread: Thread) -> list[Comment]:
    return _fetch(_select_linkbacks(), thread)[::-1] if thread.linkback_count else []
