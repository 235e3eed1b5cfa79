"""A person decides about comments, in the admin pages or from an email: about the texts they saw, and shown at once."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from commentsvc.comments import personal_data
from commentsvc.db import db
from commentsvc.errors import ChangedMeanwhile, found
from commentsvc.linkbacks import verifying
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.thread import Thread
from commentsvc.moderation import bans
from commentsvc.web import snapshots


def decide(comment_id: int, text_version: str | None, action: Callable[[Comment], None]) -> None:
    """Let ``action`` change the comment, while nobody else can; commits.

    Raises:
        NotFound: it is gone.
        ChangedMeanwhile: it says something else than when it was ``text_version``, where that is known.
    """
    db.begin_write()
    comment = found(Comment.locked(comment_id))
    if text_version not in (None, comment.text_version):
        raise ChangedMeanwhile
    action(comment)
    show([comment])


def seen(chosen: Mapping[int, str | None]) -> list[Comment]:
    """Those of the chosen comments, by id, that still say what they said when they were seen, where that is known.

    Nobody else changes them from here on.
    """
    return [comment for comment in Comment.all_locked(chosen) if chosen[comment.id] in (None, comment.text_version)]


def erase(email: str) -> int:
    """Erase what is stored about an address, a little at a time, so that nobody waits; how many comments; commits."""
    erased = _in_steps(partial(personal_data.erase_some, email))
    db.begin_write()
    personal_data.erase_address(email)
    db.session.commit()
    return erased


def trash_theirs(ban: Ban, action: ModeratorAction) -> None:
    """Move what a ban would have refused to the trash, a little at a time, as part of ``action``; commits."""
    _in_steps(partial(bans.trash_some, ban, bans.theirs(ban), action.moderator, action))


def give_back(ban: Ban, by: Moderator | None) -> None:
    """Give back what an undone ban took, a little at a time; commits."""
    _in_steps(partial(bans.give_back_some, ban, by))


def _in_steps(step: Callable[[], list[Thread]]) -> int:
    """Let readers see what each step changed; how many comments those were."""
    changed = 0
    for places in db.in_batches(lambda: [(thread.site_id, thread.key) for thread in step()]):
        changed += len(places)
        for place in set(places):
            snapshots.drop(*place)
    return changed


def show(changed: Iterable[Comment], others: Iterable[Thread] = (), *, of_site: int | None = None) -> None:
    """Commit, and let readers see it at once: in the threads of what changed, in others, or in any ``of_site``."""
    threads = {(thread.site_id, thread.key) for thread in others}
    for comment in changed:
        threads.add((comment.thread.site_id, comment.thread.key))
        if comment.is_linkback and comment.is_visible:
            verifying.look_soon(comment)
    db.session.commit()
    for thread in threads:
        snapshots.drop(*thread)
    if of_site is not None:
        snapshots.drop_site(of_site)
